"""Cross-modal projection matching (CPM) towards soft labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.models.losses.soft_labels import rows_to_one
from mmt2ireid.registry import MODELS


@full_precision
def cpm_loss(txt_embed: Tensor, img_embed: Tensor, soft_labels: Tensor, eps: float = 1e-8) -> Tensor:
    r"""KL divergence of the matching probabilities from soft labels, CMMT (ICCV 2021) eq. 8, 11, 12.

    .. math::
        p_{ij} = \mathrm{softmax}_j \langle t_i, v_j / |v_j| \rangle, \quad
        L = \frac1B \sum_{ij} p_{ij} \log \frac{p_{ij}}{q_{ij} + \epsilon}

    The divergence is CMPM's (Zhang and Lu, ECCV 2018): it runs from p to q, so probability where q is zero costs
    about :math:`-\log \epsilon`.

    Args:
        txt_embed: t, (B, D), taken as it is: its length is the inverse temperature of its row.
        img_embed: v, (B, D), normalised here.
        soft_labels: q, (B, B), not negative, rows (of texts) sum to one.
        eps: keeps the logarithm finite where q is zero.

    Returns:
        Scalar, computed in float32 or wider.

    Raises:
        ValueError: if ``soft_labels`` is not (B, B).
    """
    shape = (len(txt_embed), len(img_embed))
    if soft_labels.shape != shape:
        raise ValueError(f'soft_labels must be of shape {shape}, but got {tuple(soft_labels.shape)}')
    log_p = F.log_softmax(txt_embed @ F.normalize(img_embed, dim=-1).T, dim=1)
    return (log_p.exp() * (log_p - torch.log(soft_labels + eps))).sum() / len(txt_embed)


@MODELS.register_module()
class CPMLoss(nn.Module):
    """:func:`cpm_loss`, from texts to images or in both directions.

    Does not gather: soft labels belong to the pairs of the joint batch, so the head gathers embeddings and labels.

    Args:
        bidirectional: add the direction from images to texts, with their roles exchanged (CMPM); the paper of CMMT
            has texts to images only.
        eps: see :func:`cpm_loss`.

    Raises:
        ValueError: if ``eps`` is not positive.
    """

    def __init__(self, *, bidirectional: bool = False, eps: float = 1e-8) -> None:
        super().__init__()
        if eps <= 0:
            raise ValueError(f'eps must be positive, but got {eps}')
        self.bidirectional, self.eps = bidirectional, eps

    def forward(self, img_embed: Tensor, txt_embed: Tensor, affinity: Tensor) -> Tensor:
        """Loss of embeddings (B, D) and affinities (B, B), not negative, of texts (rows) to images (columns)."""
        loss = cpm_loss(txt_embed, img_embed, rows_to_one(affinity), self.eps)
        if self.bidirectional:
            loss = loss + cpm_loss(img_embed, txt_embed, rows_to_one(affinity.T), self.eps)
        return loss
