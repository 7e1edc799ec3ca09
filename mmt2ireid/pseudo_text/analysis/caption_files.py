"""Captions out of any file that holds some: JSON, JSON lines, plain text, CSV, Arrow, Parquet."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmt2ireid.io.json_files import json_items, parse_json, read_json
from mmt2ireid.io.text_files import TextFileError, numbered_lines, open_text
from mmt2ireid.pseudo_text.analysis.table_files import column_names, read_batches

CAPTION_KEYS = ('captions', 'caption')
_GALLERY_SPLITS = ('val', 'test')  # in which an annotation may have images without captions
NAME_KEYS = ('file_path', 'img_path', 'image_path', 'image_id', 'path', 'filename', 'image', 'id')


class CaptionFileError(ValueError):
    """A caption file is not what it should be. The message names file, record and field."""


def read_captions(path: str | os.PathLike) -> Iterator[tuple[str, str]]:
    """Reads the captions of a file, one after the other.

    ``.json``: a list of objects with ``captions`` or ``caption`` (a text or a list of texts), a list of texts, or an
    object from image path to text or texts; records of an annotation with ``split`` val or test may have no
    captions, as distractors have none. ``.jsonl``: such an object or a text per line. ``.csv``, ``.tsv``,
    ``.arrow`` and ``.parquet``: a column ``caption`` or ``captions``; in Arrow and Parquet it may hold lists. Any other
    ending: plain text, one caption per line. All but an object in ``.json`` are streamed: memory does not grow with the
    file.

    Args:
        path: the file, in UTF-8 where it is text.

    Yields:
        Name of the record (image path where there is one, else record, row or line number), with ``#1``, ``#2``, ...
        behind it where a record has several captions; and the caption, which may be empty.

    Raises:
        CaptionFileError: the file is no such file, holds no caption, or a record is malformed.
        OSError: it cannot be opened.
    """
    file = Path(path)
    if not file.is_file():
        there = 'it is a folder' if file.is_dir() else 'there is none'
        raise FileNotFoundError(f'{file}: expected a caption file, but {there}')
    read = _READERS.get(file.suffix.lower(), _read_lines)
    found = False
    try:
        for record, name, captions in read(file):
            for pair in _named(captions, name or record, f'{file}, {record}'):
                found = True
                yield pair
    except TextFileError as error:
        raise CaptionFileError(str(error)) from error
    if not found:
        raise CaptionFileError(f'{file}: expected captions, but it holds none')


# What a reader yields: record (such as "record 7"), its name or '', and what stands where captions belong.
_Record = tuple[str, str, Any]


def _named(captions: Any, name: str, where: str) -> Iterator[tuple[str, str]]:
    several = [captions] if isinstance(captions, str) else captions
    if not isinstance(several, list):
        raise CaptionFileError(
            f"{where}, field 'captions': expected a text or a list of texts, but got {type(captions).__name__}"
        )
    for number, caption in enumerate(several, 1):
        if not isinstance(caption, str):
            raise CaptionFileError(
                f"{where}, field 'captions', item {number}: expected a text, but got {type(caption).__name__}"
            )
        yield (f'{name}#{number}' if len(several) > 1 else name), caption


def _from_object(raw: Any, file: Path, record: str) -> _Record:
    if isinstance(raw, str):
        return record, '', raw
    if not isinstance(raw, dict):
        raise CaptionFileError(f'{file}, {record}: expected an object or a text, but got {type(raw).__name__}')
    key = next((key for key in CAPTION_KEYS if key in raw), None)
    if raw.get('split') in _GALLERY_SPLITS and (key is None or raw[key] is None):
        return record, '', []
    if key is None:
        raise CaptionFileError(f"{file}, {record}: expected the field 'captions' or 'caption', but got {sorted(raw)}")
    name = next((str(raw[key]) for key in NAME_KEYS if isinstance(raw.get(key), (str, int)) and raw[key] != ''), '')
    return record, name, raw[key]


def _read_json(file: Path) -> Iterator[_Record]:
    with open_text(file) as stream:
        is_list = stream.read(1024).lstrip()[:1] == '['
    if is_list:
        yield from _read_json_list(file)
        return
    try:
        content = read_json(file)
    except ValueError as error:
        raise CaptionFileError(str(error)) from error
    if not isinstance(content, dict):
        raise CaptionFileError(f'{file}: expected a list of records or an object, but got {type(content).__name__}')
    for key, captions in content.items():
        yield f'record {key!r}', key, captions


def _read_json_list(file: Path) -> Iterator[_Record]:
    try:
        for number, raw in enumerate(json_items(file)):
            yield _from_object(raw, file, f'record {number}')
    except CaptionFileError:
        raise
    except ValueError as error:
        raise CaptionFileError(str(error)) from error


def _read_json_lines(file: Path) -> Iterator[_Record]:
    for number, line in numbered_lines(file):
        if not line.strip():
            continue
        try:
            raw = parse_json(line)
        except ValueError as error:
            raise CaptionFileError(f'{file}, line {number}: expected JSON, but {error}') from error
        yield _from_object(raw, file, f'line {number}')


def _read_lines(file: Path) -> Iterator[_Record]:
    for number, line in numbered_lines(file):
        yield f'line {number}', '', line


def _read_csv(file: Path) -> Iterator[_Record]:
    with open_text(file, newline='') as stream:
        reader = csv.DictReader(stream, delimiter='\t' if file.suffix.lower() == '.tsv' else ',', strict=True)
        try:
            header = list(reader.fieldnames or ())
            column = _caption_column(header, file)
            for number, row in enumerate(reader):
                if None in row:
                    raise CaptionFileError(
                        f'{file}, line {reader.line_num}: expected {len(header)} cells, but got '
                        f'{len(header) + len(row[None])}: quote a caption that holds the separator'
                    )
                name = next((row[key] for key in NAME_KEYS if row.get(key)), '')
                yield f'row {number}', name, row[column]
        except csv.Error as error:
            raise CaptionFileError(f'{file}, line {reader.line_num}: expected CSV, but {error}') from error


def _read_table(file: Path) -> Iterator[_Record]:
    try:
        present = column_names(file)
    except ValueError as error:
        raise CaptionFileError(str(error)) from error
    column = _caption_column(present, file)
    key = next((name for name in NAME_KEYS if name in present and name != 'image'), None)
    number = 0
    for batch in read_batches(file, [column, *([key] if key else [])]):
        names = batch.column(key).to_pylist() if key else [None] * batch.num_rows
        for name, captions in zip(names, batch.column(column).to_pylist(), strict=True):
            yield f'row {number}', '' if name is None else str(name), captions
            number += 1


def _caption_column(columns: list[str], file: Path) -> str:
    column = next((key for key in reversed(CAPTION_KEYS) if key in columns), None)
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise CaptionFileError(f'{file}: expected every column once, but {twice[0]!r} is there twice')
    if column is None:
        raise CaptionFileError(f"{file}: expected a column 'caption' or 'captions', but got {columns}")
    return column


_READERS: dict[str, Callable[[Path], Iterator[_Record]]] = {
    '.json': _read_json,
    **dict.fromkeys(('.jsonl', '.ndjson'), _read_json_lines),
    **dict.fromkeys(('.csv', '.tsv'), _read_csv),
    **dict.fromkeys(('.arrow', '.parquet'), _read_table),
}
