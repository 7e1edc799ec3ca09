"""Checkpoint files are known by name, not by path: a folder may be copied or moved, and a path may be foreign."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

_BEST = 'best_ckpt'


def file_name(path: Any) -> str:
    """Strips the folders, of this system or of another, from a path.

    Args:
        path: such as ``/runs/a/epoch_1.pth``; anything else than text has no name.

    Returns:
        ``epoch_1.pth``; empty where there is none.
    """
    return re.split(r'[\\/]', path)[-1] if isinstance(path, str) else ''


def own_name(path: Any, template: str, *, best_of: str | None = None) -> str | None:
    """Reduces a path from a checkpoint to a name that the hook itself gives.

    Args:
        path: what the checkpoint holds.
        template: ``filename_tmpl`` of the hook, such as ``epoch_{}.pth``.
        best_of: metric of which the file must be the best; ``auto`` for any metric. Default: numbered files, and the
            best of any metric.

    Returns:
        The name, or None where the hook would not name a file so.
    """
    name = file_name(path)
    numbered = re.sub(r'\\\{[^{}]*\\\}', r'-?\\d+', re.escape(template))
    best = '.+' if best_of in (None, 'auto') else re.escape(str(best_of).replace('/', '_'))
    prefix = f'(best_{best}_)?' if best_of is None else f'best_{best}_'
    return name if re.fullmatch(prefix + numbered, name) else None


def keep_names(runtime_info: dict[str, Any]) -> None:
    """Replaces paths by names in the entries of a message hub by which the hook knows its files.

    Args:
        runtime_info: of the message hub of a checkpoint about to be written; changed in place.
    """
    for key, value in runtime_info.items():
        if (key == 'last_ckpt' or key.startswith(_BEST)) and value is not None:
            runtime_info[key] = file_name(value)
        elif key == 'replaced_ckpts':
            runtime_info[key] = [file_name(path) for path in value]


def take_file_entries(runtime_info: dict[str, Any]) -> dict[str, Any]:
    """Takes out of a message hub what a checkpoint said of files, before anything relies on it.

    Args:
        runtime_info: of the runner's message hub; changed in place.

    Returns:
        The entries that were taken out.
    """
    keys = [key for key in runtime_info if key in ('last_ckpt', 'replaced_ckpts', 'keep_ckpt_ids')]
    keys += [key for key in runtime_info if key.startswith(_BEST)]
    return {key: runtime_info.pop(key) for key in keys}


def whole_numbers(values: Any) -> list[int]:
    """Filters what may be the number of a checkpoint.

    Args:
        values: what a checkpoint holds as ``keep_ckpt_ids``.

    Returns:
        Those that are whole numbers of at least 0.
    """
    listed: Iterable[Any] = values if isinstance(values, (list, tuple)) else ()
    return [value for value in listed if type(value) is int and value >= 0]


def is_same_folder(one: str, other: str) -> bool:
    """Compares folders, through links.

    Args:
        one: a path.
        other: another.
    """
    return os.path.realpath(one) == os.path.realpath(other)
