"""Image features against the prompts of all attributes (LUPerson-T, "conquer")."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PromptMatcher(nn.Module):
    """Cosine similarity to every prompt, then softmax within each attribute.

    UniPT (ICCV 2023), how LUPerson-T was made: ``p = softmax_c(scale <f, t_c>)`` over the choices c of one
    attribute, with f and t L2-normalised. The prompts of all attributes are rows of one matrix, so a batch costs one
    matrix product. A bias of the logits, as SigLIP has one, cancels in the softmax.

    Args:
        prompts: attribute name -> (C, D) embeddings of its choices; normalised here.
        scale: the model's factor on cosine similarities, ``logit_scale.exp()``.

    Raises:
        ValueError: there is no prompt, widths differ, an embedding is not finite, or the scale is not positive.
    """

    prompts: Tensor
    scale: Tensor

    def __init__(self, prompts: Mapping[str, Tensor], scale: float | Tensor) -> None:
        super().__init__()
        _check_prompts(prompts)
        scale = torch.as_tensor(scale, dtype=torch.float32).detach().reshape(())
        if not (torch.isfinite(scale) and scale > 0):
            raise ValueError(f'scale must be positive and finite, but got {scale.item()}')
        self.names = list(prompts)
        self.sizes = [len(rows) for rows in prompts.values()]
        matrix = F.normalize(torch.cat([rows.detach().float() for rows in prompts.values()]), dim=1)
        self.register_buffer('prompts', matrix)
        self.register_buffer('scale', scale.to(matrix.device))

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Probabilities of the choices.

        Args:
            features: (B, D) L2-normalised features of images.

        Returns:
            attribute name -> (B, C) float32 probabilities.

        Raises:
            ValueError: the features have another shape.
        """
        if features.ndim != 2 or features.shape[1] != self.prompts.shape[1]:
            expected = f'(B, {self.prompts.shape[1]})'
            raise ValueError(f'features must have the shape {expected}, but got {tuple(features.shape)}')
        # At scale 100 half precision would shift probabilities by whole per cents: not under the caller's autocast.
        with torch.autocast(features.device.type, enabled=False):
            logits = (features.float() @ self.prompts.T) * self.scale
            parts = logits.split(self.sizes, dim=1)
            return {name: part.softmax(dim=1) for name, part in zip(self.names, parts, strict=True)}


def _check_prompts(prompts: Mapping[str, Tensor]) -> None:
    if not prompts:
        raise ValueError('prompts must hold at least one attribute, but got none')
    width = next(iter(prompts.values())).shape[-1]
    for name, rows in prompts.items():
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != width:
            raise ValueError(
                f'prompts of attribute {name!r} must have the shape (C, {width}) with C > 0, '
                f'but got {tuple(rows.shape)}'
            )
        if not torch.isfinite(rows).all():
            raise ValueError(f'prompts of attribute {name!r} must have finite embeddings, but some are not')
