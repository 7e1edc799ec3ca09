"""One writer at a time: locks that the system gives back when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import warnings
from pathlib import Path
from typing import IO


class LockedError(BlockingIOError):
    """Another process writes what a lock guards.

    Args:
        guarded: what it is, for the message.
        owner: who has the lock, such as ``process 123``; '' if unknown.
    """

    def __init__(self, guarded: str | os.PathLike[str], owner: str = '') -> None:
        by = f' ({owner})' if owner else ''
        super().__init__(f'{os.fspath(guarded)}: another process{by} is writing there; wait until it has ended')
        self.guarded, self.owner = os.fspath(guarded), owner

    def __reduce__(self) -> tuple:
        return type(self), (self.guarded, self.owner)


def take_lock(path: Path, guarded: str | os.PathLike[str], *, shared: bool = False, patience: float = 0.0) -> IO[str]:
    """Take a lock.

    Where a system or a network file system has no locks, a warning says so, and the file is opened without one.

    Args:
        path: the lock's own file, in a folder that is there; it stays.
        guarded: what it guards, for messages.
        shared: a lock that several processes can have at the same time, though not beside one that is not shared.
        patience: seconds to wait for it; workers of a process that was killed have its lock until they have noticed.

    Returns:
        The open file; closing it gives the lock back.

    Raises:
        LockedError: another process has it.
    """
    file = open(path, 'a+', encoding='utf-8')  # noqa: SIM115 (it stays open)
    deadline = time.monotonic() + patience
    while not _is_taken(file, guarded, shared=shared):
        if time.monotonic() >= deadline:
            file.seek(0)
            owner = file.read(100).strip()
            file.close()
            raise LockedError(guarded, owner)
        time.sleep(0.05)
    if not shared:
        _sign(file)
    return file


def share_lock(file: IO[str], guarded: str | os.PathLike[str]) -> None:
    """Turn a lock into a shared one.

    Args:
        file: of :func:`take_lock`.
        guarded: as there.

    Raises:
        LockedError: another process has taken the lock just now.
    """
    if not _is_taken(file, guarded, shared=True):
        raise LockedError(guarded)


def _is_taken(file: IO[str], guarded: str | os.PathLike[str], *, shared: bool) -> bool:
    try:
        import fcntl

        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except ImportError:
        _warn(guarded, 'this system has no file locks')
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES):
            return False
        _warn(guarded, f'no file can be locked there ({error})')
    return True


def _sign(file: IO[str]) -> None:
    try:
        file.truncate(0)
        file.write(f'process {os.getpid()}')
        file.flush()
    except OSError:
        # A full disk: the lock would be held for as long as the error is kept.
        with contextlib.suppress(OSError):
            file.close()
        raise


def _warn(guarded: str | os.PathLike[str], reason: str) -> None:
    warnings.warn(f'{os.fspath(guarded)}: {reason}; let one program at a time write to it', stacklevel=4)
