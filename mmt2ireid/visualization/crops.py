"""Crops on their way into a drawing."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mmt2ireid.io.image_files import ImageLimits
from mmt2ireid.io.images import read_image

Picture = Image.Image | np.ndarray
_ANY = ImageLimits(max_pixels=2**40, max_aspect=2**40)  # what is to be drawn has been read already


def opaque_crop(image: Picture) -> Image.Image:
    """A crop as an RGB image, as models see it: transparent places white.

    Args:
        image: a PIL image or a uint8 array (H, W, 3).
    """
    crop = image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image, dtype=np.uint8))
    return Image.fromarray(read_image(crop, _ANY))
