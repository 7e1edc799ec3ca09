"""Batches of P identities with K pairs each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mmt2ireid.datasets.samplers.group_sampler import GroupSampler
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class IdentitySampler(GroupSampler):
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
        super().__init__(num_pids, num_instances, seed)
        if num_pids < 1 or num_instances < 1:
            raise ValueError(f'num_pids and num_instances must be at least 1, but got {num_pids} and {num_instances}')
        pids = _pids_of(dataset)
        self._set_groups(pids)
        if self._groups_per_step > len(self._counts):
            raise ValueError(
                f'num_pids times the {self.world_size} ranks must be at most the {len(self._counts)} identities '
                f'of the dataset, but got {num_pids}'
            )
        self.num_steps = max(
            math.ceil(len(pids) / (self._groups_per_step * num_instances)),
            math.ceil(len(self._counts) / self._groups_per_step),
        )


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
