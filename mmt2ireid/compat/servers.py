"""Milvus and the web server, beside today's setuptools and the logs of others."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


def import_milvus_lite() -> None:
    """Imports milvus-lite 2.5, which asks pkg_resources for its own version; setuptools 82 has none any more.

    Retired by the release that asks importlib.metadata, or by requiring milvus-lite 3.
    """
    lent = 'milvus_lite' not in sys.modules and importlib.util.find_spec('pkg_resources') is None
    if lent:
        stand_in: Any = ModuleType('pkg_resources')
        stand_in.DistributionNotFound = importlib.metadata.PackageNotFoundError
        stand_in.get_distribution = importlib.metadata.distribution
        sys.modules['pkg_resources'] = stand_in
    try:
        importlib.import_module('milvus_lite')
    finally:
        if lent:
            del sys.modules['pkg_resources']


@contextmanager
def keep_log_files() -> Iterator[None]:
    """Inside, ``logging.config.dictConfig`` leaves alone the handlers that stand: it closes those of all others.

    MMEngine's loggers write to files that are not opened again once they are closed: what a training or an evaluation
    logs after pymilvus was imported, or after a page was shown, would be lost, and building a model would raise.
    Retired by the releases of pymilvus and uvicorn that configure their own loggers only.
    """
    named, handlers = dict(logging._handlers), logging._handlerList[:]  # type: ignore[attr-defined]
    logging._handlers.clear()  # type: ignore[attr-defined]
    logging._handlerList.clear()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        logging._handlers.update(named)  # type: ignore[attr-defined]
        logging._handlerList[:0] = handlers  # type: ignore[attr-defined]
