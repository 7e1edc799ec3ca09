"""Contrastive losses that know identities, and their cyclic companion (TBPS-CLIP)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.models.losses.similarity_distribution import sdm_loss
from mmt2ireid.models.losses.soft_labels import rows_to_one


@full_precision
def normalized_itc_loss(
    img_embed: Tensor,
    txt_embed: Tensor,
    affinity: Tensor,
    logit_scale: Tensor | float = 1.0,
    soft_ratio: float = 0.0,
) -> Tensor:
    r"""Contrastive loss towards all pairs of one identity (N-ITC).

    .. math::
        L = -\frac1{2B} \sum_{ij} \big(q_{ij} \log p^{i2t}_{ij} + q_{ji} \log p^{t2i}_{ij}\big)

    with p the softmax of s cos and q the affinities divided by their rows' sums. Cao et al., *An Empirical Study of
    CLIP for Text-based Person Search* (AAAI 2024). Where every pair is of its own identity it is CLIP's. With
    ``soft_ratio`` r the labels are r p + (1 - r) q, of which p carries no gradient.

    Args:
        img_embed: (B, D), need not be normalised.
        txt_embed: (B, D), the i-th is the caption of the i-th image.
        affinity: (B, B), not negative, of images (rows) to texts (columns).
        logit_scale: s, the inverse temperature.
        soft_ratio: share of the model's own prediction in the labels, from 0 to 1.

    Returns:
        Scalar, computed in float32 or wider.
    """
    logits = logit_scale * F.normalize(img_embed, dim=-1) @ F.normalize(txt_embed, dim=-1).T
    return (_towards(logits, affinity, soft_ratio) + _towards(logits.T, affinity.T, soft_ratio)) / 2


def _towards(logits: Tensor, affinity: Tensor, soft_ratio: float) -> Tensor:
    labels = rows_to_one(affinity).to(logits.dtype)
    return F.cross_entropy(logits, labels.lerp(logits.detach().softmax(dim=1), soft_ratio) if soft_ratio else labels)


def reversed_itc_loss(
    img_embed: Tensor,
    txt_embed: Tensor,
    affinity: Tensor,
    logit_scale: Tensor | float = 1.0,
    eps: float = 1e-2,
) -> Tensor:
    """The divergence the other way round, from prediction to labels (R-ITC): half of :func:`sdm_loss`.

    Args:
        img_embed: (B, D), need not be normalised.
        txt_embed: (B, D), the i-th is the caption of the i-th image.
        affinity: (B, B), not negative, of images (rows) to texts (columns).
        logit_scale: the inverse temperature.
        eps: added to the labels inside the logarithm.

    Returns:
        Scalar, computed in float32 or wider.
    """
    return sdm_loss(img_embed, txt_embed, affinity, logit_scale, eps) / 2


@full_precision
def cyclic_loss(
    img_embed: Tensor, txt_embed: Tensor, within_weight: float = 0.25, across_weight: float = 0.25
) -> Tensor:
    r"""Similarities that agree within and across modalities (C-ITC, after CyCLIP).

    .. math::
        L = \frac1{B^2} \sum_{ij} \lambda_1 (\cos(v_i, v_j) - \cos(t_i, t_j))^2
            + \lambda_2 (\cos(v_i, t_j) - \cos(t_i, v_j))^2

    Args:
        img_embed: v, (B, D), need not be normalised.
        txt_embed: t, (B, D), the i-th is the caption of the i-th image.
        within_weight: lambda 1.
        across_weight: lambda 2.

    Returns:
        Scalar, computed in float32 or wider.
    """
    img, txt = F.normalize(img_embed, dim=-1), F.normalize(txt_embed, dim=-1)
    within = (img @ img.T - txt @ txt.T).square().mean()
    across = img @ txt.T
    return within_weight * within + across_weight * (across - across.T).square().mean()
