"""Bytes of image files, or why there are none."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from mmt2ireid.io.jpeg_scans import START_OF_SCAN, count_scans

# Errors of the machine, not of the image: a run must stop and be started again, not leave the image out.
_OUTAGES = {
    getattr(errno, name)
    for name in ('EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN', 'EHOSTDOWN', 'EHOSTUNREACH')
    if hasattr(errno, name)
}


class BadImageError(ValueError):
    """An image cannot be read.

    Args:
        name: the image: its file name or path, or ``file.arrow#row``.
        reason: what is wrong with it, to be read behind the name: 'is empty'.

    Attributes:
        name: as given; ``path`` is the same.
        reason: as given.
    """

    # The second argument is optional because a DataLoader re-raises a worker's error with one: the message.
    def __init__(self, name: str, reason: str = '') -> None:
        super().__init__(f'{name} {reason}' if reason else name)
        self.name = self.path = name
        self.reason = reason

    def __reduce__(self) -> tuple:
        return type(self), (self.name, self.reason)


class UnreadImageError(BadImageError):
    """The file of an image is not there or cannot be read now, which says nothing about the image itself."""


@dataclass(frozen=True)
class ImageLimits:
    """Bounds of what is read; all but the file's size are looked up in the header, before anything is decoded.

    Attributes:
        max_bytes: of the file.
        max_pixels: of the image.
        max_aspect: longer side divided by the shorter one; resized by its shorter side, a thinner image could fill the
            memory.
        max_scanned: pixels of a JPEG image times its scans. Progressive images have some 10 scans; with 600 of them, a
            file of 120 kB takes half a minute to decode.
    """

    max_bytes: int = 2**26
    max_pixels: int = 50_000_000
    max_aspect: int = 200
    max_scanned: int = 10**9

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_pixels, self.max_aspect, self.max_scanned) < 1:
            raise ValueError(f'max_bytes, max_pixels, max_aspect and max_scanned must be positive, but got {self}')

    def check_file(self, size: int, name: str) -> None:
        """Refuse a file by its size.

        Args:
            size: in bytes.
            name: of the image.

        Raises:
            BadImageError: there are no bytes, or too many.
        """
        if size == 0:
            raise BadImageError(name, 'is empty')
        if size > self.max_bytes:
            raise BadImageError(name, f'is larger than {self.max_bytes / 2**20:.4g} MiB, the most that is read')

    def check_shape(self, width: int, height: int, name: str) -> None:
        """Refuse an image by its size in pixels.

        Args:
            width: of the image.
            height: of the image.
            name: of the image.

        Raises:
            BadImageError: it has no pixels, too many, or is too thin.
        """
        if not width * height:
            raise BadImageError(name, 'has no pixels')
        if width * height > self.max_pixels:
            raise BadImageError(name, self.too_many(f'{width} x {height}'))
        if max(width, height) > self.max_aspect * min(width, height):
            raise BadImageError(name, f'has {width} x {height} pixels, which is thinner than 1 : {self.max_aspect}')

    def check_scans(self, content: bytes, pixels: int, name: str) -> None:
        """Refuse a JPEG image that takes too long to decode.

        Args:
            content: of the file.
            pixels: of the image.
            name: of the image.

        Raises:
            BadImageError: it has too many scans for its size.
        """
        most = max(1, self.max_scanned // pixels)
        # Counting bytes that may be the marker of a scan is a tenth of the work, and enough for nearly all images.
        if content.count(START_OF_SCAN) > most and count_scans(content, most) > most:
            raise BadImageError(name, f'is stored in more than {most} scans, the most that are read at its size')

    def too_many(self, what: str) -> str:
        """The reason why an image with too many pixels is refused."""
        return f'has {what} pixels; at most {self.max_pixels / 1e6:.4g} million are read'


def read_file(path: str | os.PathLike, limits: ImageLimits | None = None, *, name: str = '') -> bytes:
    """Read the encoded content of an image file.

    Args:
        path: of the file.
        limits: of its size.
        name: how to name it in messages; by default the file's own name.

    Raises:
        UnreadImageError: it is missing or cannot be read.
        BadImageError: it is empty, too large or no ordinary file.
        OSError: the machine is at fault, not the file.
    """
    limits = limits or ImageLimits()
    name = name or Path(path).name
    try:
        with open(path, 'rb', opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadImageError(name, 'is no ordinary file')
            limits.check_file(status.st_size, name)
            return file.read(status.st_size)  # not max_bytes: so much memory would be reserved for each file
    except BadImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadImageError(name, 'is not there') from error
    except IsADirectoryError as error:
        raise BadImageError(name, 'is a folder') from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise_if_outage(error)
        raise UnreadImageError(name, f'cannot be read ({getattr(error, "strerror", None) or error})') from error


def read_head(path: str | os.PathLike[str], size: int) -> bytes:
    """Read the first bytes of a file; none of what is no ordinary file.

    Args:
        path: of the file.
        size: how many bytes.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, 'rb', opener=_open, buffering=0) as file:
        return file.read(size) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b''


def raise_if_outage(error: Exception) -> None:
    """Raise an error again if the machine caused it; return if it is the image's."""
    if isinstance(error, OSError) and error.errno in _OUTAGES:
        raise error


def _open(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a named pipe would wait for ever.
    return os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))
