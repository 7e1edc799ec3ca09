"""What every source of images has: names in a fixed order, and bytes on request."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from mmt2ireid.io.image_files import BadImageError, ImageLimits, raise_if_outage
from mmt2ireid.io.paths import NOT_TEXT, is_text, shown_path

MAX_BYTES = ImageLimits().max_bytes
"""Bytes of an encoded image; what is larger is no crop of a person and is not read."""
UnreadableImageError = BadImageError
"""The error of images under the name that sources give it."""


class IdTable:
    """Unique names of images in a fixed order, held in one piece of memory.

    A name takes its UTF-8 bytes and eight more, so ten million names of 40 letters take half a gigabyte (twice that
    as Python strings), which forked workers share.

    Args:
        ids: the names.
        where: where they are from, for messages.

    Raises:
        ValueError: there are none, or one is empty, not Unicode, or there twice.
    """

    def __init__(self, ids: Iterable[str], where: str) -> None:
        self._blob = bytearray()
        offsets, hashes = array('q', [0]), array('q')
        for name in ids:
            encoded = _encode(name, where)
            self._blob += encoded
            offsets.append(len(self._blob))
            hashes.append(hash(encoded))
        self._offsets = np.array(offsets, dtype=np.int64)
        if not len(self):
            raise ValueError(f'{where}: must hold at least one image, but there is none')
        self._refuse_duplicates(np.array(hashes, dtype=np.int64), where)

    def _refuse_duplicates(self, hashes: np.ndarray, where: str) -> None:
        ordered = np.sort(hashes)
        suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        first: dict[str, int] = {}
        # Equal hashes are a suspicion only: names decide.
        for index in np.flatnonzero(np.isin(hashes, suspects)) if len(suspects) else ():
            name = self[int(index)]
            if name in first:
                raise ValueError(f'{where}: names of images must be unique, but {name!r} is number {first[name]} '
                                 f'and number {index}')  # fmt: skip
            first[name] = int(index)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError(f'index {index} is out of range for {len(self)} images')
        return self._blob[self._offsets[index] : self._offsets[index + 1]].decode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) over the names in their order."""
        digest = hashlib.sha256(self._offsets.astype('<i8').tobytes())
        digest.update(self._blob)
        return digest.hexdigest()


def _encode(name: str, where: str) -> bytes:
    if not name:
        raise ValueError(f'{where}: names of images must not be empty')
    try:
        return name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f'{where}: names of images must be Unicode, but got {name!r}') from error


def texts_of(names: Iterable[str], left_out: list[tuple[str, str]]) -> Iterator[str]:
    """Names that can be written down.

    Args:
        names: of images.
        left_out: the others are added to it, escaped and with the reason.
    """
    for name in names:
        if is_text(name):
            yield name
        else:
            left_out.append((shown_path(name), NOT_TEXT))


class ImageSource(ABC):
    """Images with unique names in a fixed order.

    A source can be pickled and used in forked processes: files are opened by the process that reads them.

    Attributes:
        where: its path, for messages and the provenance.
        left_out: names of what looks like an image but is none of the source's, and why.
    """

    where: str
    left_out: Sequence[tuple[str, str]] = ()
    _ids: IdTable

    def __len__(self) -> int:
        return len(self._ids)

    def id_of(self, index: int) -> str:
        """Name of an image: a POSIX path relative to the source's root, or a key."""
        return self._ids[index]

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) over all names in their order: what tells two sources apart."""
        return self._ids.digest

    def stamp(self, index: int) -> tuple[int, int]:
        """Size and time of change of an image, by which a run that is resumed notices that it was exchanged.

        Returns:
            Bytes and nanoseconds; (-1, -1) if they cannot be looked up; (0, 0) if the source knows none, as here: then
            images are not compared.
        """
        return 0, 0

    @abstractmethod
    def read(self, index: int) -> bytes:
        """The encoded image.

        Raises:
            BadImageError: it is missing, empty or larger than :data:`MAX_BYTES`.
            OSError: the machine is at fault, not the image (too many open files, a lost file server).
        """


def file_stamp(path: str) -> tuple[int, int]:
    """Size and time of change of a file; (-1, -1) if it cannot be looked up."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise_if_outage(error)
        return -1, -1
    return status.st_size, status.st_mtime_ns


def check_size(size: int, name: str) -> None:
    """Raise :class:`BadImageError` for an image of no bytes or of more than :data:`MAX_BYTES`."""
    ImageLimits(max_bytes=MAX_BYTES).check_file(size, name)
