"""One writer at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

from mmt2ireid.gallery.base import GalleryError
from mmt2ireid.io import locks


def take_lock(path: Path, gallery: Path) -> IO[str]:
    """Takes a writer's lock, which the system gives back when the file is closed or the process ends, however it ends.

    Args:
        path: the lock's own file; it stays.
        gallery: what it guards, for the message.

    Returns:
        The open file; closing it gives the lock back.

    Raises:
        GalleryError: somebody has it.
    """
    try:
        return locks.take_lock(path, gallery)
    except locks.LockedError as error:
        raise GalleryError(
            f'{gallery}: the gallery is open for writing already{f" in {error.owner}" if error.owner else ""}; close '
            'it there first (a folder can be read meanwhile, with read_only=True)'
        ) from error


def wait_for_record_lock(path: Path, seconds: float) -> bool:
    """Waits until no process holds a POSIX record lock on a file; False if one still does after so many seconds."""
    try:
        import fcntl

        file = open(path, 'a', encoding='utf-8')  # noqa: SIM115 (closed below)
    except (ImportError, OSError):
        return True
    with file:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            else:
                return True
