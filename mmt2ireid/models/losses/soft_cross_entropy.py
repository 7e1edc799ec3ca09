"""Cross-entropy towards a teacher's probabilities."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def soft_cross_entropy_loss(logits: Tensor, teacher_logits: Tensor, reduction: str = 'mean') -> Tensor:
    r"""Soft classification loss of mutual mean teaching, MMT (Ge et al., ICLR 2020).

    .. math:: L = -\frac1B \sum_i \sum_c \mathrm{softmax}(z'_i)_c \log \mathrm{softmax}(z_i)_c

    In MMT the teacher is the moving average of the *other* network. The hard half of that loss is
    ``torch.nn.functional.cross_entropy`` with ``label_smoothing=0.1``.

    Args:
        logits: z, (B, C).
        teacher_logits: z', (B, C), gets no gradient.
        reduction: 'mean', or 'none' for one loss per row.

    Returns:
        Scalar, or (B,), computed in float32 or wider.
    """
    return F.cross_entropy(logits, teacher_logits.detach().softmax(dim=1), reduction=reduction)


@MODELS.register_module()
class SoftCrossEntropyLoss(nn.Module):
    """:func:`soft_cross_entropy_loss`; its mean over equal batches needs no gathering to equal the joint batch's."""

    def forward(self, logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Loss of logits (B, C) of student and teacher."""
        return soft_cross_entropy_loss(logits, teacher_logits)
