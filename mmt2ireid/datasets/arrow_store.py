"""LUPerson-T's Arrow files, memory-mapped."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmt2ireid.datasets.errors import AnnotationError

_COLUMNS = ('image', 'caption')


class ArrowStore:
    """Rows of one or several Arrow files (IPC file or stream format).

    The files are mapped into memory, never copied, and opened once per process, when a row is first read; pickling
    leaves the open files behind.

    Args:
        files: their paths; rows are numbered through, in this order.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self.files = list(files)
        self._batches: list[tuple[int, int, Any]] | None = None
        self._ends = np.zeros(0, dtype=np.int64)
        self._pid = -1

    def __getstate__(self) -> dict:
        return {**self.__dict__, '_batches': None, '_pid': -1}

    def _open(self) -> list[tuple[int, int, Any]]:
        """Per record batch: its file, its first row within the file, and the batch."""
        if self._batches is None or self._pid != os.getpid():
            batches = [entry for number in range(len(self.files)) for entry in self._open_file(number)]
            self._ends = np.cumsum([batch.num_rows for _, _, batch in batches])
            self._batches, self._pid = batches, os.getpid()
        return self._batches

    def _open_file(self, number: int) -> list[tuple[int, int, Any]]:
        batches = _map_batches(self.files[number])
        starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
        return [(number, int(start), batch) for start, batch in zip(starts[:-1], batches, strict=True)]

    def validate(self) -> None:
        """Checks all rows, images aside: what reads rows of a damaged file may crash.

        Raises:
            AnnotationError: a file is damaged.
        """
        import pyarrow as pa

        for number, start, batch in self._open():
            try:
                batch.validate(full=True)
            except pa.ArrowException as error:
                where = f'{self.files[number]}, rows {start} to {start + batch.num_rows - 1}'
                raise AnnotationError(f'{where}: expected a sound Arrow file, but it is damaged: {error}') from error

    def caption_counts(self) -> np.ndarray:
        """Captions per row, int64 (number of rows,); reads no text.

        Raises:
            AnnotationError: a row has no caption, or an empty one.
        """
        counts = [self._batch_counts(*entry) for entry in self._open()]
        return np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)

    def _batch_counts(self, number: int, start: int, batch: Any) -> np.ndarray:
        import pyarrow.compute as pc

        captions = batch.column('caption')
        counts = np.asarray(pc.fill_null(pc.list_value_length(captions), 0)).astype(np.int64)
        lengths = np.asarray(pc.fill_null(pc.binary_length(captions.flatten()), 0))
        owners = np.repeat(np.arange(len(counts)), counts)
        bad = np.concatenate([np.flatnonzero(counts == 0), owners[lengths == 0]])
        if len(bad):
            where = f'{self.files[number]}, row {start + int(bad.min())}, column'
            raise AnnotationError(f"{where} 'caption': expected a list of texts, but it or one of them is empty")
        return counts

    def read(self, row: int) -> tuple[str, bytes, list[str], str]:
        """One row.

        Returns:
            Its name ``file.arrow#row``, the encoded image (b'' where it is null), the captions, and the file that holds
            the image where it is not embedded (column ``image_id``; '' where that is no text).
        """
        batches = self._open()
        index = int(np.searchsorted(self._ends, row, side='right'))
        number, start, batch = batches[index]
        local = row - (int(self._ends[index]) - batch.num_rows)
        image = batch.column('image')[local].as_py()
        captions = batch.column('caption')[local].as_py()
        name = f'{self.files[number]}#{start + local}'
        for position, caption in enumerate(captions):
            if not (caption or '').strip():
                raise AnnotationError(
                    f"{name}, column 'caption': expected text as caption {position}, but got {caption!r}"
                )
        return name, image or b'', captions, '' if image else self._image_id(batch, local)

    @staticmethod
    def _image_id(batch: Any, row: int) -> str:
        value = batch.column('image_id')[row].as_py() if 'image_id' in batch.schema.names else None
        return value if isinstance(value, str) else ''


def _map_batches(file: str) -> list[Any]:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError('Arrow files of LUPerson-T need pyarrow: pip install pyarrow') from error
    allocated = pa.total_allocated_bytes()
    try:
        batches = _read_batches(pa, file)
    except (pa.ArrowException, OSError) as error:
        raise AnnotationError(f'{file}: expected an Arrow IPC file or stream, but: {error}') from error
    if pa.total_allocated_bytes() - allocated > 2**20:
        print_log(
            f'{file} is compressed: it had to be unpacked into memory, in every worker',
            logger='current',
            level=logging.WARNING,
        )
    if batches:
        _check_schema(pa, file, batches[0].schema)
    return batches


def _read_batches(pa: Any, file: str) -> list[Any]:
    source = pa.memory_map(file, 'r')
    is_file_format = source.size() >= 6 and source.read_at(6, 0) == b'ARROW1'
    if not is_file_format:
        return list(pa.ipc.open_stream(source))
    reader = pa.ipc.open_file(source)
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def _check_schema(pa: Any, file: str, schema: Any) -> None:
    types = pa.types
    missing = [name for name in _COLUMNS if name not in schema.names]
    if missing:
        raise AnnotationError(f'{file}: expected the columns {_COLUMNS} of LUPerson-T, but it has {schema.names}')
    image, caption = schema.field('image').type, schema.field('caption').type
    if not (types.is_binary(image) or types.is_large_binary(image)):
        raise AnnotationError(f"{file}, column 'image': expected encoded images as binary, but it is {image}")
    is_list = types.is_list(caption) or types.is_large_list(caption)
    if not is_list or not (types.is_string(caption.value_type) or types.is_large_string(caption.value_type)):
        raise AnnotationError(f"{file}, column 'caption': expected a list of strings, but it is {caption}")
