"""How often the items of several joined sets come in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Shares:
    """Weights of sets that are joined into one dataset.

    In an epoch, a set of n items with the weight w gives w * n of them: with 1 each item comes once, with 2 twice, with
    0.25 a quarter of them, and every four epochs each. What an epoch gives is a function of seed and epoch.

    Args:
        sizes: items of each set.
        weights: of each set, positive.

    Attributes:
        counts: items of each set in an epoch, w * n rounded, at least 1.

    Raises:
        ValueError: there is not one positive weight for each set.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float]) -> None:
        if len(weights) != len(sizes) or not all(0 < weight < float('inf') for weight in weights):
            raise ValueError(f'weights must be {len(sizes)} positive numbers, one for each set, but got {weights}')
        self.sizes, self.weights = tuple(sizes), tuple(weights)
        self.counts = tuple(max(1, round(w * n)) for w, n in zip(weights, sizes, strict=True))
        self.starts = np.concatenate([[0], np.cumsum(sizes)])

    @property
    def total(self) -> int:
        """Items of an epoch."""
        return sum(self.counts)

    @property
    def is_even(self) -> bool:
        """Whether every item comes once in an epoch."""
        return self.counts == self.sizes

    def set_of(self, items: np.ndarray) -> np.ndarray:
        """The number of the set that each item is in, int64 (n,)."""
        return np.searchsorted(self.starts, items, side='right') - 1

    def draw(self, seed: int, epoch: int) -> np.ndarray:
        """Items of an epoch, set after set, int64 (total,).

        Each set goes through its items in random order, round after round, and an epoch goes on where the one before
        has ended: so all items of a set come equally often, give or take one, over any number of epochs from the first.
        """
        parts = [
            self.starts[number] + _stretch([seed, number], epoch * count, count, size)
            for number, (count, size) in enumerate(zip(self.counts, self.sizes, strict=True))
        ]
        return np.concatenate(parts)


def _stretch(key: list[int], start: int, count: int, size: int) -> np.ndarray:
    """Elements start ... start + count of an endless row of random orders of 0 ... size - 1."""
    rounds = range(start // size, (start + count - 1) // size + 1)
    orders = [_rng([*key, number, 1]).permutation(size) for number in rounds]  # 1: zeros at the end are not told apart
    offset = start - rounds[0] * size
    return np.concatenate(orders)[offset : offset + count]


def _rng(key: list[int]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def shares_of(dataset: Any) -> Shares | None:
    """The shares of a dataset, or None where all items come once.

    Raises:
        ValueError: the dataset was cut (MMEngine's ``num_batch_per_epoch``), which would leave sets out.
    """
    shares = getattr(dataset, 'shares', None)
    if not isinstance(shares, Shares):
        return None
    if len(dataset) != sum(shares.sizes):
        raise ValueError(
            f'num_batch_per_epoch must be None for joined sets (it would take the first {len(dataset)} items only): '
            'set max_images of the sets, or their weights'
        )
    return None if shares.is_even else shares
