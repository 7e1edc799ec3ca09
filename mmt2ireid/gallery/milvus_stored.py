"""Whether milvus-lite has written what it says it has: of a full disk it says nothing, and keeps the rest in memory."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmt2ireid.gallery.base import GalleryError
from mmt2ireid.gallery.milvus_client import Place

# In the header of an SQLite file: counts the transactions that were written.
_COUNTER = slice(24, 28)


@contextlib.contextmanager
def written_for_good(place: Place, keys: Sequence[str] = ()) -> Iterator[None]:
    """Inside, one call changes a milvus-lite file; for a server, nothing is looked at.

    milvus-lite 2.5 keeps a collection as a table of its file, new rows last. It answers a call that could not be
    written as one that was, finds the rows as long as it runs, and has lost them when it is opened again.

    Args:
        place: of the gallery.
        keys: that the call inserts; none where it deletes.

    Raises:
        GalleryError: the file does not hold what the call should have written.
    """
    if place.file is None:
        yield
        return
    before = _counter(place.file)
    yield
    try:
        query = f'SELECT milvus_id FROM "{place.collection}" ORDER BY id DESC LIMIT ?'
        with contextlib.closing(sqlite3.connect(f'{place.file.as_uri()}?mode=ro', uri=True, timeout=30)) as table:
            stored = {key for (key,) in table.execute(query, (len(keys),))}
        problem = '' if stored == set(keys) and _counter(place.file) != before else 'rows are missing'
    except sqlite3.Error as error:  # also of a transaction that was begun and could not be taken back
        problem = str(error)
    if problem:
        raise GalleryError(
            f'{place.file}: milvus-lite has not written what was added or deleted ({problem}); is the disk full? Make '
            'room, close the gallery and open it again: it has what was written before'
        )


def _counter(file: Path) -> bytes:
    with file.open('rb') as opened:
        return opened.read(_COUNTER.stop)[_COUNTER]
