"""Processes that end with the one that started them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any

LAUNCHER_CHECK_S = 0.5
"""Seconds between two looks at whether the launcher is still there."""
_watched: list[int] = []


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """A pool whose workers start at once where they can be forked; a spawned one imports everything first.

    Args:
        workers: how many.
    """
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
    return ProcessPoolExecutor(workers, multiprocessing.get_context(method), initializer=end_with_parent)


def end_with_parent(*_: Any) -> None:
    """Called in a worker, ends it when the process that started it is gone.

    No Python does so: workers of a pool whose process was killed wait for work for ever. torch's data loader compares
    the parent's number, which says nothing where a fork server is the parent (Python 3.14's default).
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def end_with_launcher() -> None:
    """Ends this process, one of several ranks, when the launcher that started it is gone.

    A launcher that is killed cannot end its ranks: they would train to the end, and write into a folder that the next
    run writes into as well.
    """
    if not _watched:
        _watched.append(os.getppid())
        threading.Thread(target=_end_without, args=(_watched[0],), daemon=True).start()


def _end_without(launcher: int) -> None:
    never = threading.Event()
    while os.getppid() == launcher:
        never.wait(LAUNCHER_CHECK_S)
    with contextlib.suppress(OSError, ValueError):
        print('The launcher of this process is gone, so it ends.', file=sys.stderr, flush=True)
    os._exit(1)
