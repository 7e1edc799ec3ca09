"""Contrastive loss on image-text pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.layers.gather import gather_with_grad
from mmt2ireid.models.layers.learned_scale import LearnedScale, check_scale
from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def contrastive_loss(img_embed: Tensor, txt_embed: Tensor, logit_scale: Tensor | float = 1.0) -> Tensor:
    r"""Symmetric contrastive loss, UniPT (ICCV 2023) eq. 1, after CLIP.

    .. math:: S = s\,\hat V \hat T^\top, \quad L = \tfrac12 (CE(S, diag) + CE(S^\top, diag))

    Args:
        img_embed: (B, D), need not be normalised.
        txt_embed: (B, D), the i-th is the caption of the i-th image.
        logit_scale: s, the inverse temperature. The paper has none: s = 1.

    Returns:
        Scalar, computed in float32 or wider.
    """
    logits = logit_scale * F.normalize(img_embed, dim=-1) @ F.normalize(txt_embed, dim=-1).T
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@MODELS.register_module()
class ContrastiveLoss(LearnedScale, nn.Module):
    """:func:`contrastive_loss` with a fixed or learned scale and negatives from all ranks.

    The paper's release computes the loss per GPU on its 64 pairs; the paper says 512. Gathering (with gradients) makes
    loss and gradients on W ranks equal to those of one process on the joint batch.

    Args:
        logit_scale: fixed scale, or initial value of the learned one. None: a learned one starts from that of the
            loaded CLIP weights (1 / 0.07 where there are none).
        learn_scale: learn the logarithm of the scale, as CLIP does.
        max_scale: upper bound of the scale (CLIP: 100).
        gather: use the pairs of all ranks.

    Raises:
        ValueError: if a scale is not positive, the initial scale exceeds ``max_scale``, or a fixed scale is None: a
            checkpoint does not hold it.
    """

    def __init__(
        self,
        *,
        logit_scale: float | None = 1.0,
        learn_scale: bool = False,
        max_scale: float = 100.0,
        gather: bool = True,
    ) -> None:
        super().__init__()
        self.gather = gather
        self.log_scale = None
        if learn_scale:
            self.start_scale(logit_scale, max_scale)
            return
        check_scale(logit_scale, max_scale)
        if logit_scale is None:
            raise ValueError('logit_scale must be a number where learn_scale is off, but got None')
        self.fixed_scale = logit_scale

    def forward(self, img_embed: Tensor, txt_embed: Tensor) -> Tensor:
        """Loss of (B, D) image and text embeddings of this rank (and of all ranks, when gathering)."""
        if self.gather:
            img_embed, txt_embed = gather_with_grad(img_embed), gather_with_grad(txt_embed)
        return contrastive_loss(img_embed, txt_embed, self.scale())

    def scale(self) -> Tensor | float:
        """The scale in force."""
        return self.fixed_scale if self.log_scale is None else self.learned_scale()
