"""What samplers of P groups with K members each share."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator

import numpy as np

from mmt2ireid.datasets.samplers.epoch_sampler import EpochSampler


class GroupSampler(EpochSampler, ABC):
    """Base of samplers whose every P * K consecutive indices of a rank are K items of each of P groups.

    In one step the groups are distinct over all ranks. The groups take turns: within an epoch each has its turn equally
    often, give or take one. A group goes through its items in random order before one comes again, so only those with
    fewer than K items repeat one within a batch.

    Args:
        groups_per_batch: P, groups per batch and rank.
        num_instances: K, items per group.
        seed: the same on all ranks; None draws one and shares it.
    """

    num_steps: int

    def __init__(self, groups_per_batch: int, num_instances: int, seed: int | None) -> None:
        super().__init__(seed)
        self.groups_per_batch, self.num_instances = groups_per_batch, num_instances
        self._groups_per_step = groups_per_batch * self.world_size

    def _set_groups(self, groups: np.ndarray, items: np.ndarray | None = None) -> None:
        """Sets the group (n,) of each item; ``items`` (n,) are their numbers, 0..n-1 by default."""
        order = np.argsort(groups, kind='stable')
        self._by_group = order if items is None else items[order]
        _, self._starts, self._counts = np.unique(groups[order], return_index=True, return_counts=True)

    def _draw_turns(self, rng: np.random.Generator) -> np.ndarray:
        """Groups in the order of their turns, (num_steps, groups_per_step), distinct within a step."""
        return take_turns(self._rounds(rng), self.num_steps, self._groups_per_step)

    def _rounds(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Groups that have their turn before any has a second one, round after round, without end."""
        while True:
            yield rng.permutation(len(self._counts))

    def _draw_items(self) -> np.ndarray:
        """Items of the epoch, (num_steps, groups_per_step, num_instances)."""
        rng = self._rng()
        turns = self._draw_turns(rng)
        shuffled = self._shuffle_within_groups(rng)
        offsets = occurrence(turns.ravel()).reshape(turns.shape)[..., None] * self.num_instances
        offsets = offsets + np.arange(self.num_instances)
        return shuffled[self._starts[turns][..., None] + offsets % self._counts[turns][..., None]]

    def _rank_part(self) -> tuple[np.ndarray, np.ndarray]:
        indices = self._draw_items()
        positions = np.arange(indices.size).reshape(indices.shape)
        mine = slice(self.rank * self.groups_per_batch, (self.rank + 1) * self.groups_per_batch)
        return indices[:, mine].ravel(), positions[:, mine].ravel()

    def _shuffle_within_groups(self, rng: np.random.Generator) -> np.ndarray:
        groups = np.repeat(np.arange(len(self._counts)), self._counts)
        return self._by_group[np.lexsort((rng.random(len(groups)), groups))]

    def __len__(self) -> int:
        return self.num_steps * self.groups_per_batch * self.num_instances


def take_turns(rounds: Iterator[np.ndarray], num_steps: int, per_step: int) -> np.ndarray:
    """Joins rounds into steps.

    Args:
        rounds: distinct numbers, at least ``per_step`` of them, in random order.
        num_steps: steps to fill.
        per_step: numbers in a step.

    Returns:
        (num_steps, per_step), distinct within a step.
    """
    total = num_steps * per_step
    turns: np.ndarray = np.zeros(0, dtype=np.int64)
    while len(turns) < total:
        order = next(rounds)
        # The step that this round completes holds the last groups of the round before: they come later in it.
        begun = turns[len(turns) - len(turns) % per_step :]
        num_missing = per_step - len(begun)
        first = order[~np.isin(order, begun)][:num_missing]
        turns = np.concatenate([turns, first, order[~np.isin(order, first)]])
    return turns[:total].reshape(num_steps, per_step)


def occurrence(values: np.ndarray) -> np.ndarray:
    """How often each entry's value has occurred before it."""
    order = np.argsort(values, kind='stable')
    ordered = values[order]
    is_first = np.r_[True, ordered[1:] != ordered[:-1]]
    run_starts = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    occurrence = np.empty(len(values), dtype=np.int64)
    occurrence[order] = np.arange(len(values)) - run_starts
    return occurrence
