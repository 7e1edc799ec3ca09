"""Expected metrics where gallery items have equal scores, so that their order says nothing. Needs numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TiedGroups:
    """The relevant items of n queries, in groups of equal scores, the highest first.

    A query's j-th relevant item is in a group of ``size`` gallery items, ``relevant`` of them relevant; ``above``
    gallery items have higher scores, ``before`` of them relevant. Every array is int64 (n, P), padded to the largest
    number of relevant items.

    Attributes:
        counts: relevant items of each query, (n,), at least 1.
        above: gallery items with higher scores.
        size: gallery items with this score.
        before: relevant items with higher scores.
        relevant: relevant items with this score.
    """

    counts: np.ndarray
    above: np.ndarray
    size: np.ndarray
    before: np.ndarray
    relevant: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, above: np.ndarray, size: np.ndarray) -> TiedGroups:
        """Group relevant items that are sorted by their scores, the highest first.

        Args:
            counts: (n,).
            above: (n, P), ascending; what is beyond ``counts`` is padding.
            size: (n, P).
        """
        place = np.broadcast_to(np.arange(above.shape[1]), above.shape)
        real = place < counts[:, None]
        starts, ends = np.ones_like(above, dtype=bool), np.ones_like(above, dtype=bool)
        starts[:, 1:] = above[:, 1:] != above[:, :-1]
        ends[:, :-1] = starts[:, 1:] | (real[:, :-1] & ~real[:, 1:])
        first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
        last = np.minimum.accumulate(np.where(ends, place, above.shape[1])[:, ::-1], axis=1)[:, ::-1]
        return cls(counts, above, size, first, last - first + 1)

    @property
    def are_mixed(self) -> np.ndarray:
        """Queries whose metrics the order of equal scores decides, bool (n,): relevant and other items tie."""
        real = np.arange(self.above.shape[1]) < self.counts[:, None]
        return np.any((self.size > self.relevant) & real, axis=1)


def expected_hits(groups: TiedGroups, topk: Sequence[int]) -> np.ndarray:
    """Probability that a relevant item is among the best k.

    Of the first group, n items with m relevant ones, t = k - above are among the best k. None of these is relevant with
    the probability C(n - t, m) / C(n, m).

    Args:
        groups: of Q queries.
        topk: the values of k.

    Returns:
        float64 (Q, len(topk)), 0 or 1 where nothing ties.
    """
    above, size, relevant = groups.above[:, 0], groups.size[:, 0], groups.relevant[:, 0]
    shown = np.clip(np.asarray(topk) - above[:, None], 0, size[:, None])
    hits = (shown > 0).astype(float)
    for query in np.flatnonzero(size > relevant):
        places = np.arange(relevant[query])
        free = (size[query] - shown[query, :, None] - places).clip(min=0)
        hits[query] = 1 - np.prod(free / (size[query] - places), axis=1)
    return hits


def expected_precision(groups: TiedGroups) -> np.ndarray:
    """Expected average precision.

    A group of n items with m relevant ones behind N items with M relevant ones has a relevant item at its i-th place
    with the probability m / n, and then (i - 1)(m - 1) / (n - 1) others before it are expected. So it contributes

        m / n sum_i (M + 1 + (i - 1)(m - 1) / (n - 1)) / (N + i)

    (McSherry and Najork, "Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied
    Scores", ECIR 2008).

    Args:
        groups: of Q queries.

    Returns:
        float64 (Q,).
    """
    above, size, before, relevant = groups.above, groups.size, groups.before, groups.relevant
    real = np.arange(above.shape[1]) < groups.counts[:, None]
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, int((above + size)[real].max()) + 1))])
    above, size = np.where(real, above, 0), np.where(real, size, 1)
    inverse = harmonic[above + size] - harmonic[above]  # sum_i 1 / (N + i)
    others = (size - (above + 1) * inverse) * (relevant - 1) / np.maximum(size - 1, 1)
    terms = np.where(size == 1, (before + 1) / (above + 1), ((before + 1) * inverse + others) / size)
    return (terms * real).sum(axis=1) / groups.counts


def expected_penalty(groups: TiedGroups) -> np.ndarray:
    """Expected inverse negative penalty.

    The last relevant item of the last group, n items with m relevant ones, is at its i-th place with the probability
    C(i - 1, m - 1) / C(n, m).

    Args:
        groups: of Q queries.

    Returns:
        float64 (Q,).
    """
    rows = np.arange(len(groups.counts))
    above, size, relevant = (table[rows, groups.counts - 1] for table in (groups.above, groups.size, groups.relevant))
    penalty = groups.counts / (above + size)
    for query in np.flatnonzero(size > relevant):
        n, m = int(size[query]), int(relevant[query])
        places = np.arange(n, m - 1, -1)
        # P(n) = m / n, and P(i - 1) = P(i) (i - m) / (i - 1).
        chances = np.cumprod(np.concatenate([[m / n], (places[:-1] - m) / (places[:-1] - 1)]))
        penalty[query] = groups.counts[query] * (chances / (above[query] + places)).sum()
    return penalty
