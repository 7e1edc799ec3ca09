"""Captioned images as they were stored, one after the other: the generator's shards, or a foreign caption file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmt2ireid.io.json_files import json_items
from mmt2ireid.pseudo_text.analysis.table_files import column_names, count_table_rows, read_batches

PROBABILITY = ' probability'
SHARDS = 'pseudo_texts-*'
SUFFIXES = ('.arrow', '.parquet', '.json')
_PATH_KEYS = ('file_path', 'img_path', 'image_id', 'image')
_SLICE = 1024  # rows that are Python objects at one time


@dataclass(frozen=True)
class CaptionRow:
    """One image of a caption file.

    Attributes:
        image_id: path or key of the image; ``FILE#ROW`` where the file names none.
        captions: its texts; none where the file has an empty list or a null.
        attributes: phrase per attribute, None for those that were not kept; empty for files without attributes.
        file: the file it stands in.
        number: its place there, from 0.
    """

    image_id: str
    captions: list[str]
    attributes: dict[str, str | None]
    file: Path
    number: int


def caption_files(path: str | Path) -> list[Path]:
    """The files that hold the captions.

    Args:
        path: a folder of the generator, whose shards ``pseudo_texts-*`` are taken, or ``captions.json`` where there
            are none; or one ``.json``, ``.arrow`` or ``.parquet`` file.

    Returns:
        One or several files, sorted.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: shards of two formats side by side, or a file of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f'{path}: there is no such file or folder')
    if path.is_dir():
        return _files_of_folder(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f'a caption file must end in one of {SUFFIXES}, but got {path}')
    return [path]


def _files_of_folder(folder: Path) -> list[Path]:
    found = {suffix: sorted(folder.glob(f'{SHARDS}{suffix}')) for suffix in ('.arrow', '.parquet')}
    if all(found.values()):
        raise ValueError(f'{folder} must hold shards of one format, but got both .arrow and .parquet')
    shards = found['.arrow'] or found['.parquet']
    if shards:
        return shards
    if (folder / 'captions.json').is_file():
        return [folder / 'captions.json']
    raise FileNotFoundError(f'{folder}: expected shards {SHARDS}.arrow or .parquet or captions.json, but got neither')


def count_rows(files: list[Path]) -> int:
    """How many rows there are. Of JSON it is an estimate, for progress bars: nothing is parsed."""
    return sum(_count(file) for file in files)


def _count(file: Path) -> int:
    if file.suffix == '.json':
        with open(file, 'rb') as stream:
            return sum(line.count(b'"captions"') for line in iter(lambda: stream.readline(2**20), b''))
    return count_table_rows(file)


def attribute_names(file: Path) -> list[str]:
    """Attributes that a file tells of: columns ``<name>`` with a column ``<name> probability`` beside them.

    Args:
        file: of :func:`caption_files`.

    Returns:
        Their names in the order of the columns; none for JSON.
    """
    if file.suffix == '.json':
        return []
    columns = column_names(file)
    return [name for name in columns if name + PROBABILITY in columns]


def read_rows(files: list[Path]) -> Iterator[CaptionRow]:
    """Reads files row by row; memory does not grow with their size, and no image is read.

    Args:
        files: of :func:`caption_files`.

    Yields:
        Rows in the order of the files.

    Raises:
        ValueError: with file, record number (0-based), field and what was expected.
    """
    for file in files:
        yield from _json_rows(file) if file.suffix == '.json' else _table_rows(file)


def read_image(row: CaptionRow) -> bytes | None:
    """The encoded image that is embedded beside a caption, if any."""
    if row.file.suffix == '.json' or 'image' not in column_names(row.file):
        return None
    start = 0
    for batch in read_batches(row.file, ['image']):
        if row.number < start + batch.num_rows:
            image = batch.column('image')[row.number - start].as_py()
            return image if isinstance(image, bytes) and image else None
        start += batch.num_rows
    raise ValueError(f'{row.file} must have a row {row.number}, but got {start} rows')


def _json_rows(file: Path) -> Iterator[CaptionRow]:
    for number, record in enumerate(json_items(file)):
        where = f'{file}, record {number}'
        if not isinstance(record, dict):
            raise ValueError(f'{where}: expected an object, but got {type(record).__name__}')
        if 'captions' not in record:
            raise ValueError(f"{where}: expected the field 'captions', but got only {sorted(record)}")
        image_id = next((record[key] for key in _PATH_KEYS if key in record), f'{file.name}#{number}')
        yield _row(image_id, record['captions'], {}, file, number)


def _table_rows(file: Path) -> Iterator[CaptionRow]:
    present = column_names(file)
    if 'caption' not in present:
        raise ValueError(f"{file}: expected the column 'caption', but it has {present}")
    key = next((name for name in ('image_id', 'file_path', 'path') if name in present), None)
    names, number = attribute_names(file), 0
    for batch in read_batches(file, ['caption', *names] + ([key] if key else [])):
        for start in range(0, batch.num_rows, _SLICE):
            part = batch.slice(start, _SLICE).to_pydict()
            for place, captions in enumerate(part['caption']):
                image_id = part[key][place] if key else f'{file.name}#{number}'
                attributes = {name: part[name][place] for name in names}
                yield _row(image_id, captions, attributes, file, number)
                number += 1


def _row(image_id: Any, captions: Any, attributes: dict[str, str | None], file: Path, number: int) -> CaptionRow:
    if captions is None or isinstance(captions, str):
        captions = [] if captions is None else [captions]
    if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
        where = f'{file}, record {number} ({image_id})'
        raise ValueError(f'{where}: expected a list of texts as captions, but got {captions!r}')
    return CaptionRow(str(image_id), captions, attributes, file, number)
