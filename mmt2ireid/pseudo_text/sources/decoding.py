"""From the bytes of an image to its pixels, or to the reason why there are none."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from mmt2ireid.pseudo_text.sources.image_source import UnreadableImageError

FORMATS = ('BMP', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TIFF', 'WEBP')
"""Formats, by Pillow's names, that are decoded, whatever a file is called: for others, such as EPS, Pillow would run
another program on it."""
MAX_PIXELS = 2**26
"""Pixels of an image; a larger one is no crop of a person, and could fill the memory."""
MAX_ASPECT = 50
"""Longer side to shorter side; resized by its shorter side, a thinner image could fill the memory."""


def decode_image(content: bytes) -> Image.Image:
    """Decodes an image as the training loader does: upright by its EXIF tag, three channels, alpha dropped.

    Args:
        content: the encoded image.

    Returns:
        An RGB image.

    Raises:
        UnreadableImageError: it is cut short, no image, or of a size that no person crop has.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd headers and large images; what is wrong is an error here, and the rest does not matter.
        warnings.simplefilter('ignore')
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.UnidentifiedImageError as error:
            raise UnreadableImageError(f'is no image of a format that is decoded ({len(content)} bytes)') from error
        except MemoryError:
            raise
        except Exception as error:  # Pillow's readers raise anything when the header is damaged
            raise UnreadableImageError(f'cannot be decoded ({_reason(error)})') from error
        _check_shape(*image.size)
        try:
            image.load()
            is_sixteen_bit = image.mode.startswith('I;16') or (image.mode == 'I' and image.format == 'PNG')
            return _three_channels(_upright(image), is_sixteen_bit)
        except MemoryError:
            raise
        except Exception as error:  # see above
            raise UnreadableImageError(f'is cut short or damaged ({_reason(error)})') from error


def _check_shape(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f'has {width} x {height} pixels, more than the {MAX_PIXELS} of any person crop')
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadableImageError(f'has {width} x {height} pixels, thinner than 1 : {MAX_ASPECT}')


def _three_channels(image: Image.Image, is_sixteen_bit: bool) -> Image.Image:
    if is_sixteen_bit:
        # Pillow would clip 16 bits at 255 where OpenCV scales them.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return image if image.mode == 'RGB' else image.convert('RGB')


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged tag says nothing about the pixels
        return image


def _reason(error: Exception) -> str:
    return str(error).split('\n', 1)[0][:200] or type(error).__name__
