"""Identification loss with a classifier that both modalities share."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def identity_loss(img_logits: Tensor, txt_logits: Tensor, pids: Tensor) -> Tensor:
    r"""Sum of both modalities' cross-entropies, UniPT (ICCV 2023) eq. 4.

    .. math:: L = CE(\hat y_v, y) + CE(\hat y_t, y)

    Args:
        img_logits: (B, C).
        txt_logits: (B, C).
        pids: int64 (B,), labels 0..C-1.

    Returns:
        Scalar, each cross-entropy averaged over the batch.
    """
    return F.cross_entropy(img_logits, pids) + F.cross_entropy(txt_logits, pids)


@MODELS.register_module()
class IdentityLoss(nn.Module):
    """:func:`identity_loss`; its mean over equal batches needs no gathering to equal the joint batch's."""

    def forward(self, img_logits: Tensor, txt_logits: Tensor, pids: Tensor) -> Tensor:
        """Loss of logits (B, C) and labels (B,)."""
        return identity_loss(img_logits, txt_logits, pids)
