"""Batches of P identities with K pairs each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mmt2ireid.datasets.samplers.epoch_sampler import EpochSampler
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class IdentitySampler(EpochSampler):
    """Every P * K consecutive indices of a rank are K pairs of each of P identities.

    Use it with ``batch_size = num_pids * num_instances``. In one step the identities are distinct over all ranks. The
    identities take turns: within an epoch each has its turn equally often, give or take one, and at least once. An
    identity goes through its pairs in random order before one comes again, so only those with fewer than K pairs
    repeat one within a batch. An epoch is as long as it takes to show as many pairs as there are, and every identity.

    Args:
        dataset: with ``pids``, an integer array with the identity of every item.
        num_pids: P, identities per batch and rank.
        num_instances: K, pairs per identity.
        seed: the same on all ranks; None draws one and shares it.

    Raises:
        ValueError: the dataset has no (or unknown) identities, or too few of them for one step.
    """

    def __init__(self, dataset: Any, *, num_pids: int, num_instances: int, seed: int | None = 0) -> None:
        super().__init__(seed)
        if num_pids < 1 or num_instances < 1:
            raise ValueError(f'num_pids and num_instances must be at least 1, but got {num_pids} and {num_instances}')
        self.num_pids, self.num_instances = num_pids, num_instances
        pids = _pids_of(dataset)
        self._by_pid = np.argsort(pids, kind='stable')
        _, self._starts, self._counts = np.unique(pids[self._by_pid], return_index=True, return_counts=True)
        self._ids_per_step = num_pids * self.world_size
        if self._ids_per_step > len(self._counts):
            raise ValueError(
                f'num_pids times the {self.world_size} ranks must be at most the {len(self._counts)} identities '
                f'of the dataset, but got {num_pids}'
            )
        self.num_steps = max(
            math.ceil(len(pids) / (self._ids_per_step * num_instances)),
            math.ceil(len(self._counts) / self._ids_per_step),
        )

    def _draw_turns(self, rng: np.random.Generator) -> np.ndarray:
        """Identities in the order of their turns, (num_steps, ids_per_step), distinct within a step."""
        total = self.num_steps * self._ids_per_step
        turns: np.ndarray = np.zeros(0, dtype=np.int64)
        while len(turns) < total:
            order = rng.permutation(len(self._counts))
            # The step that this round completes holds the last identities of the round before: they come later in it.
            begun = turns[len(turns) - len(turns) % self._ids_per_step :]
            num_missing = self._ids_per_step - len(begun)
            first = order[~np.isin(order, begun)][:num_missing]
            turns = np.concatenate([turns, first, order[~np.isin(order, first)]])
        return turns[:total].reshape(self.num_steps, self._ids_per_step)

    def _rank_part(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self._rng()
        turns = self._draw_turns(rng)
        shuffled = self._shuffle_within_identities(rng)
        offsets = _occurrence(turns.ravel()).reshape(turns.shape)[..., None] * self.num_instances
        offsets = offsets + np.arange(self.num_instances)
        indices = shuffled[self._starts[turns][..., None] + offsets % self._counts[turns][..., None]]
        positions = np.arange(indices.size).reshape(indices.shape)
        mine = slice(self.rank * self.num_pids, (self.rank + 1) * self.num_pids)
        return indices[:, mine].ravel(), positions[:, mine].ravel()

    def _shuffle_within_identities(self, rng: np.random.Generator) -> np.ndarray:
        groups = np.repeat(np.arange(len(self._counts)), self._counts)
        return self._by_pid[np.lexsort((rng.random(len(groups)), groups))]

    def __len__(self) -> int:
        return self.num_steps * self.num_pids * self.num_instances


def _occurrence(values: np.ndarray) -> np.ndarray:
    """How often each entry's value has occurred before it."""
    order = np.argsort(values, kind='stable')
    ordered = values[order]
    is_first = np.r_[True, ordered[1:] != ordered[:-1]]
    run_starts = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    occurrence = np.empty(len(values), dtype=np.int64)
    occurrence[order] = np.arange(len(values)) - run_starts
    return occurrence


def _pids_of(dataset: Any) -> np.ndarray:
    pids = getattr(dataset, 'pids', None)
    if pids is None:
        raise ValueError(f'dataset must have pids, the identity of every item, but {type(dataset).__name__} has none')
    # MMEngine's num_batch_per_epoch wraps the dataset into a shorter one.
    pids = np.asarray(pids)[: len(dataset)]
    num_unknown = int((pids < 0).sum())
    if num_unknown or not len(pids):
        raise ValueError(f'dataset must know the identity of every item, but {num_unknown} of {len(pids)} are unknown')
    return pids
