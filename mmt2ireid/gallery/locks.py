"""One writer at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import warnings
from pathlib import Path
from typing import IO

from mmt2ireid.gallery.base import GalleryError


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
    file = open(path, 'a+', encoding='utf-8')  # noqa: SIM115 (it stays open)
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        warnings.warn(f'{gallery}: this system has no file locks; let one program at a time write to it', stacklevel=3)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES):
            # Some network file systems have no locks; that is not somebody else's lock.
            warnings.warn(
                f'{gallery}: no file can be locked there ({error}); let one program at a time write to it', stacklevel=3
            )
            return file
        file.seek(0)
        owner = file.read(100).strip()
        file.close()
        raise GalleryError(
            f'{gallery}: the gallery is open for writing already{f" in {owner}" if owner else ""}; close it there '
            f'first (a folder can be read meanwhile, with read_only=True)'
        ) from error
    try:
        file.truncate(0)
        file.write(f'process {os.getpid()}')
        file.flush()
    except OSError:
        # A full disk: the lock would be held for as long as the error is kept.
        with contextlib.suppress(OSError):
            file.close()
        raise
    return file


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
