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
        inputs = _to_tensor(results['img'], results)
        sample = PersonSample(**{name: results[name] for name in _FIELDS if name in results})
        if 'views' in results:
            sample.views = [_to_tensor(view, results) for view in results['views']]
        return {'inputs': inputs, 'data_samples': sample}

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def _to_tensor(img: np.ndarray, results: dict) -> torch.Tensor:
    if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
        raise ValueError(
            f'{results.get("img_path")}: the picture must be uint8 of shape (H, W, 3), but got '
            f'{img.dtype} of shape {img.shape}'
        )
    return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))
