"""All items of a dataset, once each per epoch."""

from __future__ import annotations

import math
from collections.abc import Sized

import numpy as np

from mmt2ireid.datasets.samplers.epoch_sampler import EpochSampler
from mmt2ireid.datasets.shares import shares_of
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PairSampler(EpochSampler):
    """Random (or ordered) pairs; item and seed at a place of the epoch do not depend on the number of ranks.

    Of a dataset with :class:`~mmt2ireid.datasets.shares.Shares`, such as ``WeightedConcat``, an epoch has as many pairs
    of each set as its weight says.

    Args:
        dataset: what to sample from.
        shuffle: another order in each epoch; False keeps the dataset's.
        seed: the same on all ranks; None draws one and shares it.
        round_up: repeat items from the start so that every rank has the same number. False gives the last ranks one
            less where it does not come out even (for testing on a single process only).

    Raises:
        ValueError: the dataset is empty, or has weights and is not to be shuffled.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = 0, round_up: bool = True) -> None:
        super().__init__(seed)
        self.shuffle = shuffle
        self._shares = shares_of(dataset)
        if self._shares is not None and not shuffle:
            raise ValueError('shuffle must be True for a dataset with weights, but got False')
        self._num_items = len(dataset) if self._shares is None else self._shares.total
        if not self._num_items:
            raise ValueError('dataset must hold at least one item, but it is empty')
        self._total = math.ceil(self._num_items / self.world_size) * self.world_size if round_up else self._num_items

    def _rank_part(self) -> tuple[np.ndarray, np.ndarray]:
        order = self._rng().permutation(self._num_items) if self.shuffle else np.arange(self._num_items)
        if self._shares is not None:
            order = self._shares.draw(self.seed, self.epoch)[order]
        positions = np.arange(self.rank, self._total, self.world_size)
        return order[positions % self._num_items], positions

    def __len__(self) -> int:
        return len(range(self.rank, self._total, self.world_size))
