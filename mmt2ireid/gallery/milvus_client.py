"""Connecting to Milvus: a file of milvus-lite or a server, and errors in words."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from mmt2ireid.compat import import_milvus_lite, keep_log_files
from mmt2ireid.gallery.base import GalleryError
from mmt2ireid.gallery.locks import take_lock, wait_for_record_lock

TOKEN_VARIABLE = 'MILVUS_TOKEN'
DEFAULT_COLLECTION = 'mmt2ireid'
CONNECT_SECONDS = 5.0
_LITE_NAME = re.compile(r'[a-zA-Z0-9._-]{1,35}')
_COLLECTION = re.compile(r'[a-zA-Z_]\w{0,254}', re.ASCII)
_FILE = re.compile(r'(.*\.db)(?:#([^#/]*))?', re.DOTALL)
_SQLITE = b'SQLite format 3\0'
_LOCKS: dict[str, IO[str]] = {}
_QUIET = threading.Lock()
_LEVELS: list[int] = []


@dataclass(frozen=True)
class Place:
    """Where a Milvus gallery lies.

    Attributes:
        uri: what pymilvus connects to.
        collection: name of the collection.
        file: the milvus-lite file; None for a server.
        label: the place without passwords, for messages.
    """

    uri: str
    collection: str
    file: Path | None
    label: str

    @classmethod
    def parse(cls, place: str | Path) -> Place:
        """Reads ``NAME.db`` or ``http://host:port``, with ``#collection`` behind it or not.

        Raises:
            ValueError: a place that Milvus cannot be at.
        """
        match = None if '://' in str(place) else _FILE.fullmatch(str(place))
        address, collection = match.groups() if match else str(place).partition('#')[::2]
        collection = collection or DEFAULT_COLLECTION
        if not _COLLECTION.fullmatch(collection):
            raise ValueError(
                f'{_shown(address)}: the name of a collection must begin with a letter and have letters, digits and _ '
                f'only, but got {collection!r}'
            )
        if '://' not in address:
            file = Path(address).absolute()
            if file.suffix != '.db' or not _LITE_NAME.fullmatch(file.name):
                raise ValueError(
                    f'{file}: the name of a milvus-lite file must end in .db and have at most 35 letters, digits and '
                    f'any of ._-, but got {file.name!r}'
                )
            return cls(str(file), collection, file, str(file))
        parts = urlsplit(address)
        try:
            good = parts.scheme in ('http', 'https', 'tcp') and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            raise ValueError(f'{_shown(address)}: the address of a Milvus server must look like http://localhost:19530')
        return cls(address, collection, None, f'{_shown(address)}#{collection}')


def is_file_place(place: str | Path) -> bool:
    """Whether a place is that of a milvus-lite file: ``NAME.db``, with ``#collection`` behind it or not."""
    return _FILE.fullmatch(str(place)) is not None


def connect(place: Place) -> Any:
    """A connected ``MilvusClient``.

    Raises:
        ImportError: pymilvus or milvus-lite is missing, or milvus-lite is of a version that will not do.
        GalleryError: nothing answers, or the file is open elsewhere.
    """
    try:
        with keep_log_files():
            import pymilvus
    except ImportError as error:
        raise ImportError("a Milvus gallery needs pymilvus: pip install 'mmt2ireid[gallery]'") from error
    if place.file is not None:
        return _open_file(place, pymilvus)
    with errors_in_words(place, 'connecting to'), quiet():
        return pymilvus.MilvusClient(
            place.uri, token=os.environ.get(TOKEN_VARIABLE, ''), timeout=CONNECT_SECONDS, dedicated=True
        )


def disconnect(client: Any, place: Place) -> None:
    """Closes a client, and stops the milvus-lite process behind it."""
    with contextlib.suppress(Exception):
        client.close()
    if place.file is not None:
        with contextlib.suppress(Exception):
            _lite().release_server(place.uri)
        lock = _LOCKS.pop(place.uri, None)
        if lock is not None:
            lock.close()


@contextlib.contextmanager
def errors_in_words(place: Place, doing: str) -> Iterator[None]:
    """Turns what pymilvus raises into GalleryErrors that say where and what."""
    import grpc
    from pymilvus.exceptions import MilvusException

    try:
        with quiet():
            yield
    except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
        if isinstance(error, grpc.FutureTimeoutError) or 'DEADLINE_EXCEEDED' in str(error):
            raise GalleryError(
                f'{place.label}: {doing} Milvus took too long: it was given up. Ask for fewer crops at a time (top_k, '
                'or queries), or give Milvus more memory and processors'
            ) from error
        what = getattr(error, 'message', '') or str(error) or type(error).__name__
        raise GalleryError(f'{place.label}: {doing} Milvus failed: {" ".join(what.split())[:500]}') from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps pymilvus from logging what is raised and said in words anyway, in any number of threads."""
    logger = logging.getLogger('pymilvus')
    with _QUIET:
        _LEVELS.append(logger.level)
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        with _QUIET:
            # The first to come has seen the level that is to be there when the last has gone.
            level = _LEVELS.pop()
            if not _LEVELS:
                logger.setLevel(level)


def _open_file(place: Place, pymilvus: ModuleType) -> Any:
    assert place.file is not None
    if not place.file.parent.is_dir():
        raise GalleryError(f'{place.file}: the folder {place.file.parent} must be there, but is not')
    if not _may_be_lite(place.file):
        raise GalleryError(f'{place.file}: expected a file of milvus-lite 2.5, but got something else')
    manager = _lite()
    # milvus-lite's own lock does not keep others out: whoever is refused by it deletes its file.
    lock = take_lock(place.file.with_name(f'{place.file.name}.lock'), place.file)
    try:
        # The milvus-lite of a program that was killed goes on until it has noticed, and holds its lock until then.
        if not wait_for_record_lock(place.file.with_name(f'.{place.file.name}.lock'), CONNECT_SECONDS):
            raise GalleryError(f'{place.file}: another milvus-lite has the file open; end the program that started it')
        with quiet(), errors_in_words(place, 'opening'):
            client = pymilvus.MilvusClient(place.uri, timeout=CONNECT_SECONDS, dedicated=True)
    except BaseException:
        with contextlib.suppress(Exception):
            manager.release_server(place.uri)
        lock.close()
        raise
    _LOCKS[place.uri] = lock
    return client


def _may_be_lite(file: Path) -> bool:
    """Whether a file is not there yet, empty, or begins as milvus-lite's files do: they are SQLite's."""
    if not file.exists():
        return True
    if not file.is_file():
        return False
    with file.open('rb') as opened:
        return opened.read(len(_SQLITE)) in (_SQLITE, b'')


def _lite() -> Any:
    """milvus-lite's server manager.

    Raises:
        ImportError: it is missing, or has another version.
    """
    try:
        version = importlib.metadata.version('milvus-lite')
    except importlib.metadata.PackageNotFoundError as error:
        raise ImportError(
            "a gallery in a .db file needs milvus-lite: pip install 'mmt2ireid[gallery]' (a folder does without)"
        ) from error
    if not version.startswith('2.5.'):
        # 3.0 to 3.2 are another program in Python: a query on 20,000 crops takes it seconds, and `in` fails on JSON.
        raise ImportError(
            f"a gallery in a .db file needs milvus-lite 2.5, but {version} is installed: pip install 'milvus-lite<3'"
        )
    import_milvus_lite()
    from milvus_lite.server_manager import server_manager_instance

    return server_manager_instance


def _shown(address: str) -> str:
    """An address without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))
