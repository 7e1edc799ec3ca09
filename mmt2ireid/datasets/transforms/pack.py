"""The last step of every pipeline."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmt2ireid.registry import TRANSFORMS
from mmt2ireid.structures import PersonSample

_FIELDS = ('pid', 'image_id', 'sample_idx', 'img_path', 'captions', 'token_ids', 'masked_token_ids', 'mask_positions')


@TRANSFORMS.register_module()
class PackPersonInputs(BaseTransform):
    """Packs an item as ``{'inputs': uint8 (3, H, W), BGR, 'data_samples': PersonSample}``.

    The sample gets those of its fields that the pipeline has made; see :class:`~mmt2ireid.structures.PersonSample`.

    Raises:
        ValueError: the picture is not uint8 with three channels.
    """

    def transform(self, results: dict) -> dict:
        """Packs the item."""
        inputs, *views = _to_tensors([results['img'], *results.get('views', [])], results)
        sample = PersonSample(**{name: results[name] for name in _FIELDS if name in results})
        if 'views' in results:
            sample.views = views
        return {'inputs': inputs, 'data_samples': sample}

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def _to_tensors(images: list[np.ndarray], results: dict) -> list[torch.Tensor]:
    """Pictures (H, W, 3) as tensors (3, H, W) of one storage: a worker hands it over as a whole, by one open file."""
    for img in images:
        if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
            raise ValueError(
                f'{results.get("img_path")}: the picture must be uint8 of shape (H, W, 3), but got '
                f'{img.dtype} of shape {img.shape}'
            )
    pixels = torch.from_numpy(np.concatenate([img.transpose(2, 0, 1).reshape(-1) for img in images]))
    parts = pixels.split([img.size for img in images])
    return [part.view(3, *img.shape[:2]) for part, img in zip(parts, images, strict=True)]
