"""Random erasing by torchvision's rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torchvision import transforms

from mmt2ireid.registry import TRANSFORMS


@TRANSFORMS.register_module()
class TorchvisionErasing(BaseTransform):
    """Erases a rectangle that lies within the image, drawn as torchvision's ``RandomErasing`` draws it.

    ``mmpretrain.RandomErasing`` cuts off a rectangle that is too wide or too high: in images of 384x128 and up to 40 %
    of their area, 28 % of its rectangles span the image. torchvision draws again, and gives up after ten draws. Draws
    from torch's global CPU generator.

    Args:
        prob: probability that an image is erased.
        area: least and greatest share of the image's area.
        aspect: least and greatest ratio of height to width.
        fill_color: of the rectangle, in the order of the image's channels (BGR as mmcv reads).

    Raises:
        ValueError: ``prob`` is not from 0 to 1, or a range or a color is none.
    """

    def __init__(
        self,
        prob: float = 0.5,
        area: Sequence[float] = (0.02, 0.4),
        aspect: Sequence[float] = (0.3, 3.3),
        fill_color: Sequence[int] = (0, 0, 0),
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be from 0 to 1, but got {prob}')
        if len(area) != 2 or len(aspect) != 2 or not 0 < area[0] <= area[1] <= 1 or not 0 < aspect[0] <= aspect[1]:
            raise ValueError(f'area and aspect must be ranges, area within 0 to 1, but got {area} and {aspect}')
        if len(fill_color) != 3 or not all(0 <= value <= 255 for value in fill_color):
            raise ValueError(f'fill_color must be three numbers from 0 to 255, but got {fill_color}')
        self.prob, self.area, self.aspect = prob, tuple(area), tuple(aspect)
        self.fill_color = np.array(fill_color, dtype=np.uint8)

    def transform(self, results: dict) -> dict:
        """Erases the image of the item."""
        if torch.rand(1) >= self.prob:
            return results
        image = results['img'].copy()
        channels_first = torch.from_numpy(image).permute(2, 0, 1)
        top, left, height, width, _ = transforms.RandomErasing.get_params(channels_first, self.area, self.aspect, [0.0])
        if (height, width) != image.shape[:2]:  # what it returns where it gives up
            image[top : top + height, left : left + width] = self.fill_color
        results['img'] = image
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, area={self.area}, fill_color={self.fill_color.tolist()})'
