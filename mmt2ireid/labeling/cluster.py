"""DBSCAN on a sparse graph of distances."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.cluster import DBSCAN
from sklearn.neighbors import sort_graph_by_row_values


def cluster(distance: sparse.spmatrix, eps: float, min_samples: int = 4) -> np.ndarray:
    """DBSCAN (scikit-learn's) where only small distances are known.

    A core row has ``min_samples`` rows within ``eps``, itself included; core rows within ``eps`` of one another share a
    cluster. A row that is not core joins the first cluster that has a core row within ``eps`` of it. Clusters are
    numbered by their first core row, so that the result is a function of the graph alone.

    Args:
        distance: symmetric sparse (N, N) from :func:`jaccard_distance`. Explicit zeros are distances of 0, entries that
            are not stored are farther than any ``eps`` asked for.
        eps: largest distance of neighbours, in (0, 1).
        min_samples: rows that make a core row.

    Returns:
        int64 (N,): labels 0, 1, ... without gaps; -1 = un-clustered.

    Raises:
        ValueError: not a square sparse matrix, or settings out of range; also an ``eps`` beyond the distance up to
            which the graph holds pairs, where it says so (``max_distance``).
    """
    if not sparse.issparse(distance) or distance.shape[0] != distance.shape[1]:
        shape = getattr(distance, 'shape', None)
        raise ValueError(f'distance must be a square sparse matrix, but got {type(distance).__name__} of shape {shape}')
    if not 0 < eps < 1:
        raise ValueError(f'eps must be between 0 and 1, but got {eps}')
    held = getattr(distance, 'max_distance', None)
    if held is not None and eps > held:
        raise ValueError(f'eps must be at most the max_distance={held} of the graph, but got {eps}')
    if min_samples < 1:
        raise ValueError(f'min_samples must be positive, but got {min_samples}')
    graph = sort_graph_by_row_values(distance.tocsr(), copy=True, warn_when_not_sorted=False)
    labels = DBSCAN(eps=eps, min_samples=min_samples, metric='precomputed').fit_predict(graph)
    return labels.astype(np.int64)
