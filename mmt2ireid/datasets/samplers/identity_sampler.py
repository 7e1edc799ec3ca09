"""Batches of P identities with K pairs each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mmt2ireid.datasets.samplers.group_sampler import GroupSampler, take_turns
from mmt2ireid.datasets.shares import Shares, shares_of
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class IdentitySampler(GroupSampler):
    """Every P * K consecutive indices of a rank are K pairs of each of P identities.

    Use it with ``batch_size = num_pids * num_instances``. In one step the identities are distinct over all ranks. The
    identities take turns: within an epoch each has its turn equally often, give or take one, and at least once. An
    identity goes through its pairs in random order before one comes again, so only those with fewer than K pairs
    repeat one within a batch. An epoch is as long as it takes to show as many pairs as there are, and every identity.

    Of a dataset with :class:`~mmt2ireid.datasets.shares.Shares`, such as ``WeightedConcat``, the identities of the set
    with the largest weight take turns like that; those of a set with half of that weight have about half as many turns
    each. An epoch shows as many pairs as the weights say.

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
        pids, shares = _pids_of(dataset), shares_of(dataset)
        self._set_groups(pids)
        self._sets = _share_turns(self._by_group[self._starts], shares)
        self._per_round = sum(num_turns for _, num_turns in self._sets)
        if self._groups_per_step > self._per_round:
            raise ValueError(
                f'num_pids times the {self.world_size} ranks must be at most the {self._per_round} identities '
                f'of the dataset{" that have their turn in a round" if shares else ""}, but got {num_pids}'
            )
        num_pairs = len(pids) if shares is None else shares.total
        self.num_steps = max(
            math.ceil(num_pairs / (self._groups_per_step * num_instances)),
            math.ceil(self._per_round / self._groups_per_step),
        )

    def _rounds(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        if len(self._sets) == 1:
            yield from super()._rounds(rng)
        num_rounds = math.ceil(self.num_steps * self._groups_per_step / self._per_round)
        turns = [members[take_turns(_orders(rng, len(members)), num_rounds, n)] for members, n in self._sets]
        for number in range(num_rounds):
            yield rng.permutation(np.concatenate([part[number] for part in turns]))


def _share_turns(first_items: np.ndarray, shares: Shares | None) -> list[tuple[np.ndarray, int]]:
    """The groups of each set, and how many of them have their turn in a round; one set where there are no shares."""
    if shares is None:
        return [(np.arange(len(first_items)), len(first_items))]
    set_of, largest = shares.set_of(first_items), max(shares.weights)
    members = [np.flatnonzero(set_of == number) for number in range(len(shares.sizes))]
    return [(part, max(1, round(w / largest * len(part)))) for part, w in zip(members, shares.weights, strict=True)]


def _orders(rng: np.random.Generator, size: int) -> Iterator[np.ndarray]:
    while True:
        yield rng.permutation(size)


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
