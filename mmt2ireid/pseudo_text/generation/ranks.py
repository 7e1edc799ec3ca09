"""Several processes, on one machine or many, that share the work and meet only at its beginning and end."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

# The ranks meet again when the slowest is done; over ten million images that may take days.
_TIMEOUT = datetime.timedelta(days=30)


class LeadingRankError(ValueError):
    """Raised by the other ranks when rank 0 refuses to go on; it has told why itself."""


class Ranks:
    """This process among those that share the work; a context manager, in which they can wait for each other.

    Only a word of agreement is ever exchanged (by gloo, on CPUs): what the ranks make meets on the file system, which
    they must share.

    Args:
        rank: number of this process, from 0.
        world_size: number of processes.
        local_rank: number of this process on its machine.

    Raises:
        ValueError: the rank is not below the number of processes.
    """

    def __init__(self, rank: int = 0, world_size: int = 1, local_rank: int = 0) -> None:
        if not 0 <= rank < world_size:
            raise ValueError(f'rank must be at least 0 and below world_size = {world_size}, but got {rank}')
        self.rank, self.world_size, self.local_rank = rank, world_size, local_rank
        self._group: Any = None
        self._is_owner = False

    @classmethod
    def from_environment(cls) -> Ranks:
        """As torchrun says in RANK, WORLD_SIZE and LOCAL_RANK; a single process without it.

        Raises:
            ValueError: one of them is no number.
        """
        numbers = {}
        for name, default in (('RANK', 0), ('WORLD_SIZE', 1), ('LOCAL_RANK', 0)):
            try:
                numbers[name] = int(os.environ.get(name, default))
            except ValueError as error:
                raise ValueError(f'environment variable {name} must be an integer: {error}') from error
        return cls(numbers['RANK'], numbers['WORLD_SIZE'], numbers['LOCAL_RANK'])

    def __enter__(self) -> Ranks:
        if self.world_size > 1:
            from torch import distributed

            if distributed.is_initialized():
                self._group = distributed.new_group(backend='gloo', timeout=_TIMEOUT)
            else:
                distributed.init_process_group('gloo', rank=self.rank, world_size=self.world_size, timeout=_TIMEOUT)
                self._is_owner = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_owner:
            from torch import distributed

            distributed.destroy_process_group()
        self._group, self._is_owner = None, False

    def lead(self, action: Callable[[], None]) -> None:
        """Rank 0 does something while the others wait.

        Raises:
            Exception: what the action raised, in rank 0.
            LeadingRankError: the action failed; in the other ranks.
        """
        failure: Exception | None = None
        if self.rank == 0:
            try:
                action()
            except Exception as error:
                failure = error
        reason = self._tell(None if failure is None else str(failure))
        if failure is not None:
            raise failure
        if reason is not None:
            raise LeadingRankError(f'rank 0 cannot go on: {reason}')

    def _tell(self, message: str | None) -> str | None:
        if self.world_size == 1:
            return message
        from torch import distributed

        box = [message]
        distributed.broadcast_object_list(box, src=0, group=self._group)
        return box[0]

    def wait(self) -> None:
        """Returns when every rank has called it."""
        if self.world_size > 1:
            from torch import distributed

            distributed.barrier(group=self._group)
