"""Contrast of two views of each picture (SimCLR)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmt2ireid.models.losses.precision import full_precision


@full_precision
def two_view_loss(first: Tensor, second: Tensor, temperature: float = 0.1) -> Tensor:
    r"""The other view of a picture against both views of all other pictures (NT-Xent).

    .. math::
        L = -\frac1{2B} \sum_{z} \log \frac{e^{\cos(z, z') / \tau}}{\sum_{u \ne z} e^{\cos(z, u) / \tau}}

    with z over both views of all pictures and z' the other view of z's picture. Chen et al., *A Simple Framework for
    Contrastive Learning of Visual Representations* (ICML 2020).

    Args:
        first: (B, D), need not be normalised.
        second: (B, D), other views of the same pictures.
        temperature: tau.

    Returns:
        Scalar, computed in float32 or wider.
    """
    views = F.normalize(torch.cat([first, second]), dim=-1)
    logits = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    own = torch.arange(len(views), device=views.device)
    return F.cross_entropy(logits, own.roll(len(first)))
