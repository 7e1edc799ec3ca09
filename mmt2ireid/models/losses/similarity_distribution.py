"""Similarity distribution matching (SDM)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.models.losses.projection_matching import cpm_loss
from mmt2ireid.models.losses.soft_labels import rows_to_one
from mmt2ireid.registry import MODELS


@full_precision
def sdm_loss(
    img_embed: Tensor,
    txt_embed: Tensor,
    affinity: Tensor,
    logit_scale: Tensor | float = 50.0,
    eps: float = 1e-8,
) -> Tensor:
    r"""KL divergences, in both directions, of the similarities' distribution from that of the true matches, IRRA.

    .. math::
        p_{ij} = \mathrm{softmax}_j (s \cos(v_i, t_j)), \quad q_{ij} = y_{ij} / \sum_k y_{ik}, \quad
        L_{i2t} = \frac1B \sum_{ij} p_{ij} \log \frac{p_{ij}}{q_{ij} + \epsilon}, \quad L = L_{i2t} + L_{t2i}

    Jiang and Ye (CVPR 2023). It is projection matching (CMPM) with cosines and a temperature.

    Args:
        img_embed: v, (B, D), need not be normalised.
        txt_embed: t, (B, D), the i-th is the caption of the i-th image.
        affinity: y, (B, B), not negative, of images (rows) to texts (columns): 1 where the identity is the same.
        logit_scale: s, the inverse temperature; the paper's temperature is 0.02.
        eps: keeps the logarithm finite where nothing matches.

    Returns:
        Scalar, computed in float32 or wider.

    Raises:
        ValueError: if ``affinity`` is not (B, B).
    """
    img_to_txt = cpm_loss(logit_scale * F.normalize(img_embed, dim=-1), txt_embed, rows_to_one(affinity), eps)
    txt_to_img = cpm_loss(logit_scale * F.normalize(txt_embed, dim=-1), img_embed, rows_to_one(affinity.T), eps)
    return img_to_txt + txt_to_img


@MODELS.register_module()
class SDMLoss(nn.Module):
    """:func:`sdm_loss` with a fixed temperature.

    Does not gather: the affinity is that of the joint batch, so the head gathers embeddings and identities.

    Args:
        temperature: the inverse of the scale; the paper's is 0.02.
        eps: see :func:`sdm_loss`.

    Raises:
        ValueError: if one of them is not positive.
    """

    def __init__(self, *, temperature: float = 0.02, eps: float = 1e-8) -> None:
        super().__init__()
        if temperature <= 0 or eps <= 0:
            raise ValueError(f'temperature and eps must be positive, but got {temperature} and {eps}')
        self.temperature, self.eps = temperature, eps

    def forward(self, img_embed: Tensor, txt_embed: Tensor, affinity: Tensor) -> Tensor:
        """Loss of embeddings (B, D) and affinities (B, B) of images (rows) to texts (columns)."""
        return sdm_loss(img_embed, txt_embed, affinity, 1 / self.temperature, self.eps)
