"""Arrow and Parquet files, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ROWS = 1024  # of a Parquet file that are unpacked at one time


def column_names(file: Path) -> list[str]:
    """Columns of a table.

    Args:
        file: ``.parquet``, or else Arrow in the file or the stream format.

    Raises:
        ValueError: the file is something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file) if file.suffix == '.parquet' else _open_arrow(file).schema
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f'{file}: expected an Arrow or Parquet file, as its ending says, but {error}') from error
    return list(schema.names)


def count_table_rows(file: Path) -> int:
    """Rows of a table, without reading them. Raises as :func:`column_names`."""
    import pyarrow.parquet as pq

    column_names(file)
    if file.suffix == '.parquet':
        return pq.read_metadata(file).num_rows
    return sum(batch.num_rows for batch in _arrow_batches(file))


def read_batches(file: Path, columns: Sequence[str]) -> Iterator[Any]:
    """Record batches of some columns.

    Arrow is mapped into memory, so that other columns are never touched; Parquet is unpacked piece by piece.

    Args:
        file: as for :func:`column_names`.
        columns: their names, all of which the table has.
    """
    import pyarrow.parquet as pq

    if file.suffix == '.parquet':
        with pq.ParquetFile(file) as table:
            yield from table.iter_batches(batch_size=_ROWS, columns=list(columns))
    else:
        yield from (batch.select(list(columns)) for batch in _arrow_batches(file))


def _arrow_batches(file: Path) -> Iterator[Any]:
    reader = _open_arrow(file)
    if not hasattr(reader, 'get_batch'):
        return iter(reader)
    return (reader.get_batch(number) for number in range(reader.num_record_batches))


def _open_arrow(file: Path) -> Any:
    import pyarrow as pa

    source = pa.memory_map(str(file), 'r')
    if source.size() >= 6 and source.read_at(6, 0) == b'ARROW1':
        return pa.ipc.open_file(source)
    return pa.ipc.open_stream(source)
