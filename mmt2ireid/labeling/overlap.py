"""Which rows of a sparse matrix of weights have much in common, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from mmt2ireid.labeling.features import TIE_DECIMALS, Progress, blocks, ragged_ranges

# Work per chunk, in multiply-adds of a sparse product or entries of gathered rows: some 100 MB.
_CHUNK_WORK = 2**22
# Of the least common mass of a pair that is kept, how much may be left out of the search for candidates: more saves
# work in the search and finds more candidates that are none. A few tenths either way make little difference.
_DROPPED = 0.8
_FLOAT32_SLACK = 1e-5
# The columns of the lower triangle are left out of products in so many steps.
_GROUPS = 32


def close_pairs(
    weights: sparse.csr_matrix, max_distance: float, max_pairs: int, progress: Progress
) -> sparse.csr_matrix:
    """Finds the pairs of rows of weights that overlap enough, and their distances d = 1 - m / (2 - m).

    Args:
        weights: CSR (N, N), float64, indices sorted, no negative values, each row's sum 1.
        max_distance: farther pairs are left out.
        max_pairs: bound of the entries of the result.
        progress: is told about the step 'distances'.

    Returns:
        Symmetric CSR (N, N) with a diagonal of stored zeros.

    Raises:
        ValueError: more pairs than ``max_pairs``.
    """
    least = 2 * (1 - max_distance) / (2 - max_distance)
    count, found = weights.shape[0], 0
    parts = []
    for done, one, two in _candidates(weights, least):
        progress('distances', done / count)
        distance = _pair_distances(weights, one, two)
        close = distance <= max_distance
        parts.append((one[close], two[close], distance[close]))
        found += 2 * len(parts[-1][0])
        if found + count > max_pairs:
            raise ValueError(
                f'features must tell rows apart, but among the first {done} of {count} rows more than '
                f'max_pairs={max_pairs} pairs are within {max_distance}: the features have collapsed'
            )
    one, two, distance = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return _symmetric(one, two, distance, count)


def _candidates(weights: sparse.csr_matrix, least: float) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yields a superset of the pairs whose m is at least ``least``: rows done so far, rows (P,), and later rows (P,).

    Let the columns stand from the rarest to the commonest, and let a row keep its entries down to the one from which
    on its mass falls below delta. Since min(a, b) <= sqrt(a b), what two rows have in common is at most the product of
    the roots of the kept entries plus delta.
    """
    delta = _DROPPED * least
    roots = _rare_entries(weights, delta)
    roots.data = np.sqrt(roots.data).astype(np.float32)
    bound = least - delta - _FLOAT32_SLACK
    for group in blocks(roots.shape[0], max(1, -(-roots.shape[0] // _GROUPS))):
        own, later = roots[group], roots[group.start :].T.tocsr()  # the lower triangle is not computed
        for rows in chunks(product_work(own, later)):
            product = own[rows] @ later
            one = np.repeat(np.arange(rows.start, rows.stop, dtype=np.int32), np.diff(product.indptr))
            chosen = (product.indices > one) & (product.data >= bound)
            start = np.int32(group.start)
            yield group.start + rows.stop, one[chosen] + start, product.indices[chosen] + start


def _rare_entries(weights: sparse.csr_matrix, delta: float) -> sparse.csr_matrix:
    """Each row's entries from the rarest column on, down to the one from which on their sum falls below ``delta``."""
    rarity = np.empty(weights.shape[1], dtype=np.int32)
    rarity[np.argsort(np.bincount(weights.indices, minlength=len(rarity)), kind='stable')] = np.arange(len(rarity))
    ordered = sparse.csr_matrix((weights.data, rarity[weights.indices], weights.indptr), shape=weights.shape, copy=True)
    ordered.sort_indices()
    sizes = np.diff(ordered.indptr)
    before = np.concatenate([[0.0], np.cumsum(ordered.data)])
    rest = np.repeat(before[ordered.indptr[1:]], sizes) - before[:-1]
    ordered.data[rest < delta] = 0
    ordered.eliminate_zeros()
    return ordered


def _pair_distances(weights: sparse.csr_matrix, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Distances of pairs of rows, float64 (P,)."""
    sizes = np.diff(weights.indptr)
    parts = [np.empty(0)]
    for part in chunks(sizes[one] + sizes[two]):
        shared = weights[one[part]].minimum(weights[two[part]]).sum(axis=1)
        overlap = np.asarray(shared).ravel()
        parts.append(np.maximum(1 - overlap / (2 - overlap), 0.0).round(TIE_DECIMALS))
    return np.concatenate(parts)


def _symmetric(one: np.ndarray, two: np.ndarray, distance: np.ndarray, count: int) -> sparse.csr_matrix:
    """CSR (N, N) with both triangles and a diagonal of stored zeros, from the upper triangle in row order."""
    above = np.bincount(one, minlength=count)
    below = np.bincount(two, minlength=count)
    indptr = np.concatenate([[0], np.cumsum(above + below + 1)])
    dtype = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64
    indices, data = np.empty(indptr[-1], dtype=dtype), np.zeros(indptr[-1])
    indices[indptr[:-1] + below] = np.arange(count)
    order = np.argsort(two, kind='stable')
    for starts, counts, values, chosen in (
        (indptr[:-1], below, one, order),
        (indptr[:-1] + below + 1, above, two, slice(None)),
    ):
        places = ragged_ranges(starts, counts)
        indices[places] = values[chosen]
        data[places] = distance[chosen]
    graph = sparse.csr_matrix((data, indices, indptr.astype(dtype)), shape=(count, count))
    graph.sort_indices()
    return graph


def product_work(left: sparse.csr_matrix, right: sparse.csr_matrix) -> np.ndarray:
    """Multiply-adds of each row of a sparse product, int64."""
    work = np.concatenate([[0], np.cumsum(np.diff(right.indptr)[left.indices])])
    return np.diff(work[left.indptr])


def chunks(work: np.ndarray) -> Iterator[slice]:
    """Slices of rows whose work adds up to about a chunk's; a row that exceeds it comes alone."""
    total, start = np.cumsum(work), 0
    while start < len(work):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _CHUNK_WORK, side='right')))
        yield slice(start, stop)
        start = stop
