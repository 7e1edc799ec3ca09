"""A gallery in Milvus: a file of milvus-lite, or a collection of a server, with the same calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.gallery.base import (
    Gallery,
    GalleryError,
    Range,
    check_fingerprint,
    check_top_k,
    summary,
    unknown_id,
)
from mmt2ireid.gallery.exact import exact_search, rounding_error
from mmt2ireid.gallery.milvus_client import Place, connect, disconnect, errors_in_words
from mmt2ireid.gallery.milvus_collection import TIMEOUT as _TIMEOUT
from mmt2ireid.gallery.milvus_collection import open_collection, read_rows
from mmt2ireid.gallery.milvus_rows import (
    CROP,
    KEY,
    SEQUENCE,
    VECTOR,
    as_crop,
    as_row,
    filter_expression,
    key_filters,
    key_of,
)
from mmt2ireid.gallery.milvus_stored import written_for_good
from mmt2ireid.gallery.records import AddCount, Crop, Hit, Value, check_crops, check_ids, check_vectors
from mmt2ireid.gallery.where import Where

MAX_HITS = 16_384
"""More hits per query, and more rows per answer, no Milvus gives."""

MAX_LOOKED_AT = 200_000
"""So many crops are looked at to find out the metadata fields."""

_MAX_BYTES = 2**24
# So many hits more than asked for are fetched, to be put in order by their exact scores.
_SPARE = 16
_KEYS_PER_CALL = 1000
# The time that milvus-lite takes to give vectors grows with the square of their number.
_VECTORS_PER_CALL = 100
_STRONG = 'Strong'


class MilvusGallery(Gallery):
    """Crops in a collection of Milvus, for galleries that outgrow memory.

    With the index FLAT, which is the default, hits and scores are those of :class:`MemoryGallery` on the same crops,
    equal scores included: the best of what Milvus finds are scored again in float64.

    Adding is an upsert, so that no crop is there twice. A crop that is replaced is deleted and inserted by Milvus; who
    is killed in between may have to add it again. The order of insertion is that of the adding program's clock.

    Args:
        place: ``NAME.db`` for a milvus-lite file, which one program at a time can have open, or ``http://host:19530``,
            either with ``#collection`` behind it or not; the token of a server is read from ``MILVUS_TOKEN``.
        model: fingerprint of the model that makes the vectors.
        dim: D.
        read_only: refuses to add and delete, and makes no collection.
        index: of a new collection: ``FLAT`` compares with every crop; others, as far as the server has them
            (milvus-lite 2.5 has ``IVF_FLAT``), find most of the best crops in less time.
        index_params: build parameters of that index, such as ``{'nlist': 1024}``.
        search_params: of every search, such as ``{'nprobe': 32}``.

    Raises:
        GalleryMismatchError: the collection was made with another model.
        GalleryError: no answer, a file that is open elsewhere, a collection that is no gallery.
        ValueError: a place that Milvus cannot be at.
        ImportError: ``mmt2ireid[gallery]`` is not installed.
    """

    def __init__(
        self,
        place: str | Path,
        *,
        model: str,
        dim: int,
        read_only: bool = False,
        index: str = 'FLAT',
        index_params: dict[str, Any] | None = None,
        search_params: dict[str, Any] | None = None,
    ) -> None:
        check_fingerprint(model, dim)
        self.model, self.dim = model, dim
        self._read_only = read_only
        self._search_params = dict(search_params or {})
        self._lock = threading.RLock()
        self._last_sequence = 0
        self._values: dict[str, set[tuple[type, Value]]] | None = None
        self._place = Place.parse(place)
        self._client: Any = connect(self._place)
        try:
            with self._words('opening a collection of'):
                index_args = {'index_type': index, 'params': dict(index_params or {})}
                open_collection(self._client, self._place, model, dim, index_args, read_only=read_only)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        with self._words('counting in'):
            rows = self._calls.query(
                self._collection, filter='', output_fields=['count(*)'], consistency_level=_STRONG, timeout=_TIMEOUT
            )
        return int(rows[0]['count(*)'])

    def add(self, crops: Sequence[Crop], vectors: np.ndarray, *, replace: bool = False) -> AddCount:
        """See :meth:`Gallery.add`."""
        crops = check_crops(crops)
        vectors = check_vectors(vectors, self.dim, len(crops), ids=[crop.id for crop in crops])
        self._check_writable()
        with self._lock, self._words('adding to'):
            known = self.known(crop.id for crop in crops)
            chosen = [number for number, crop in enumerate(crops) if replace or crop.id not in known]
            first = self._sequence(len(chosen))
            step = max(1, _MAX_BYTES // (8 * self.dim + 2048))
            for start in range(0, len(chosen), step):
                rows = [
                    as_row(crops[number], vectors[number].tolist(), first + start + place)
                    for place, number in enumerate(chosen[start : start + step])
                ]
                with written_for_good(self._place, [row[KEY] for row in rows]):
                    self._calls.upsert(self._collection, rows, timeout=_TIMEOUT)
            if self._values is not None:
                for number in chosen:
                    self._note(crops[number])
        return AddCount(len(crops) - len(known), len(known) if replace else 0, 0 if replace else len(known))

    def delete(self, ids: Iterable[str]) -> int:
        """See :meth:`Gallery.delete`."""
        self._check_writable()
        with self._lock, self._words('deleting from'):
            gone = sorted(self.known(ids))
            for expression in key_filters(map(key_of, gone), _KEYS_PER_CALL):
                with written_for_good(self._place):
                    self._calls.delete(self._collection, filter=expression, timeout=_TIMEOUT)
        return len(gone)

    def known(self, ids: Iterable[str]) -> set[str]:
        """See :meth:`Gallery.known`."""
        names = list(dict.fromkeys(check_ids(ids)))
        keys = self._rows_of(map(key_of, names), [KEY], _KEYS_PER_CALL)
        return {name for name in names if key_of(name) in keys}

    def get(self, ids: Iterable[str]) -> list[Crop]:
        """See :meth:`Gallery.get`."""
        return [as_crop(row[CROP]) for row in self._fetch(ids, CROP)]

    def vectors(self, ids: Iterable[str]) -> np.ndarray:
        """See :meth:`Gallery.vectors`."""
        rows = self._fetch(ids, VECTOR, _VECTORS_PER_CALL)
        return np.array([row[VECTOR] for row in rows], dtype=np.float32).reshape(-1, self.dim)

    def search(self, vectors: np.ndarray, top_k: int = 10, where: Where | None = None) -> list[list[Hit]]:
        """See :meth:`Gallery.search`; ``top_k`` is at most 16,384."""
        queries = check_vectors(vectors, self.dim)
        top_k = check_top_k(top_k)
        if top_k > MAX_HITS:
            raise ValueError(f'top_k must be at most {MAX_HITS} in a Milvus gallery, but got {top_k}')
        expression = filter_expression(where)
        limit = min(top_k + _SPARE, MAX_HITS)
        found: list[list[Hit]] = []
        step = max(1, min(1024, _MAX_BYTES // (limit * (4 * self.dim + 1024))))
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            answers = self._ask(part, expression, limit)
            for query, rows in zip(part, answers, strict=True):
                found.append(self._best(query, rows, top_k, expression))
        return found

    def fields(self) -> dict[str, list[Value] | Range]:
        """See :meth:`Gallery.fields`.

        The first call looks at up to 200,000 crops; later ones know what this object has added since, and still list
        what it has deleted or another program has changed.
        """
        with self._lock:
            if self._values is None:
                self._values = {}
                for number, row in enumerate(read_rows(self._calls, self._place, [CROP])):
                    if number == MAX_LOOKED_AT:
                        break
                    self._note(as_crop(row[CROP]))
            return {name: summary(value for _, value in self._values[name]) for name in sorted(self._values)}

    def ids(self) -> Iterator[str]:
        """See :meth:`Gallery.ids`; those at the time of the call."""
        pairs = [
            (row[SEQUENCE], as_crop(row[CROP]).id) for row in read_rows(self._calls, self._place, [SEQUENCE, CROP])
        ]
        return (name for _, name in sorted(pairs))

    def close(self) -> None:
        """See :meth:`Gallery.close`."""
        with self._lock:
            if self._client is not None:
                disconnect(self._client, self._place)
                self._client = None

    @property
    def _collection(self) -> str:
        return self._place.collection

    @property
    def _calls(self) -> Any:
        if self._client is None:
            raise GalleryError('the gallery is closed; open it again with open_gallery')
        return self._client

    def _words(self, doing: str) -> Any:
        return errors_in_words(self._place, doing)

    def _check_writable(self) -> None:
        if self._read_only:
            raise GalleryError('the gallery is open for reading only; open it without read_only to change it')

    def _sequence(self, count: int) -> int:
        """The first of so many numbers that are above all before, also those of programs before this one."""
        first = max(self._last_sequence + 1, time.time_ns())
        self._last_sequence = first + count
        return first

    def _rows_of(self, keys: Iterable[str], fields: list[str], per_call: int) -> dict[str, dict[str, Any]]:
        """Rows by their keys, as far as they are there."""
        found: dict[str, dict[str, Any]] = {}
        for expression in key_filters(keys, per_call):
            with self._words('looking up crops in'):
                rows = self._calls.query(
                    self._collection,
                    filter=expression,
                    output_fields=fields,
                    consistency_level=_STRONG,
                    timeout=_TIMEOUT,
                )
            found.update((row[KEY], row) for row in rows)
        return found

    def _fetch(self, ids: Iterable[str], field: str, per_call: int = _KEYS_PER_CALL) -> list[dict[str, Any]]:
        names = check_ids(ids)
        found = self._rows_of(map(key_of, names), [KEY, field], per_call)
        for name in names:
            if key_of(name) not in found:
                raise unknown_id(name)
        return [found[key_of(name)] for name in names]

    def _ask(self, queries: np.ndarray, expression: str, limit: int) -> list[list[dict[str, Any]]]:
        """Rows of the best crops of each query, by Milvus' own scores."""
        with self._words('searching in'):
            answers = self._calls.search(
                self._collection,
                data=list(queries),
                filter=expression,
                limit=limit,
                output_fields=[KEY],
                anns_field=VECTOR,
                search_params={'metric_type': 'IP', 'params': self._search_params},
                consistency_level=_STRONG,
                timeout=_TIMEOUT,
            )
        keys = [[hit['entity'][KEY] for hit in hits] for hits in answers]
        rows = self._rows_of(chain(*keys), [KEY, SEQUENCE, CROP, VECTOR], _VECTORS_PER_CALL)
        # What another program has deleted in between is not found.
        return [[rows[key] for key in found if key in rows] for found in keys]

    def _best(self, query: np.ndarray, rows: list[dict[str, Any]], top_k: int, expression: str) -> list[Hit]:
        """The best of what Milvus found, by exact scores and order of insertion."""
        limit = min(top_k + _SPARE, MAX_HITS)
        while True:
            rows = sorted(rows, key=lambda row: row[SEQUENCE])
            block = np.array([row[VECTOR] for row in rows], dtype=np.float32).reshape(-1, self.dim)
            (scores,), (order,) = exact_search(query[None], [block], max(1, len(rows)))
            # Behind the last row there may be one that is as good, up to rounding, as the last hit.
            tied = (
                len(rows) == limit and limit > top_k and scores[-1] >= scores[top_k - 1] - 2 * rounding_error(self.dim)
            )
            if not tied or limit == MAX_HITS:
                break
            limit = min(4 * limit, MAX_HITS)
            (rows,) = self._ask(query[None], expression, limit)
        pairs = zip(order[:top_k].tolist(), scores[:top_k].tolist(), strict=True)
        return [Hit(as_crop(rows[place][CROP]), score) for place, score in pairs]

    def _note(self, crop: Crop) -> None:
        assert self._values is not None
        for name, value in crop.metadata.items():
            self._values.setdefault(name, set()).add((type(value), value))
