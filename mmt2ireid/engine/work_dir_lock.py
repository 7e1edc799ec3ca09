"""One training at a time writes to a work dir."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mmt2ireid.io.locks import LockedError, take_lock

LOCK = '.training.lock'
WAIT_S = 3.0
"""Seconds in which the ranks of a killed launcher end (see :func:`mmt2ireid.compat.end_with_launcher`)."""
_held: dict[str, IO[str]] = {}


@contextmanager
def only_training(work_dir: str | os.PathLike, *, is_main: bool = True) -> Iterator[None]:
    """Inside, no other training can write to the work dir; evaluations can.

    Args:
        work_dir: it is made if it is not there.
        is_main: whether this process is the one that writes. Default: yes; of several ranks the first.

    Raises:
        ValueError: another training writes to it.
    """
    folder = os.path.realpath(work_dir)
    if not is_main or folder in _held:
        yield
        return
    os.makedirs(folder, exist_ok=True)
    try:
        _held[folder] = take_lock(Path(folder, LOCK), work_dir, patience=WAIT_S)
    except LockedError as error:
        raise ValueError(
            f'work_dir must be of one training at a time, but another one{f" ({error.owner})" if error.owner else ""} '
            f'writes to {work_dir}: wait for it, or give another --work-dir'
        ) from error
    try:
        yield
    finally:
        _held.pop(folder).close()


def _let_go() -> None:
    """In a forked process, such as a worker of a data loader, which may outlive a training that is killed."""
    for file in _held.values():
        with contextlib.suppress(OSError):
            file.close()
    _held.clear()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_let_go)
