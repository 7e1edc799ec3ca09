"""Images in a column of Arrow or Parquet files."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmt2ireid.io.image_files import BadImageError
from mmt2ireid.pseudo_text.sources.image_source import IdTable, ImageSource, check_size, file_stamp

ID_COLUMNS = ('image_id', 'file_path', 'path')
MAX_UNPACKED = 2**29
"""Bytes of images that may have to be unpacked at once to reach one of them."""


class TableSource(ImageSource):
    """The column ``image`` of Arrow or Parquet files, with names from ``image_id``, ``file_path`` or ``path``.

    Arrow files are mapped into memory and images copied one by one. Of a Parquet file, the row group that was read
    last is kept, because it has to be unpacked as a whole.

    Args:
        files: their paths, ``.parquet`` or else Arrow in the file or the stream format.

    Raises:
        ValueError: a file is something else or lacks a column, its pieces are too large to be unpacked, there is no
            image, or two have the same name.
        OSError: a file cannot be read.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = list(files)
        self.where = ', '.join(self._files)
        self._stamps = [file_stamp(file) for file in self._files]
        self._forget()
        pieces, ends = array('q'), array('q')
        self._ids = IdTable(self._names(pieces, ends), self.where if len(files) < 4 else f'{len(files)} tables')
        self._pieces = np.array(pieces, dtype=np.int64).reshape(-1, 2)  # number of the file, number within the file
        self._ends = np.array(ends, dtype=np.int64)

    def _forget(self) -> None:
        self._pid, self._opened, self._last = os.getpid(), {}, (-1, None)  # type: ignore[var-annotated]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': {}, '_last': (-1, None)}

    def _names(self, pieces: array, ends: array) -> Iterator[str]:
        rows = 0
        for number, file in enumerate(self._files):
            table = _open(file)
            column = _id_column(file, table.schema)
            for piece in range(table.num_pieces):
                names = table.column(piece, column)
                rows += len(names)
                pieces.extend((number, piece))
                ends.append(rows)
                if names.null_count:
                    raise ValueError(f'{file}, column {column!r}: expected a name in every row, but there are nulls')
                yield from map(str, names.to_pylist())

    def stamp(self, index: int) -> tuple[int, int]:
        """Size and time of change of the file that an image is in."""
        piece = int(np.searchsorted(self._ends, index, side='right'))
        return self._stamps[int(self._pieces[piece][0])]

    def read(self, index: int) -> bytes:
        """The image of a row."""
        name = self.id_of(index)
        if self._pid != os.getpid():
            self._forget()
        piece = int(np.searchsorted(self._ends, index, side='right'))
        images = self._images(piece)
        value = images[index - (int(self._ends[piece]) - len(images))]
        if not value.is_valid:
            raise BadImageError(name, 'is null')
        check_size(len(value.as_buffer()), name)
        return value.as_py()

    def _images(self, piece: int) -> Any:
        if self._last[0] != piece:
            number, within = map(int, self._pieces[piece])
            if number not in self._opened:
                # One is enough: images are read in their order.
                self._opened = {number: _open(self._files[number])}
            self._last = (piece, self._opened[number].column(within, 'image'))
        return self._last[1]


def _id_column(file: str, schema: Any) -> str:
    import pyarrow as pa

    column = next((name for name in ID_COLUMNS if name in schema.names), None)
    if 'image' not in schema.names or column is None:
        raise ValueError(f"{file}: expected the column 'image' and one of {ID_COLUMNS}, but it has {schema.names}")
    kind = schema.field('image').type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise ValueError(f"{file}, column 'image': expected encoded images as binary, but it is {kind}")
    kind = schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise ValueError(f'{file}, column {column!r}: expected names as text or integers, but it is {kind}')
    return column


def _open(file: str) -> Any:
    import pyarrow as pa

    try:
        return _Parquet(file) if file.endswith('.parquet') else _Arrow(file)
    except pa.ArrowInvalid as error:
        raise ValueError(f'{file}: expected an Arrow or Parquet file, as its ending says, but: {error}') from error


class _Parquet:
    """Row groups of a Parquet file."""

    def __init__(self, file: str) -> None:
        import pyarrow.parquet as pq

        self._table = pq.ParquetFile(file, memory_map=True)
        self.schema = self._table.schema_arrow
        self.num_pieces = self._table.num_row_groups
        for piece in range(self.num_pieces):
            group = self._table.metadata.row_group(piece)
            if group.total_byte_size > MAX_UNPACKED:
                raise ValueError(f'{file}: row groups must have at most {MAX_UNPACKED} bytes, because one has to be '
                                 f'unpacked for a single image, but row group {piece} has {group.total_byte_size}: '
                                 'write it again with smaller ones')  # fmt: skip

    def column(self, piece: int, name: str) -> Any:
        # Threads do not survive the fork of a worker.
        return self._table.read_row_group(piece, columns=[name], use_threads=False).column(name)


class _Arrow:
    """Record batches of an Arrow file."""

    def __init__(self, file: str) -> None:
        import pyarrow as pa

        self._pa, self._source = pa, pa.memory_map(file, 'r')
        self._is_file = self._source.size() >= 6 and self._source.read_at(6, 0) == b'ARROW1'
        self._readers: dict[str, Any] = {}
        self._stream: list[Any] = []
        reader = pa.ipc.open_file(self._source) if self._is_file else pa.ipc.open_stream(self._source)
        self.schema = reader.schema
        if not self._is_file:
            self._stream = self._mapped(reader, file)
        self.num_pieces = reader.num_record_batches if self._is_file else len(self._stream)

    def _mapped(self, reader: Any, file: str) -> list[Any]:
        before, batches = self._pa.total_allocated_bytes(), []
        for batch in reader:
            batches.append(batch)
            if self._pa.total_allocated_bytes() - before > MAX_UNPACKED:
                raise ValueError(f'{file} must not be a compressed stream, which allows no random access: write it '
                                 'again in the Arrow file format')  # fmt: skip
        return batches

    def column(self, piece: int, name: str) -> Any:
        if not self._is_file:
            return self._stream[piece].column(name)
        if name not in self._readers:
            options = self._pa.ipc.IpcReadOptions(
                use_threads=False, included_fields=[self.schema.get_field_index(name)]
            )
            self._readers[name] = self._pa.ipc.open_file(self._source, options=options)
        return self._readers[name].get_batch(piece).column(0)
