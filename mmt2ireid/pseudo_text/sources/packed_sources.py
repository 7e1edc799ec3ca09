"""Images packed into an LMDB or into tar files."""

from __future__ import annotations

import logging
import os
import posixpath
import tarfile
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmt2ireid.io.folder_scan import PassedOver
from mmt2ireid.io.image_files import BadImageError, raise_if_outage
from mmt2ireid.io.image_formats import FORMATS, HEAD_BYTES, SUFFIXES, sniff_format, why_no_image
from mmt2ireid.io.paths import NOT_TEXT, is_text, shown_path
from mmt2ireid.pseudo_text.sources.image_source import (
    IdTable,
    ImageSource,
    check_size,
    file_stamp,
    texts_of,
)

logger = logging.getLogger(__name__)

# An LMDB may be open once per process, whoever asks: path -> (process, environment).
_environments: dict[str, tuple[int, Any]] = {}
_COMPRESSED = {b'\x1f\x8b': 'gzip', b'BZh': 'bzip2', b'\xfd7zXZ': 'xz', b'\x28\xb5\x2f\xfd': 'zstd'}
_BLOCK = 512  # bytes of a tar header


class LMDBSource(ImageSource):
    """An LMDB from key to encoded image, in the order of its keys.

    It is read without a lock, so nobody must write it meanwhile. Keys such as ``__len__`` and ``__keys__``, which some
    tools add (often as pickles), are no images and left out; keys that are not UTF-8 are in ``left_out``.

    Args:
        path: folder of the LMDB, or its file.

    Raises:
        ImportError: lmdb is not installed.
        ValueError: it is no LMDB, or it is empty.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.where = os.fspath(path)
        self.left_out: list[tuple[str, str]] = []
        self._stamp = file_stamp(os.path.join(self.where, 'data.mdb') if os.path.isdir(self.where) else self.where)
        with _environment(self.where).begin() as transaction:
            self._ids = IdTable(self._keys(transaction), self.where)

    def _keys(self, transaction: Any) -> Iterator[str]:
        for key in transaction.cursor().iternext(keys=True, values=False):
            if key.startswith(b'__') and key.endswith(b'__'):
                logger.info('%s: left out the key %r, which is no image', self.where, key)
                continue
            yield from texts_of([key.decode(errors='surrogateescape')], self.left_out)

    def stamp(self, index: int) -> tuple[int, int]:
        """Size and time of change of the LMDB."""
        return self._stamp

    def read(self, index: int) -> bytes:
        """The value of a key."""
        with _environment(self.where).begin(buffers=True) as transaction:
            name = self.id_of(index)
            value = transaction.get(name.encode())
            if value is None:
                raise BadImageError(name, 'is no longer in the LMDB')
            check_size(len(value), name)
            return bytes(value)


def _environment(path: str) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise ImportError(f"{path}: reading an LMDB needs lmdb: pip install 'mmt2ireid[lmdb]'") from error
    real = os.path.realpath(path)
    process, environment = _environments.get(real, (-1, None))
    if process != os.getpid():
        if environment is not None:
            environment.close()  # the parent's; LMDB must not be used across a fork
        try:
            # Read ahead would fetch what a random access does not want.
            environment = lmdb.open(
                real, subdir=os.path.isdir(real), readonly=True, lock=False, create=False, readahead=False
            )
        except lmdb.Error as error:
            raise ValueError(f'{path}: expected an LMDB, but: {error}') from error
        _environments[real] = (os.getpid(), environment)
    return environment


class TarSource(ImageSource):
    """The images in one or several tar files, in the order of the files and of their members.

    Where each member begins is found out once; then images are read directly, from any process. What is an image is
    judged as in a folder, by the usual endings or else by the content; the number of other members is logged.

    Args:
        files: paths of the tar files, which must not be compressed.

    Raises:
        ValueError: a file is compressed, damaged or no tar, there is no image, or two have the same name.
        OSError: a file cannot be read.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = list(files)
        self.where = ', '.join(self._files)
        self.left_out: list[tuple[str, str]] = []
        self._stamps = [file_stamp(file) for file in self._files]
        self._passed_over = PassedOver()
        places = array('q')
        self._ids = IdTable(self._members(places), self.where if len(files) < 4 else f'{len(files)} tar files')
        self._places = np.array(places, dtype=np.int64).reshape(-1, 3)  # number of the file, first byte, bytes
        if self._passed_over.total:
            logger.info('%s: passed over %s', self.where, self._passed_over)
        del self._passed_over

    def _members(self, places: array) -> Iterator[str]:
        for number, file in enumerate(self._files):
            for member in _tar_members(file):
                # As tar itself unpacks it: never above the folder that the others are in.
                name = posixpath.normpath('/' + member.name).lstrip('/')
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    self._passed_over.add(name, 'links and the like')
                elif not is_text(name):
                    self.left_out.append((shown_path(name), NOT_TEXT))
                elif self._is_image(name, file, member):
                    places.extend((number, member.offset_data, member.size))
                    yield name

    def _is_image(self, name: str, file: str, member: tarfile.TarInfo) -> bool:
        """Judges as :class:`~mmt2ireid.io.folder_scan.FolderWalk` does: by the usual endings, or by the content."""
        if posixpath.splitext(name)[1].lower() in SUFFIXES:
            return True
        with open(file, 'rb', buffering=0) as stream:
            stream.seek(member.offset_data)
            head = stream.read(min(HEAD_BYTES, member.size))
        kind = sniff_format(head)
        if kind and kind not in FORMATS:
            self.left_out.append((name, why_no_image(head)))
        elif not kind:
            self._passed_over.add(name)
        return kind in FORMATS

    def stamp(self, index: int) -> tuple[int, int]:
        """Size of a member, and time of change of the tar file."""
        number, _, size = map(int, self._places[index])
        return size, self._stamps[number][1]

    def read(self, index: int) -> bytes:
        """The content of a member."""
        name = self.id_of(index)
        number, start, size = map(int, self._places[index])
        check_size(size, name)
        try:
            with open(self._files[number], 'rb', buffering=0) as file:
                file.seek(start)
                content = file.read(size)
        except OSError as error:
            raise_if_outage(error)
            raise BadImageError(name, f'cannot be read ({error.strerror or error})') from error
        if len(content or b'') != size:
            raise BadImageError(name, f'is cut short: {self._files[number]} ends within it')
        return content


def _tar_members(file: str) -> Iterator[tarfile.TarInfo]:
    with open(file, 'rb') as stream:
        head = stream.read(8)
        for magic, name in _COMPRESSED.items():
            if head.startswith(magic):
                raise ValueError(f'{file} must be a plain tar, but is compressed with {name}, which allows no random '
                                 'access: unpack that first')  # fmt: skip
        stream.seek(0)
        try:
            with tarfile.open(fileobj=stream, mode='r:') as tar:
                while (member := tar.next()) is not None:
                    yield member
                    tar.members = []  # type: ignore[attr-defined]  # it would keep a kilobyte for each
                end = tar.offset
        except (tarfile.TarError, OSError) as error:
            raise ValueError(f'{file} must be a complete tar, but: {error}') from error
        # tarfile takes a damaged or cut header for the end.
        stream.seek(end)
        if stream.read(_BLOCK).strip(b'\0'):
            raise ValueError(f'{file} must be a complete tar, but is damaged or cut short at byte {end}')
