"""A counter that the worker processes of a data loader share."""

from __future__ import annotations

import torch
from torch.utils.data import get_worker_info

_NUM_SLOTS = 256


class Tally:
    """Counts events in this process and its data-loading workers.

    Every worker adds to a slot of its own in shared memory, so nothing is lost without a lock.
    """

    def __init__(self) -> None:
        self._slots = torch.zeros(_NUM_SLOTS, dtype=torch.int64).share_memory_()

    def add(self, number: int = 1) -> int:
        """Counts events.

        Args:
            number: how many.

        Returns:
            What this process has counted before, so that the caller can report the first few only.
        """
        worker = get_worker_info()
        slot = 0 if worker is None else 1 + worker.id % (_NUM_SLOTS - 1)
        before = int(self._slots[slot])
        self._slots[slot] = before + number
        return before

    @property
    def total(self) -> int:
        """Events counted by all processes."""
        return int(self._slots.sum())

    def __deepcopy__(self, memo: dict) -> Tally:
        # A copy of a dataset goes on counting in the same place; a copy of the tensor would not be shared.
        return self
