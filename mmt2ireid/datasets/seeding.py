"""Randomness of an item that depends on (seed, epoch, item) and on nothing else.

The samplers yield indices that carry a seed; the dataset runs its pipeline under that seed. So an item is augmented
the same way whatever worker prepares it, whatever their number, and after a resume.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class SeededIndex(int):
    """An index that carries the seed of its item.

    The arithmetic that MMEngine's dataset wrappers do (``ConcatDataset`` subtracts, ``RepeatDataset`` takes the
    remainder) keeps the seed.

    Args:
        index: index into a dataset.
        seed: non-negative, below 2**63.
    """

    seed: int

    def __new__(cls, index: int, seed: int) -> SeededIndex:  # noqa: D102
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple:
        return SeededIndex, (int(self), self.seed)

    def __sub__(self, other: int) -> SeededIndex:
        return SeededIndex(int(self) - int(other), self.seed)

    def __mod__(self, other: int) -> SeededIndex:
        return SeededIndex(int(self) % int(other), self.seed)


def _mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: neighbouring integers become unrelated ones; uint64 in and out."""
    with np.errstate(over='ignore'):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def item_seeds(seed: int, epoch: int, indices: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Seeds of the items of an epoch.

    Args:
        seed: seed of the run.
        epoch: number of the epoch.
        indices: (n,), indices of the items.
        positions: (n,), their places in the epoch over all ranks; they tell repetitions of an item apart.

    Returns:
        int64 (n,), non-negative.
    """
    state = np.full(len(indices), seed % 2**64, dtype=np.uint64)
    for part in (np.uint64(epoch), indices.astype(np.uint64), positions.astype(np.uint64)):
        state = _mix(state ^ _mix(part + np.zeros_like(state)))
    return (state >> np.uint64(1)).astype(np.int64)


def seeded_indices(seed: int, epoch: int, indices: np.ndarray, positions: np.ndarray) -> Iterator[SeededIndex]:
    """The indices, each with its seed; arguments as in :func:`item_seeds`."""
    return map(SeededIndex, indices.tolist(), item_seeds(seed, epoch, indices, positions).tolist())


@contextmanager
def seeded_rng(seed: int | None) -> Iterator[None]:
    """Seeds the global generators of Python, NumPy and torch (CPU) inside, and restores their states afterwards.

    Args:
        seed: non-negative, below 2**63; None leaves the generators alone.
    """
    if seed is None:
        yield
        return
    states = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    try:
        random.seed(seed)
        np.random.seed(seed & 0xFFFFFFFF)
        torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.default_generator.set_state(states[2])
