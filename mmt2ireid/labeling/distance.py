"""The k-reciprocal Jaccard distance as a sparse graph: only pairs that are close are ever held."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from mmt2ireid.labeling.features import TIE_DECIMALS, Progress, UnitFeatures, no_progress
from mmt2ireid.labeling.neighbours import nearest_neighbours
from mmt2ireid.labeling.overlap import chunks, close_pairs, product_work


def jaccard_distance(
    features: Any,
    k1: int = 30,
    k2: int = 6,
    max_distance: float = 0.62,
    backend: str = 'torch',
    *,
    approximate_from: int | None = None,
    max_pairs: int = 50_000_000,
    progress: Progress = no_progress,
) -> sparse.csr_matrix:
    r"""Jaccard distance of k-reciprocal neighbourhoods, for all pairs that are no farther apart than ``max_distance``.

    Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, in the form in which
    SpCL (Ge et al., NeurIPS 2020) clusters with it. With R_i the ``k1`` nearest rows (i included, equal ones by
    index) and S1(i) = {j in R_i : i in R_j}; S2 is the same with the first round(k1 / 2) + 1 (16 of 30; halves are
    rounded to even):

        S(i) = S1(i) and every S2(c), c in S1(i), with |S2(c) & S1(i)| > 2/3 |S2(c)|,
        V_ij = exp(-(2 - 2 cos_ij)) for j in S(i), else 0, divided by its sum over j,
        V_i <- mean of V_j over the first ``k2`` of R_i,
        d_ij = 1 - m / (2 - m),    m = sum_k min(V_ik, V_jk).

    Distances are rounded to 12 decimals. Rows whose expansions share 4 of 6 neighbours, and nothing else, are exactly
    0.5 apart: whether such pairs are within an eps of 0.5 must not hang on the order of a sum.

    All steps after the neighbour search are sparse, done in chunks of rows, and in float64. Pairs that can reach the m
    that ``max_distance`` asks for are found by a sparse product that bounds m from above, and m is computed for them
    alone. The product leaves out the commonest columns of each row, as the prefix filters of set-similarity joins do,
    so that rows that are neighbours of very many others (hubs) do not make it slow.

    Args:
        features: (N, D), as in :class:`UnitFeatures`, on any device.
        k1: size of the neighbour lists, N if that is less.
        k2: size of the query expansion; 1 is none.
        max_distance: farther pairs are not stored; below 1, at which all pairs are.
        backend: of :func:`nearest_neighbours`.
        approximate_from: of :func:`nearest_neighbours`.
        max_pairs: bound of the stored entries, 12 bytes each (and about 30 while they are being put together).
        progress: is told about the steps 'neighbours', 'weights' and 'distances'.

    Returns:
        Symmetric CSR (N, N), float64, indices sorted. What is not stored is farther than ``max_distance``, not 0. The
        diagonal and pairs of equal rows are stored as explicit zeros, which count as neighbours at distance 0 in
        :func:`cluster` and in scikit-learn's DBSCAN alike (``eliminate_zeros()`` would unmake them). The attribute
        ``max_distance`` holds the bound.

    Raises:
        ValueError: settings out of range; features as in :class:`UnitFeatures`; or more pairs than ``max_pairs``,
            which means that the features have collapsed.
        ImportError: faiss is asked for and not installed.
    """
    check_lists(k1, k2)
    if not 0 < max_distance < 1:
        raise ValueError(f'max_distance must be between 0 and 1, but got {max_distance}')
    if max_pairs < 1:
        raise ValueError(f'max_pairs must be positive, but got {max_pairs}')
    feats = UnitFeatures(features)
    near = nearest_neighbours(feats, k1, backend=backend, approximate_from=approximate_from, progress=progress)
    weights = _expand_queries(_neighbour_weights(feats, near, k1, progress), near[:, :k2])
    graph = close_pairs(weights, max_distance, max_pairs, progress)
    graph.max_distance = max_distance
    return graph


def mean_of_closest(distance: sparse.csr_matrix, share: float) -> float | None:
    """Mean distance of the closest pairs, from which MMT's code (Ge et al., ICLR 2020) takes DBSCAN's eps.

    Pairs at distance 0 do not count. Pairs that the graph does not store count as farther than all others.

    Args:
        distance: of :func:`jaccard_distance`, N x N.
        share: of all pairs, in (0, 1); 0.0016 in MMT's code.

    Returns:
        The mean, rounded to 12 decimals; None if the graph stores too few pairs to tell.

    Raises:
        ValueError: ``share`` is out of range.
    """
    if not 0 < share < 1:
        raise ValueError(f'share must be between 0 and 1, but got {share}')
    count = distance.shape[0]
    above = sparse.triu(distance, k=1, format='coo').data
    num_pairs = count * (count - 1) // 2 - int((above == 0).sum())
    wanted, above = round(share * num_pairs), above[above > 0]
    if not 1 <= wanted <= len(above):
        return None
    return round(float(np.sort(above)[:wanted].mean()), TIE_DECIMALS)


def check_lists(k1: int, k2: int) -> None:
    """Refuses lengths of neighbor lists that do not fit each other, by ValueError."""
    if not 1 <= k2 <= k1:
        raise ValueError(f'k1 and k2 must be such that 1 <= k2 <= k1, but got k1={k1} and k2={k2}')


def _pattern(columns: np.ndarray) -> sparse.csr_matrix:
    """Square 0-1 matrix from the columns (N, k) of each row's ones."""
    count, width = columns.shape
    indptr = np.arange(0, count * width + 1, width)
    ones = np.ones(count * width, dtype=np.int32)
    matrix = sparse.csr_matrix((ones, columns.ravel(), indptr), shape=(count, count))
    matrix.sort_indices()
    return matrix


def _reciprocal(near: np.ndarray) -> sparse.csr_matrix:
    """Who is a neighbour of whom both ways, as a 0-1 matrix."""
    pattern = _pattern(near)
    return pattern.multiply(pattern.T.tocsr()).tocsr()


def _neighbour_weights(feats: UnitFeatures, near: np.ndarray, k1: int, progress: Progress) -> sparse.csr_matrix:
    """V before query expansion, CSR (N, N)."""
    first = _reciprocal(near)
    second = _reciprocal(near[:, : round(k1 / 2) + 1])
    transposed, sizes = second.T.tocsr(), np.diff(second.indptr)
    parts = []
    for rows in chunks(product_work(first, transposed)):
        own = first[rows]
        overlap = (own @ transposed).multiply(own).tocsr()
        overlap.data = (3 * overlap.data > 2 * sizes[overlap.indices]).astype(np.int32)
        overlap.eliminate_zeros()
        expanded = (own + overlap @ second).tocsr()
        expanded.sort_indices()
        owners = np.repeat(np.arange(rows.start, rows.stop), np.diff(expanded.indptr))
        weights = np.exp(2 * feats.cosines(owners, expanded.indices) - 2)
        weights /= np.repeat(np.add.reduceat(weights, expanded.indptr[:-1]), np.diff(expanded.indptr))
        parts.append(sparse.csr_matrix((weights, expanded.indices, expanded.indptr), shape=expanded.shape))
        progress('weights', rows.stop / len(near))
    return sparse.vstack(parts, format='csr')


def _expand_queries(weights: sparse.csr_matrix, near: np.ndarray) -> sparse.csr_matrix:
    """Mean of each row's nearest rows."""
    mean = _pattern(near).astype(np.float64)
    mean.data /= near.shape[1]
    expanded = mean @ weights
    expanded.sort_indices()
    return expanded
