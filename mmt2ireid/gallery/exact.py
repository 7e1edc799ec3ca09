"""Exact search: the best rows by inner product, in little more time than the bare matrix product takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

# Scores of a chunk: few enough to be read again from the cache, enough for BLAS to run at full speed.
_CHUNK_SCORES = 2**20
_MIN_ROWS, _MAX_ROWS = 1024, 65_536
_MAX_QUERIES = 256
# Scores that share one maximum; only tiles whose maximum is high enough are looked into.
_TILE = 512
# Bytes of the float64 copies of rows that are scored again.
_RESCORE_BYTES = 2**24
# With fewer rows than this share passing the mask, they are copied out and multiplied alone.
_DENSE_SHARE = 0.5


def exact_search(
    queries: np.ndarray,
    blocks: Iterable[np.ndarray],
    k: int,
    mask: np.ndarray | None = None,
    *,
    max_length: float = 1.01,
) -> tuple[np.ndarray, np.ndarray]:
    """The k rows with the highest inner product for every query.

    Rows are multiplied with the queries in float32, chunk by chunk. One pass takes the maximum of every 512 scores, and
    only where a maximum reaches a query's k-th best so far is looked at again. What comes within the
    rounding error of float32 is scored again in float64, row by row. So the result is that of a stable sort of all
    inner products in float64: it depends neither on the chunks nor on BLAS, and equal rows stand in their order.

    Memory beyond the blocks: some 50 MB, and the result. Rows that arrive in ascending order of score take longer, and
    if all rows are equal up to rounding, all are scored again, about 20 times slower than otherwise.

    Args:
        queries: float32 (Q, D), finite.
        blocks: float32 (N_i, D) each, finite; rows are counted through them. Several passes are made over them where
            there are more than 256 queries: then they must be a sequence.
        k: how many rows to find, from 1 on; may exceed their number.
        mask: bool (N,), rows that may be found; None takes all.
        max_length: no row is longer than that; the bound of the rounding error rests on it.

    Returns:
        scores float64 (Q, K), descending, and rows int64 (Q, K), with K = min(k, rows that may be found), or 0 without
        queries.

    Raises:
        ValueError: k below 1, shapes that do not fit, blocks that can be passed over once only and too many queries.
    """
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    if k < 1:
        raise ValueError(f'k must be at least 1, but got {k}')
    if queries.ndim != 2:
        raise ValueError(f'queries must have shape (Q, D), but got {queries.shape}')
    if len(queries) > _MAX_QUERIES and isinstance(blocks, Iterator):
        raise ValueError(f'blocks must be a sequence for more than {_MAX_QUERIES} queries, but got an iterator')
    if not len(queries):
        return np.empty((0, 0)), np.empty((0, 0), dtype=np.int64)
    found = []
    for start in range(0, len(queries), _MAX_QUERIES):
        best = _Best(queries[start : start + _MAX_QUERIES], k, max_length)
        for first, rows, allowed in _chunks(blocks, best.queries, mask):
            best.update(first, rows, allowed)
        found.append((best.scores, best.rows))
    return np.concatenate([scores for scores, _ in found]), np.concatenate([rows for _, rows in found])


def rounding_error(dim: int) -> float:
    """How far a float32 inner product of two unit vectors of this width may be off, in whatever order it is summed."""
    return 1.01 * (dim + 2) * 2.0**-24


def _chunks(
    blocks: Iterable[np.ndarray], queries: np.ndarray, mask: np.ndarray | None
) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """Yields the number of the first row, rows (n, D), and which of them may be found: None for all."""
    size = min(max(_CHUNK_SCORES // len(queries), _MIN_ROWS), _MAX_ROWS)
    offset = 0
    for block in blocks:
        if block.ndim != 2 or block.shape[1] != queries.shape[1]:
            raise ValueError(f'blocks must have shape (N, {queries.shape[1]}), but got {block.shape}')
        if mask is not None and offset + len(block) > len(mask):
            raise ValueError(f'mask must have one entry per row, but got {len(mask)} for more')
        for start in range(0, len(block), size):
            rows = block[start : start + size]
            first = offset + start
            allowed = None if mask is None else mask[first : first + len(rows)]
            if allowed is None or allowed.all():
                yield first, rows, None
            elif allowed.any():
                yield first, rows, allowed
        offset += len(block)
    if mask is not None and offset != len(mask):
        raise ValueError(f'mask must have one entry per row, {offset}, but got {len(mask)}')


class _Best:
    """The best rows so far of each query.

    Args:
        queries: float32 (Q, D).
        k: how many rows a query keeps.
        max_length: of a row.

    Attributes:
        queries: as given.
        scores: float64 (Q, n), descending; n grows up to k.
        rows: int64 (Q, n), their numbers.
    """

    def __init__(self, queries: np.ndarray, k: int, max_length: float) -> None:
        self.queries = queries
        self.scores = np.empty((len(queries), 0))
        self.rows = np.empty((len(queries), 0), dtype=np.int64)
        self._k = k
        self._exact_queries = queries.astype(np.float64)
        self._out = np.empty(0, dtype=np.float32)
        # Twice the error, because the score that it is compared with may be off the other way.
        lengths = max_length * np.linalg.norm(self._exact_queries, axis=1)
        self._margin = 2 * rounding_error(queries.shape[1]) * lengths

    def update(self, first: int, rows: np.ndarray, allowed: np.ndarray | None) -> None:
        """Takes in rows (n, D), numbered from ``first`` on, of which ``allowed`` (n,) may be found."""
        numbers = None
        if allowed is not None and np.count_nonzero(allowed) < _DENSE_SHARE * len(rows):
            numbers = np.flatnonzero(allowed)
            rows, allowed = rows[numbers], None
        picked, columns = self._hopeful(self._product(rows, allowed), len(rows))
        if len(picked):
            exact = self._rescored(rows, picked, columns)
            self._merge(picked, exact, first + (columns if numbers is None else numbers[columns]))

    def _product(self, rows: np.ndarray, allowed: np.ndarray | None) -> np.ndarray:
        """Scores (Q, T, tile) of rows (n, D); what is not allowed and what fills the last tile is -inf."""
        width = -(-len(rows) // _TILE) * _TILE
        size = len(self.queries) * width
        if len(self._out) < size:
            self._out = np.empty(size, dtype=np.float32)
        out = self._out[:size].reshape(len(self.queries), width)
        out[:, len(rows) :] = -np.inf
        scores = np.matmul(self.queries, rows.T, out=out[:, : len(rows)])
        if allowed is not None:
            np.copyto(scores, -np.inf, where=~allowed)
        return out.reshape(len(self.queries), -1, _TILE)

    def _hopeful(self, scores: np.ndarray, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Queries and columns, in this order, of those scores that may be among the best: all that are, few others."""
        best = scores.max(axis=2)
        bound = np.full(len(scores), -np.inf)
        if self.scores.shape[1] == self._k:
            bound = self.scores[:, -1] - self._margin
        hot = np.flatnonzero((best >= bound[:, None]).any(axis=1))
        if not len(hot):
            return hot, hot
        bound[hot] = np.maximum(bound[hot], self._bound_of_chunk(scores, best, hot, num_rows) - self._margin[hot])
        owners, tiles = np.nonzero((best >= bound[:, None]) & (best > -np.inf))
        chosen = scores[owners, tiles]
        picked, columns = np.nonzero((chosen >= bound[owners, None]) & (chosen > -np.inf))
        return owners[picked], tiles[picked] * _TILE + columns

    def _bound_of_chunk(self, scores: np.ndarray, best: np.ndarray, hot: np.ndarray, num_rows: int) -> np.ndarray:
        """What at least k scores of the chunk reach, for the queries ``hot``; -inf where it has fewer."""
        if best.shape[1] >= self._k:
            values = best[hot]
        elif num_rows > self._k:
            values = scores[hot].reshape(len(hot), -1)
        else:
            return np.full(len(hot), -np.inf)
        place = values.shape[1] - self._k
        return np.partition(values, place, axis=1)[:, place]

    def _rescored(self, rows: np.ndarray, picked: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Inner products (m,) of pairs of query and row in float64, each summed in the same order."""
        exact = np.empty(len(picked))
        step = max(1, _RESCORE_BYTES // (16 * max(1, rows.shape[1])))
        for start in range(0, len(picked), step):
            part = slice(start, start + step)
            pairs = self._exact_queries[picked[part]], rows[columns[part]].astype(np.float64)
            exact[part] = np.einsum('md,md->m', *pairs)
        return exact

    def _merge(self, picked: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> None:
        """Takes in rows (m,) with exact scores (m,), in ascending order of the queries that they belong to."""
        hot, counts = np.unique(picked, return_counts=True)
        held = self.scores.shape[1]
        owner = np.concatenate([np.repeat(np.arange(len(hot)), held), np.repeat(np.arange(len(hot)), counts)])
        scores = np.concatenate([self.scores[hot].ravel(), scores])
        rows = np.concatenate([self.rows[hot].ravel(), rows])
        order = np.lexsort((rows, -scores, owner))
        # Every query has seen as many rows: until they are k, all queries take part and keep all.
        keep = min(self._k, held + int(counts.min()))
        starts = np.concatenate([[0], np.cumsum(held + counts)[:-1]])
        best = order[starts[:, None] + np.arange(keep)]
        if keep > held:
            self.scores, self.rows = scores[best], rows[best]
        else:
            self.scores[hot], self.rows[hot] = scores[best], rows[best]
