"""Worker processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any


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
