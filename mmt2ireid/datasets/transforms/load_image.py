"""Loading the image of an item."""

from __future__ import annotations

from mmcv.transforms import BaseTransform

from mmt2ireid.io.images import read_image
from mmt2ireid.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadPersonImage(BaseTransform):
    """Decode ``img_bytes``, or the file ``img_path``, once, as uint8 BGR of shape (H, W, 3).

    Images are read as everywhere in the package (:mod:`mmt2ireid.io.images`): turned by their EXIF orientation,
    transparent places white. Sets ``img``, ``img_shape`` and ``ori_shape`` (height, width) and takes ``img_bytes`` out.

    Raises:
        BadImageError: the file is missing, empty, cut short, too large or no image.
    """

    def transform(self, results: dict) -> dict:
        """Add the image to the item."""
        path = results['img_path']
        content = results.pop('img_bytes', None)
        img = read_image(path if content is None else content, name=path, channel_order='bgr')
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
