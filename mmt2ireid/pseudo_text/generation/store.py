"""Shards of pseudo-texts: Arrow or Parquet tables that tell of every image of their range."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmt2ireid.pseudo_text.conquer.choices import Choices
from mmt2ireid.pseudo_text.generation.loading import Unreadable
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles, written_whole

FORMATS = ('arrow', 'parquet')
METADATA = b'mmt2ireid'
"""Key of the provenance in the metadata of a table's schema."""
UNREADABLE = b'mmt2ireid.unreadable'
"""Key of the unreadable images: in the metadata of an Arrow file's record batches, and of a Parquet file."""
PROBABILITY = ' probability'
FIXED = ('image', 'caption', 'image_id', 'split')


class PseudoTextStore:
    """The tables in a folder.

    A table has the columns ``image`` (binary, null unless images are embedded), ``caption`` (list of strings),
    ``image_id``, ``split`` and per attribute ``NAME`` (string, null where it was not kept) and ``NAME probability``
    (float32). There is a row per readable image; the unreadable ones are told in the table's metadata, so one rename
    makes the shard complete. A row group of a Parquet table is a batch.

    Args:
        files: names and ranges of the shards.
        attributes: names, in their order.
        provenance: for the schema's metadata, JSON-able.
        split: for the column ``split``.

    Raises:
        ValueError: an attribute has the name of another column.
    """

    def __init__(
        self, files: ShardFiles, attributes: Sequence[str], provenance: Mapping[str, Any], *, split: str
    ) -> None:
        columns = [*FIXED, *(column for name in attributes for column in (name, name + PROBABILITY))]
        for name in attributes:
            if columns.count(name) > 1 or columns.count(name + PROBABILITY) > 1:
                raise ValueError(f'attribute {name!r} must not have the name of a column, which are {columns}')
        self.files, self._attributes, self._split = files, list(attributes), split
        self.schema = _schema(self._attributes, provenance)

    @contextmanager
    def writer(self, shard: int) -> Iterator[ShardWriter]:
        """Writes a shard batch by batch; it appears when the block ends, and not at all if it raises."""
        path = self.files.path(shard)
        with written_whole(path) as file:
            kind = _ParquetWriter if path.suffix == '.parquet' else _ArrowWriter
            with kind(file, self.schema, self._attributes, self._split) as writer:
                yield writer

    def read(self, shard: int, columns: Sequence[str]) -> Iterator[tuple[Any, list[Unreadable]]]:
        """Reads a shard piece by piece.

        Yields:
            Record batches of some columns, and the unreadable images among or before their rows.

        Raises:
            ValueError: it is damaged, or does not tell of every image of its range once.
        """
        import pyarrow as pa

        path, images = self.files.path(shard), 0
        try:
            pieces = _read_parquet(path, columns) if path.suffix == '.parquet' else _read_arrow(path, columns)
            for batch, unreadable in pieces:
                images += batch.num_rows + len(unreadable)
                yield batch, unreadable
        except (pa.ArrowInvalid, OSError, KeyError) as error:
            raise ValueError(f'{path}: damaged since it was made ({error}); remove it and start again') from error
        expected = len(self.files.range_of(shard))
        if images != expected:
            raise ValueError(f'{path}: must tell of {expected} images, but tells of {images}; remove it and start '
                             'again')  # fmt: skip


def _schema(attributes: Sequence[str], provenance: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    fields = [('image', pa.binary()), ('caption', pa.list_(pa.string())), ('image_id', pa.string()),
              ('split', pa.string())]  # fmt: skip
    for name in attributes:
        fields += [(name, pa.string()), (name + PROBABILITY, pa.float32())]
    return pa.schema(fields, metadata={METADATA: json.dumps(provenance).encode()})


class ShardWriter(ABC):
    """Writes the batches of one shard; see :meth:`PseudoTextStore.writer`."""

    def __init__(self, file: IO[bytes], schema: Any, attributes: Sequence[str], split: str) -> None:
        self._schema, self._attributes, self._split = schema, attributes, split
        self._writer = self._open(file)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def write(
        self,
        image_ids: Sequence[str],
        captions: Sequence[Sequence[str]],
        choices: Choices,
        contents: Sequence[bytes] | None,
        unreadable: Sequence[Unreadable],
    ) -> None:
        """Adds a batch.

        Args:
            image_ids: names of the B readable images.
            captions: their captions.
            choices: their attributes.
            contents: the encoded images, to embed them.
            unreadable: the images of the batch that could not be read.
        """
        import pyarrow as pa

        count = len(image_ids)
        columns: list[Any] = [contents or [None] * count, captions, image_ids, [self._split] * count]
        for name in self._attributes:
            columns += [choices.phrases[name], choices.probabilities[name]] if count else [[], []]
        arrays = [_array(column, field) for column, field in zip(columns, self._schema, strict=True)]
        self._add(pa.table(arrays, schema=self._schema), unreadable)

    @abstractmethod
    def _open(self, file: IO[bytes]) -> Any:
        """The library's writer."""

    @abstractmethod
    def _add(self, table: Any, unreadable: Sequence[Unreadable]) -> None:
        """Writes rows, and tells beside them what could not be read."""


def _array(column: Any, field: Any) -> Any:
    import pyarrow as pa

    return pa.array(column, type=field.type)


class _ArrowWriter(ShardWriter):
    def _open(self, file: IO[bytes]) -> Any:
        import pyarrow as pa

        # Not compressed: what is mapped into memory can then be used where it lies.
        return pa.ipc.new_file(file, self._schema)

    def _add(self, table: Any, unreadable: Sequence[Unreadable]) -> None:
        import pyarrow as pa

        # Several only where images take more than two gigabytes; none where no image could be read.
        first, *others = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=self._schema)]
        # A schema stands at the head of the file, before anything has been read; a batch may have metadata too.
        self._writer.write_batch(first, custom_metadata={UNREADABLE: json.dumps(unreadable)} if unreadable else None)
        for batch in others:
            self._writer.write_batch(batch)


class _ParquetWriter(ShardWriter):
    def _open(self, file: IO[bytes]) -> Any:
        import pyarrow.parquet as pq

        self._unreadable: list[Unreadable] = []
        return pq.ParquetWriter(file, self._schema)

    def _add(self, table: Any, unreadable: Sequence[Unreadable]) -> None:
        self._unreadable += unreadable
        if table.num_rows:
            self._writer.write_table(table)

    def __exit__(self, *error: object) -> None:
        self._writer.add_key_value_metadata({UNREADABLE: json.dumps(self._unreadable)})
        super().__exit__(*error)


def _read_arrow(path: Path, columns: Sequence[str]) -> Iterator[tuple[Any, list[Unreadable]]]:
    import pyarrow as pa

    reader = pa.ipc.open_file(pa.memory_map(str(path), 'r'))
    for number in range(reader.num_record_batches):
        batch, metadata = reader.get_batch_with_custom_metadata(number)
        yield batch.select(list(columns)), _parse((metadata or {}).get(UNREADABLE))


def _read_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[Any, list[Unreadable]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as table:
        unreadable = _parse((table.metadata.metadata or {}).get(UNREADABLE))
        yield pa.RecordBatch.from_pylist([], schema=pa.schema([])), unreadable
        for batch in table.iter_batches(columns=list(columns)):
            yield batch, []


def _parse(text: bytes | None) -> list[Unreadable]:
    return [Unreadable(*entry) for entry in json.loads(text)] if text else []
