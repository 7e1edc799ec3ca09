"""Regression of a text embedding by the image encoder (MM-TIM)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def text_regression_loss(img_logits: Tensor, txt_embed: Tensor) -> Tensor:
    r"""Binary cross-entropy towards a text embedding, scaled to [0, 1], after Gomez et al. (2019), "MM-TIM" in CMMT.

    .. math:: L = \mathrm{mean}_{id}\, BCE(\sigma(z_{id}), e'_{id}), \quad
        e'_i = \frac{e_i - \min_d e_{id}}{\max_d e_{id} - \min_d e_{id}}

    Args:
        img_logits: z, (B, D).
        txt_embed: e, (B, D), gets no gradient; each row is scaled by its own minimum and maximum.

    Returns:
        Scalar, mean over the batch and over dimensions, computed in float32 or wider.
    """
    return F.binary_cross_entropy_with_logits(img_logits, unit_range(txt_embed.detach()))


def unit_range(embed: Tensor) -> Tensor:
    """Scales each row (B, D) to [0, 1]; a row of one value becomes zeros."""
    low, high = embed.amin(dim=1, keepdim=True), embed.amax(dim=1, keepdim=True)
    return (embed - low) / (high - low).clamp(min=torch.finfo(embed.dtype).tiny)


@MODELS.register_module()
class TextRegressionLoss(nn.Module):
    """:func:`text_regression_loss`; its mean over equal batches needs no gathering to equal the joint batch's."""

    def forward(self, img_logits: Tensor, txt_embed: Tensor) -> Tensor:
        """Loss of image logits (B, D) and text embeddings (B, D)."""
        return text_regression_loss(img_logits, txt_embed)
