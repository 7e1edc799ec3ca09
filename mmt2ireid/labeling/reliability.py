"""Which clusters, and which of their members, hold under a stricter and a looser clustering (SpCL)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmt2ireid.labeling.groups import UNCLUSTERED, as_labels, contiguous

INDEPENDENCE = ('best', 'worst')
"""Which member speaks for the independence of its cluster."""

_PASSING = 0.9


@dataclass
class Reliability:
    """The criterion of :func:`keep_reliable` with its memory.

    Attributes:
        threshold: the independence that clusters need; None until there has been a cluster, frozen from then on. It is
            the whole state: save it and set it to resume.
        independence: as in :func:`keep_reliable`.
    """

    threshold: float | None = None
    independence: str = 'best'

    def __call__(self, labels: Any, tight: Any, loose: Any) -> np.ndarray:
        """Reliable labels, int64 (N,); arguments as in :func:`keep_reliable`."""
        kept, self.threshold = keep_reliable(labels, tight, loose, self.threshold, self.independence)
        return kept


def keep_reliable(
    labels: Any, tight: Any, loose: Any, threshold: float | None = None, independence: str = 'best'
) -> tuple[np.ndarray, float | None]:
    """Un-clusters what is not reliable, after Ge et al., "Self-paced Contrastive Learning", NeurIPS 2020, section 3.3.

    For a member i of cluster I, I_loose and I_tight being the clusters of i in the other two clusterings (i alone where
    i is un-clustered there),

        independence(i) = |I & I_loose| / |I | I_loose|,    compactness(i) = |I & I_tight| / |I | I_tight|.

    A cluster is as independent as the most independent of its members. SpCL's code takes that one too: the least
    1 - independence of the members. ``independence='worst'`` takes the least independent member, which drops a cluster
    as soon as one of its members is claimed by another one. A cluster passes if its independence is at least the
    threshold; of a cluster that passes, the members whose compactness is the best in it stay, unless only one does. The
    threshold is set where there are clusters for the first time, so that about nine in ten pass: with C clusters from
    the most independent to the least it is the value at position min(C - 1, round(0.9 C)), from 0. (In SpCL's code,
    which works on 1 - independence, that is the 0.9 quantile.)

    Only the sizes of clusters and of their intersections are counted: no N x N matrix.

    Args:
        labels: integers (N,), -1 = un-clustered.
        tight: of the clustering with a smaller eps.
        loose: of the clustering with a larger eps.
        threshold: what an earlier call returned; None at first.
        independence: which member speaks for its cluster: 'best' (default; SpCL's code) or 'worst'.

    Returns:
        labels int64 (N,), contiguous in the order of the clusters, and the threshold: still None if there is no
        cluster.

    Raises:
        ValueError: vectors that are no labels or of different lengths, a threshold outside [0, 1], or another
            ``independence``.

    Example:
        The worst member of the first cluster shares one of the eight items of both of its clusters:

        >>> labels, loose = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1]
        >>> keep_reliable(labels, labels, loose, threshold=0.5)[0].tolist()
        [0, 0, 0, 0, 1, 1, 1, 1]
        >>> keep_reliable(labels, labels, loose, threshold=0.5, independence='worst')[0].tolist()
        [-1, -1, -1, -1, 0, 0, 0, 0]
    """
    labels = as_labels(labels, 'labels')
    tight, loose = as_labels(tight, 'tight', len(labels)), as_labels(loose, 'loose', len(labels))
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f'threshold must be between 0 and 1, but got {threshold}')
    check_independence(independence)
    member = np.flatnonzero(labels >= 0)
    if not len(member):
        return labels, threshold
    cluster = np.unique(labels[member], return_inverse=True)[1]
    count = cluster.max() + 1
    apart, compactness = np.full(count, float(independence == 'worst')), np.zeros(count)
    speaks = np.maximum if independence == 'best' else np.minimum
    speaks.at(apart, cluster, _overlap(labels, loose)[member])
    own = _overlap(labels, tight)[member]
    np.maximum.at(compactness, cluster, own)
    if threshold is None:
        threshold = float(np.sort(apart)[::-1][min(count - 1, round(_PASSING * count))])
    stays = (apart >= threshold)[cluster] & (own == compactness[cluster])
    stays &= (np.bincount(cluster[stays], minlength=count) > 1)[cluster]
    kept = np.full(len(labels), UNCLUSTERED, dtype=np.int64)
    kept[member[stays]] = labels[member[stays]]
    return contiguous(kept), threshold


def check_independence(independence: str) -> None:
    """Refuses what :func:`keep_reliable` does not know, by ValueError."""
    if independence not in INDEPENDENCE:
        raise ValueError(f'independence must be one of {INDEPENDENCE}, but got {independence!r}')


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each item's clusters in two clusterings, float64 (N,).

    Equal fractions give equal floats, for a quotient of integers is rounded correctly.
    """
    one, two = _singletons(first), _singletons(second)
    sizes_one, sizes_two = (np.bincount(labels)[labels] for labels in (one, two))
    _, cell, shared = np.unique(one * (two.max() + 1) + two, return_inverse=True, return_counts=True)
    both = shared[cell]
    return both / (sizes_one + sizes_two - both)


def _singletons(labels: np.ndarray) -> np.ndarray:
    """Gives each un-clustered item a cluster of its own."""
    result = contiguous(labels)
    alone = result < 0
    result[alone] = result.max(initial=-1) + 1 + np.arange(alone.sum())
    return result
