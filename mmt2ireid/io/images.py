"""The one reader of images: the same pixels in training, captioning, search, cropping and reports.

What an image file looks like is decided here and nowhere else:

- The format is judged by the content, not by the name (:data:`~mmt2ireid.io.image_formats.FORMATS`).
- The image is turned as its EXIF orientation says; a damaged EXIF is ignored.
- Transparent places become white, partly transparent ones are mixed with white.
- Gray, palette, CMYK and 16-bit images become RGB with 8 bits per channel (of 16 bits the upper 8).
- Of several frames or pages the first counts.
- What is empty, cut short, damaged, too large, too slow to decode (a JPEG with hundreds of scans) or no image is
  refused with the reason.

Opaque JPEG, PNG and WebP images are decoded by OpenCV, which is the faster one, others by Pillow. Both give the same
pixels.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import cv2
import numpy as np
from PIL import Image

from mmt2ireid.io.image_files import BadImageError, ImageLimits, read_file
from mmt2ireid.io.image_formats import FORMATS, why_no_image

READER_VERSION = 1
"""Raise it when any image gives other pixels than before: features of different versions must not be compared."""

Source: TypeAlias = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO | Image.Image

# What OpenCV decodes: Pillow's format -> the mark at the end of a whole file.
_BY_OPENCV = {'JPEG': b'\xff\xd9', 'MPO': b'\xff\xd9', 'PNG': b'IEND', 'WEBP': b''}
_SCANNED = ('JPEG', 'MPO')
_OPENCV_MODES = ('RGB', 'L', '1', 'P', 'I;16')
_TAIL = 16  # bytes in which the mark is looked for: a thumbnail in the header has one too
_ORIENTATION = 0x0112  # EXIF tag


def read_image(
    source: Source, limits: ImageLimits | None = None, *, name: str = '', channel_order: str = 'rgb'
) -> np.ndarray:
    """Read an image as the module's docstring says.

    Args:
        source: a path, the bytes of a file, an open binary file, which is read from its current position, or a PIL
            image.
        limits: of its size; :class:`ImageLimits` with its defaults by default.
        name: how to name it in messages; by default the file's own name.
        channel_order: 'rgb', or 'bgr' as OpenCV and the transforms of a pipeline have it.

    Returns:
        uint8 (H, W, 3), writable.

    Raises:
        UnreadImageError: the file is missing or cannot be read.
        BadImageError: it is empty, no image, cut short, or beyond the limits; also the former.
        OSError: the machine is at fault, not the image (too many open files, a lost file server).
        TypeError: the source is of another type.

    Example:
        >>> from PIL import Image
        >>> read_image(Image.new('RGBA', (2, 4), (200, 0, 0, 0))).tolist()[0][0]  # fully transparent
        [255, 255, 255]
    """
    if channel_order not in ('rgb', 'bgr'):
        raise ValueError(f"channel_order must be 'rgb' or 'bgr', but got {channel_order!r}")
    limits = limits or ImageLimits()
    if isinstance(source, (str, os.PathLike)):
        name = name or Path(source).name
        source = read_file(source, limits, name=name)
    name = name or 'the image'
    found = source if isinstance(source, Image.Image) else _content(source, limits, name)
    try:
        pixels = _decode(found, limits, name) if isinstance(found, bytes) else _by_pillow(found, limits, name)
    except (BadImageError, MemoryError):
        raise
    except Exception as error:  # of damaged files, Pillow's plugins raise anything
        raise BadImageError(name, f'is damaged or cut short ({_first_line(error)})') from error
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if channel_order == 'rgb' else pixels


def _content(source: Any, limits: ImageLimits, name: str) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source[: limits.max_bytes + 1])
    elif hasattr(source, 'read'):
        content = source.read(limits.max_bytes + 1)
    else:
        kind = type(source).__name__
        raise TypeError(f'source must be a path, bytes, an open binary file or a PIL image, but got {kind}')
    limits.check_file(len(content), name)
    return content


def _decode(content: bytes, limits: ImageLimits, name: str) -> np.ndarray:
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise BadImageError(name, limits.too_many('far more')) from error
    except Image.UnidentifiedImageError as error:
        raise BadImageError(name, why_no_image(content)) from error
    with image:
        limits.check_shape(*image.size, name)
        if image.format in _SCANNED:
            limits.check_scans(content, image.width * image.height, name)
        pixels = _by_opencv(image, content)
        return _by_pillow(image, limits, name) if pixels is None else _upright(pixels, _orientation(image, content))


def _by_opencv(image: Image.Image, content: bytes) -> np.ndarray | None:
    """BGR pixels of an opaque JPEG, PNG or WebP; None for other images and for those that OpenCV does not read."""
    mark = _BY_OPENCV.get(image.format or '')
    if mark is None:  # before the frames are counted, which takes a TIFF of 40,000 pages half a minute
        return None
    is_plain = image.mode in _OPENCV_MODES and not image.has_transparency_data
    is_animated = image.format != 'MPO' and getattr(image, 'n_frames', 1) > 1
    # OpenCV 4 fills the rest of an image that was cut short with gray; Pillow refuses it.
    if not is_plain or is_animated or mark not in content[-_TAIL:]:
        return None
    try:
        return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def _by_pillow(image: Image.Image, limits: ImageLimits, name: str) -> np.ndarray:
    limits.check_shape(*image.size, name)
    image.load()
    return _upright(_opaque(image, name), _orientation(image))


def _opaque(image: Image.Image, name: str) -> np.ndarray:
    """BGR pixels, transparent places white."""
    if image.mode.startswith(('I', 'F')):
        gray = _eight_bits(image, name)
        return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    if image.has_transparency_data:
        seen = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', seen.size, 'white'), seen)
    return cv2.cvtColor(np.asarray(image.convert('RGB')), cv2.COLOR_RGB2BGR)


def _eight_bits(image: Image.Image, name: str) -> np.ndarray:
    """Gray values of 16 bits become 8, as colors do within Pillow."""
    # PNG and TIFF of 16 bits come as 'I;16', from older Pillows as 'I'; other wide values have no known white.
    values = np.asarray(image)
    if image.mode == 'F' or values.min() < 0 or values.max() > 0xFFFF:
        raise BadImageError(name, 'has more than 16 bits per channel, which has no known brightness')
    gray = (values >> 8).astype(np.uint8)
    if 'transparency' in image.info:
        gray[values == image.info['transparency']] = 255
    return gray


def _orientation(image: Image.Image, content: bytes = b'') -> int:
    # Asked for the EXIF of a PNG, which may stand behind the pixels, Pillow decodes them: only if there is any.
    if image.format == 'PNG' and content and not _png_has_exif(image, content):
        return 1
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged notes about an image are no reason to refuse it
        return 1


def _png_has_exif(image: Image.Image, content: bytes) -> bool:
    if any('exif' in str(key).lower() for key in image.info):
        return True
    place = 8  # behind the signature: chunks of length, name, data and checksum
    while place + 8 <= len(content):
        length, name = struct.unpack_from('>I4s', content, place)
        if name == b'eXIf':
            return True
        place += length + 12
    return False


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels as EXIF's orientation says; values that it does not define change nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
