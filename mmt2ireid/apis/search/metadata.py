"""What is known of crops beside their pictures: from a table, or from their paths."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mmt2ireid.io.json_files import parse_json
from mmt2ireid.io.text_files import TextFileError, read_text

Value = str | int | float | bool
Fields = dict[str, Value]

DEFAULT_FILES = ('metadata.csv', 'metadata.jsonl', 'crops.jsonl')
KEY = 'path'
_MOST = 2**53
_DIGITS = 17  # of 2**53, with a sign
_INTEGER = re.compile(r'-?(0|[1-9][0-9]*)\Z')
_WHOLE = re.compile(
    r'(-?(?:0|[1-9][0-9]*))(?:\.0*)?\Z'
)  # .0 is what other programs add to numbers of a column with gaps
_NAME = re.compile(r'[^\W\d_](?:[\w .:/-]{0,98}\w)?')  # what galleries take, and no underscore first
_NUMBER = re.compile(r'-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z')
_BOOLEANS = {'true': True, 'false': False}


class MetadataError(ValueError):
    """A table of metadata is not what it should be. The message names file, line and column."""


def read_metadata(path: str | Path) -> dict[str, Fields]:
    """Reads a table: a crop per line, its ``path`` relative to the folder of crops, and any other columns.

    Of a CSV file, columns of whole numbers, of numbers and of true/false become such; a column with anything else, or
    with leading zeros, is text. So is, in JSON too, a column with a whole number beyond 2**53: as numbers, two of them
    could be one, and they are names more often than amounts. An empty cell (in JSON null) says nothing. A list of JSON
    becomes text with commas, its parts as JSON spells them.

    Args:
        path: ``.csv`` with a header line, or ``.jsonl`` with an object per line; UTF-8.

    Returns:
        Path to metadata.

    Raises:
        FileNotFoundError: there is no such file.
        MetadataError: it cannot be read as that; a column or name does not fit; a path comes twice.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'metadata {path} must be a .csv or .jsonl file, but there is none')
    if path.suffix.lower() not in ('.csv', '.jsonl'):
        raise MetadataError(f'metadata {path} must end in .csv or .jsonl')
    try:
        text = read_text(path)
    except TextFileError as error:
        raise MetadataError(str(error)) from error
    rows = _csv_rows(path, text) if path.suffix.lower() == '.csv' else _exact(list(_json_rows(path, text)))
    table: dict[str, Fields] = {}
    for line, row in rows:
        name = _crop_name(path, line, row.pop(KEY, None))
        if name in table:
            raise MetadataError(f'{path}, line {line}, column {KEY}: {name} was there before')
        table[name] = row
    return table


def fields_of_paths(pattern: str, paths: Iterable[str]) -> dict[str, Fields]:
    """Metadata from the paths of crops.

    Args:
        pattern: a regular expression with named groups, looked for anywhere in a path:
            ``(?P<camera>c[0-9]+)s[0-9]_(?P<frame>[0-9]+)``.
        paths: of the crops.

    Returns:
        Path to metadata; a path that the pattern does not fit is left out. Types as in a CSV file.

    Raises:
        ValueError: it is no regular expression, has no named group, or fits no path.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f'pattern must be a regular expression, but {pattern!r} is not: {error}') from error
    names = list(compiled.groupindex)
    if not names:
        raise ValueError(f'pattern must have named groups, such as (?P<camera>c[0-9]+), but got {pattern!r}')
    for name in names:
        _check_name(name, 'pattern')
    paths = list(paths)
    found = {path: match.groupdict() for path in paths if (match := compiled.search(path))}
    if paths and not found:
        raise ValueError(f'pattern must fit at least one path, but {pattern!r} does not fit {paths[0]!r}')
    columns = {name: _typed([groups[name] or '' for groups in found.values()]) for name in names}
    return {
        path: {name: value for name in names if (value := columns[name][row]) is not None}
        for row, path in enumerate(found)
    }


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines: a cell may hold other line breaks than \n.
    reader = csv.reader(io.StringIO(text, newline='\n'), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        lines, rows = [], []
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise MetadataError(
                    f'{path}, line {reader.line_num}: must have {len(header)} cells, but has {len(row)}'
                )
            lines.append(reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise MetadataError(f'{path}, line {reader.line_num}: cannot be read as CSV ({error})') from error
    columns = (
        [
            list(cells) if name == KEY else _typed([cell.strip() for cell in cells])
            for name, cells in zip(header, zip(*rows, strict=True), strict=True)
        ]
        if rows
        else []
    )
    for number, line in enumerate(lines):
        cells = {name: column[number] for name, column in zip(header, columns, strict=True)}
        yield line, {name: value for name, value in cells.items() if value is not None}


def _check_header(path: Path, header: list[str]) -> None:
    if KEY not in header:
        raise MetadataError(f'{path}, line 1: must have a column {KEY!r}, but has {", ".join(header) or "none"}')
    for name in header:
        if header.count(name) > 1:
            raise MetadataError(
                f'{path}, line 1: column {name!r} must be there once, but is {header.count(name)} times'
            )
        _check_name(name, f'{path}, line 1')


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines: a JSON text may hold other line breaks than \n.
    for line, content in enumerate(text.split('\n'), start=1):
        if not content.strip():
            continue
        try:
            row = parse_json(content)
        except ValueError as error:
            raise MetadataError(f'{path}, line {line}: cannot be read as JSON ({error})') from error
        if not isinstance(row, Mapping):
            raise MetadataError(f'{path}, line {line}: must be a JSON object, but is a {type(row).__name__}')
        found: dict[str, Any] = {}
        for name, value in row.items():
            _check_name(name, f'{path}, line {line}')
            if value is not None:
                found[name] = value if name == KEY else _json_value(value, f'{path}, line {line}, column {name}')
        yield line, found


def _json_value(value: Any, place: str) -> Value:
    if isinstance(value, list) and all(isinstance(part, (str, int, float)) for part in value):
        return ','.join(_spelled(_json_value(part, place)) for part in value)
    # Whole numbers of any size: _exact makes texts of what galleries cannot hold.
    return value if isinstance(value, int) else checked_value(value, place)


def _spelled(value: Value) -> str:
    """A value as JSON spells it; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def _exact(rows: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of JSON in which columns with whole numbers beyond 2**53 are texts."""
    long = {name for _, row in rows for name, value in row.items() if isinstance(value, int) and abs(value) > _MOST}
    for line, row in rows:
        yield line, {name: _spelled(value) if name in long - {KEY} else value for name, value in row.items()}


def checked_value(value: Any, place: str) -> Value:
    """A value of metadata as it is.

    Args:
        value: anything.
        place: what to call it.

    Raises:
        MetadataError: it is no text, number or truth value, or no finite one.
    """
    if not isinstance(value, (str, int, float, bool)) or (isinstance(value, float) and not math.isfinite(value)):
        raise MetadataError(f'{place}: must be a text, a finite number or true/false, but got {value!s:.60}')
    if isinstance(value, int) and abs(value) > _MOST:
        raise MetadataError(f'{place}: whole numbers must be at most 2**53 (or texts), but got {value!s:.60}')
    return value


def check_fields(fields: Mapping[str, Any], place: str) -> Fields:
    """Metadata of a crop as given by a caller.

    Args:
        fields: name to value.
        place: what to call it.

    Raises:
        MetadataError: a name or value does not fit.
    """
    for name in fields:
        _check_name(name, place)
    return {name: checked_value(value, f'{place}, {name}') for name, value in fields.items()}


def _check_name(name: Any, place: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MetadataError(
            f'{place}: names of columns must begin with a letter and go on with letters, digits, blanks or _.:/-, '
            f'but got {name!r}'
        )


def _crop_name(path: Path, line: int, name: Any) -> str:
    place = f'{path}, line {line}, column {KEY}'
    if not isinstance(name, str) or not name.strip():
        raise MetadataError(f'{place}: must be the path of a crop, but got {name!r}')
    parts = PurePosixPath(name.strip().replace('\\', '/'))
    if parts.is_absolute() or '..' in parts.parts:
        raise MetadataError(f'{place}: must be relative to the folder and stay in it, but got {name!r}')
    return str(parts)


def _typed(cells: list[str]) -> list[Value | None]:
    """The cells of a column in the narrowest type that fits all; None where there is nothing."""
    filled = [cell for cell in cells if cell]
    convert: Any = str
    if any((whole := _WHOLE.match(cell)) and not _is_exact(whole[1]) for cell in filled):
        pass
    elif filled and all(_INTEGER.match(cell) for cell in filled):
        convert = int
    elif filled and all(_NUMBER.match(cell) and _plain_zero(cell) and math.isfinite(float(cell)) for cell in filled):
        convert = float
    elif filled and all(cell.lower() in _BOOLEANS for cell in filled):
        convert = _truth
    return [convert(cell) if cell else None for cell in cells]


def _is_exact(cell: str) -> bool:
    """Whether float64, JSON and galleries hold a whole number as it is."""
    return len(cell) <= _DIGITS and abs(int(cell)) <= _MOST


def _plain_zero(cell: str) -> bool:
    """Not a number with leading zeros, which is a name."""
    return not re.match(r'-?0[0-9]', cell)


def _truth(cell: str) -> bool:
    return _BOOLEANS[cell.lower()]
