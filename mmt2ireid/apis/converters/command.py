"""The command line that all converters share, and their table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from math import prod

from mmt2ireid.apis.converters.convert import Conversion, Converter, convert_checkpoint
from mmt2ireid.engine.config_file import ConfigOptions


def convert_command(converter: Converter, description: str | None, argv: Sequence[str] | None = None) -> None:
    """Converts a checkpoint as the command line says and prints what went where.

    Args:
        converter: of the code that wrote the file.
        description: of the command.
        argv: arguments; those of the process by default.

    Raises:
        FileNotFoundError, ValueError: the file is missing, or refused.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help="the authors' file")
    parser.add_argument('out', metavar='OUT.pth', help='the file to write')
    if converter.read_words is not None:
        parser.add_argument('--words', required=True, metavar='FILE', help="the authors' file of words and their ids")
    parser.add_argument('--config', help=f'whose model it is (default: configs/{converter.config}.py)')
    parser.add_argument('--force', action='store_true', help='replace OUT.pth')
    parser.add_argument('--keys', action='store_true', help='print every entry, not their groups only')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override settings of the config'
    )
    args = parser.parse_args(argv)
    conversion = convert_checkpoint(
        converter,
        args.checkpoint,
        args.out,
        config=args.config,
        changes=args.cfg_options,
        force=args.force,
        words=getattr(args, 'words', None),
    )
    print(conversion_table(conversion, every_key=args.keys))
    print(f'\n{args.out} ({os.path.getsize(args.out) / 2**20:,.0f} MiB)')


def conversion_table(conversion: Conversion, *, every_key: bool = False) -> str:
    """A Markdown table of what went where.

    Args:
        conversion: what was done.
        every_key: a row per entry, in place of one per part of the model.

    Returns:
        The table and a line with the sums.
    """
    routes = conversion.routes
    rows: dict[tuple[str, str], list[str]] = {}
    for key in conversion.sizes:
        target = routes.mapped.get(key)
        place = target if every_key or target is None else _group(target)
        # What is not needed for one reason shares a row.
        name = key if every_key else '' if target is None else _group(key)
        rows.setdefault((name, place or f'not needed: {routes.unneeded[key]}'), []).append(key)
    lines = ['| in the file | here | entries | values |', '| --- | --- | ---: | ---: |']
    for (name, place), keys in rows.items():
        names = name or ', '.join(dict.fromkeys(map(_group, keys)))
        values = sum(prod(conversion.sizes[key]) for key in keys)
        lines.append(f'| {names} | {place} | {len(keys)} | {values:,} |')
    precision = f', {conversion.halves} of them from half precision' if conversion.halves else ''
    lines += ['', f'{len(routes.mapped)} entries converted{precision}; {len(routes.unneeded)} not needed.']
    return '\n'.join(lines)


def _group(key: str) -> str:
    """The part of a model that a key belongs to: without numbers and what stands behind them, two names at most."""
    names = key.split('.')
    depth = next((number for number, name in enumerate(names) if name.isdigit()), len(names) - 1)
    return '.'.join(names[: max(1, min(depth, 2))])
