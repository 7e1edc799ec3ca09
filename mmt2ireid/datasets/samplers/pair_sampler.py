"""All items of a dataset, once each per epoch."""

from __future__ import annotations

import math
from collections.abc import Sized

import numpy as np

from mmt2ireid.datasets.samplers.epoch_sampler import EpochSampler
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PairSampler(EpochSampler):
    """Random (or ordered) pairs; item and seed at a place of the epoch do not depend on the number of ranks.

    Args:
        dataset: what to sample from.
        shuffle: another order in each epoch; False keeps the dataset's.
        seed: the same on all ranks; None draws one and shares it.
        round_up: repeat items from the start so that every rank has the same number. False gives the last ranks one
            less where it does not come out even (for testing on a single process only).
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = 0, round_up: bool = True) -> None:
        super().__init__(seed)
        self.shuffle = shuffle
        self._num_items = len(dataset)
        if not self._num_items:
            raise ValueError('dataset must hold at least one item, but it is empty')
        self._total = math.ceil(self._num_items / self.world_size) * self.world_size if round_up else self._num_items

    def _rank_part(self) -> tuple[np.ndarray, np.ndarray]:
        order = self._rng().permutation(self._num_items) if self.shuffle else np.arange(self._num_items)
        positions = np.arange(self.rank, self._total, self.world_size)
        return order[positions % self._num_items], positions

    def __len__(self) -> int:
        return len(range(self.rank, self._total, self.world_size))
