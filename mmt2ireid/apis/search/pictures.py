"""Pictures from anywhere as arrays, or why they can't be read, in words that a user understands."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps

Source = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO

FORMATS = ('JPEG', 'PNG', 'WEBP', 'GIF', 'BMP', 'TIFF')
"""Pillow's names of the formats that are read. No others: some of them start programs."""
SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.gif', '.bmp', '.tif', '.tiff')

# How files begin that are taken for pictures now and then.
_OTHERS = (
    (b'%PDF', 'a PDF document'),
    (b'PK\x03\x04', 'an archive or office document'),
    (b'\x1aE\xdf\xa3', 'a video'),
)
_READ = 'JPEG, PNG, WebP, GIF, BMP and TIFF are'


class BadPictureError(ValueError):
    """A picture cannot be read.

    Args:
        name: of the file, or 'the picture'.
        reason: what is wrong with it, to be read behind the name: 'is empty'.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f'{name} {reason}')
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple:
        return type(self), (self.name, self.reason)


class UnreadPictureError(BadPictureError):
    """The file of a picture is not there or cannot be read now, which says nothing of the picture itself."""


@dataclass(frozen=True)
class PictureLimits:
    """What is read at most.

    Attributes:
        max_bytes: of the file.
        max_pixels: of the picture; looked up in its header, before anything is decoded.
    """

    max_bytes: int = 2**25
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or self.max_pixels < 1:
            raise ValueError(f'max_bytes and max_pixels must be positive, but got {self}')


def read_picture(source: Source, limits: PictureLimits | None = None, *, name: str = '') -> np.ndarray:
    """Reads a picture.

    Turned as its EXIF orientation says; of several frames the first; transparent places white; grey, palette and CMYK
    pictures and such with 16 bits per channel become RGB with 8. (Training reads crops with OpenCV: opaque PNGs come
    out the same, JPEGs within the rounding of the decoders.)

    Args:
        source: a path, the bytes of a file, or an open binary file, which is read from where it stands.
        limits: of its size; :class:`PictureLimits` as it is by default.
        name: what to call it in messages; by default the file's own name.

    Returns:
        uint8 RGB (H, W, 3).

    Raises:
        BadPictureError: it is missing, empty, no picture, cut short, or beyond the limits.
    """
    limits = limits or PictureLimits()
    is_path = isinstance(source, (str, os.PathLike))
    name = name or (Path(source).name if isinstance(source, (str, os.PathLike)) else '') or 'the picture'
    content = _read_path(Path(source), name, limits) if is_path else _read_bytes(source, limits)  # type: ignore[arg-type]
    if not content:
        raise BadPictureError(name, 'is empty')
    if len(content) > limits.max_bytes:
        raise BadPictureError(name, f'is larger than {_amount(limits.max_bytes)}, the most that is read')
    try:
        return _decode(content, name, limits)
    except BadPictureError:
        raise
    except MemoryError as error:
        raise BadPictureError(name, 'needs more memory than there is') from error
    except Exception as error:  # of damaged files, Pillow's plugins raise whatever they stumble over
        raise BadPictureError(name, f'is damaged or cut short ({_first_line(error)})') from error


def _read_path(path: Path, name: str, limits: PictureLimits) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise BadPictureError(name, 'is a folder')
        if not stat.S_ISREG(mode):
            raise BadPictureError(name, 'is no ordinary file')
        with open(path, 'rb') as file:
            return file.read(limits.max_bytes + 1)
    except FileNotFoundError as error:
        raise UnreadPictureError(name, 'is not there') from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        if isinstance(error, BadPictureError):
            raise
        raise UnreadPictureError(name, f'cannot be opened ({getattr(error, "strerror", None) or error})') from error


def _read_bytes(source: Any, limits: PictureLimits) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[: limits.max_bytes + 1])
    if not hasattr(source, 'read'):
        raise TypeError(f'source must be a path, bytes or an open binary file, but got {type(source).__name__}')
    return source.read(limits.max_bytes + 1)


def _decode(content: bytes, name: str, limits: PictureLimits) -> np.ndarray:
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadPictureError(name, _too_large('far more', limits)) from error
    except Image.UnidentifiedImageError as error:
        raise BadPictureError(name, _what_it_is(content)) from error
    with image:
        pixels = image.width * image.height
        if not pixels:
            raise BadPictureError(name, 'has no pixels')
        if pixels > limits.max_pixels:
            raise BadPictureError(name, _too_large(f'{image.width} x {image.height}', limits))
        image.load()
        return np.array(_upright(_opaque(_eight_bits(image, name))))


def _eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Grey values of 16 bits become 8, as other colours do within Pillow."""
    if not image.mode.startswith(('I', 'F')):
        return image
    # PNG and TIFF of 16 bits come as 'I;16', from older Pillows as 'I'; other wide values have no known white.
    values = np.asarray(image)
    if image.mode == 'F' or values.min() < 0 or values.max() > 0xFFFF:
        raise BadPictureError(name, 'has more than 16 bits per channel, which has no known brightness')
    grey = Image.fromarray((values.astype(np.uint32) >> 8).astype(np.uint8))
    grey.info.update({key: value for key, value in image.info.items() if key == 'exif'})
    return grey


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, transparent places white."""
    if not image.has_transparency_data:
        return image.convert('RGB')
    seen = image.convert('RGBA')
    ground = Image.new('RGBA', seen.size, 'white')
    opaque = Image.alpha_composite(ground, seen).convert('RGB')
    opaque.info.update({key: value for key, value in image.info.items() if key == 'exif'})
    return opaque


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged note about the picture is no reason to refuse the picture
        return image


def _what_it_is(content: bytes) -> str:
    start = content[:256].lstrip(b'\xef\xbb\xbf \t\r\n')
    found = next((what for mark, what in _OTHERS if content.startswith(mark)), '')
    if start.startswith(b'<'):
        found = 'a web page or other text'
    elif content[4:8] == b'ftyp':
        found = 'a HEIC or AVIF picture' if content[8:12] in (b'heic', b'heix', b'mif1', b'avif') else 'a video'
    return f'is {found}: {_READ} read' if found else f'is no picture that can be read: {_READ}'


def _too_large(what: str, limits: PictureLimits) -> str:
    return f'has {what} pixels; at most {limits.max_pixels / 1e6:.4g} million are read'


def _amount(size: int) -> str:
    return f'{size / 2**20:.4g} MiB'


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
