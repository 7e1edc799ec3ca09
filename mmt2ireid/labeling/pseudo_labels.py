"""The steps that make pseudo labels of one modality's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmt2ireid.labeling.cluster import cluster
from mmt2ireid.labeling.distance import check_lists, jaccard_distance
from mmt2ireid.labeling.features import TIE_DECIMALS, Progress, no_progress
from mmt2ireid.labeling.neighbours import check_backend
from mmt2ireid.labeling.reliability import check_independence, keep_reliable


@dataclass(frozen=True)
class PseudoLabels:
    """Pseudo labels of one modality.

    Attributes:
        labels: int64 (N,), 0, 1, ... without gaps; -1 = un-clustered.
        threshold: independence that clusters need, to be passed to the next call; None while there has been no cluster.
        raw_labels: int64 (N,), before the reliability criterion.
        num_pairs: entries of the distance graph, beside the diagonal.
    """

    labels: np.ndarray
    threshold: float | None
    raw_labels: np.ndarray
    num_pairs: int


def pseudo_labels(
    features: Any,
    *,
    k1: int = 30,
    k2: int = 6,
    eps: float = 0.6,
    eps_gap: float = 0.02,
    min_samples: int = 4,
    threshold: float | None = None,
    independence: str = 'best',
    backend: str = 'torch',
    approximate_from: int | None = None,
    progress: Progress = no_progress,
) -> PseudoLabels:
    """Jaccard distances once, three clusterings on them, and what of the middle one is reliable.

    Args:
        features: (N, D), as in :func:`jaccard_distance`.
        k1: size of the neighbour lists.
        k2: size of the query expansion.
        eps: of :func:`cluster`.
        eps_gap: how much smaller and larger it is in the tight and the loose clustering.
        min_samples: of :func:`cluster`.
        threshold: of :func:`keep_reliable`: what the last call returned, None at first.
        independence: of :func:`keep_reliable`: which member speaks for its cluster, 'best' (SpCL's code) or 'worst'.
        backend: of :func:`nearest_neighbours`.
        approximate_from: of :func:`nearest_neighbours`.
        progress: is told about the steps 'neighbours', 'weights', 'distances', 'clusters' and 'reliability'.

    Returns:
        The labels, and the threshold for the next call.

    Raises:
        ValueError: settings out of range, or features as in :func:`jaccard_distance`.
        ImportError: faiss is asked for and not installed.
    """
    check_settings(
        k1=k1,
        k2=k2,
        eps=eps,
        eps_gap=eps_gap,
        min_samples=min_samples,
        independence=independence,
        backend=backend,
        approximate_from=approximate_from,
    )
    # Distances are rounded as well: 0.58 + 0.02 is to be 0.6, whatever the sum of these floats is.
    smaller, larger = round(eps - eps_gap, TIE_DECIMALS), round(eps + eps_gap, TIE_DECIMALS)
    graph = jaccard_distance(features, k1, k2, larger, backend, approximate_from=approximate_from, progress=progress)
    clusterings = []
    for done, value in enumerate((eps, smaller, larger), 1):
        clusterings.append(cluster(graph, value, min_samples))
        progress('clusters', done / 3)
    labels, threshold = keep_reliable(clusterings[0], clusterings[1], clusterings[2], threshold, independence)
    progress('reliability', 1.0)
    return PseudoLabels(labels, threshold, clusterings[0], graph.nnz - graph.shape[0])


def check_settings(
    *,
    k1: int,
    k2: int,
    eps: float,
    eps_gap: float | None,
    min_samples: int,
    independence: str,
    backend: str,
    approximate_from: int | None,
) -> None:
    """Checks the settings of :func:`pseudo_labels` before there is anything to label.

    Args:
        k1: as in :func:`pseudo_labels`, and so are all others.
        k2: the same.
        eps: the same.
        eps_gap: the same; None where nothing is clustered but at ``eps``.
        min_samples: the same.
        independence: the same.
        backend: the same.
        approximate_from: the same.

    Raises:
        ValueError: a setting is out of range, or does not fit another one.
    """
    check_lists(k1, k2)
    check_backend(backend, approximate_from)
    if not 0 < eps < 1:
        raise ValueError(f'eps must be between 0 and 1, but got {eps}')
    if eps_gap is not None and not 0 < eps_gap < min(eps, 1 - eps):
        raise ValueError(
            f'eps and eps_gap must be such that 0 < eps - eps_gap and eps + eps_gap < 1 and eps_gap > 0, '
            f'but got eps={eps} and eps_gap={eps_gap}'
        )
    if min_samples < 1:
        raise ValueError(f'min_samples must be positive, but got {min_samples}')
    check_independence(independence)


def check_rows(rows: int, what: str, *, k1: int, min_samples: int) -> None:
    """Checks settings of :func:`pseudo_labels` against the number of rows that are to be labeled.

    With as many neighbors as rows every row is a neighbor of every other one, and nearly all of them are one cluster.

    Args:
        rows: N.
        what: name of the rows in the message, such as 'images'.
        k1: size of the neighbor lists.
        min_samples: rows that make a core row.

    Raises:
        ValueError: there are fewer rows.
    """
    for name, value in dict(k1=k1, min_samples=min_samples).items():
        if value > rows:
            raise ValueError(f'{name} must be at most the number of {what}, {rows}, but got {value}')
