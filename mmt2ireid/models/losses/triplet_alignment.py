"""Triplet alignment loss (TAL)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS

REDUCTIONS = ('mean', 'sum')


@full_precision
def triplet_alignment_loss(
    img_embed: Tensor,
    txt_embed: Tensor,
    affinity: Tensor,
    temperature: float = 0.015,
    margin: float = 0.1,
    reduction: str = 'sum',
) -> Tensor:
    r"""Triplet loss over all negatives, an upper bound of the one over the hardest, RDE.

    .. math::
        L_i = \Big[m - \sum_j \alpha_{ij} s_{ij} + \tau \log \sum_{j: y_{ij} = 0} e^{s_{ij} / \tau}\Big]_+, \quad
        \alpha_{ij} = \frac{y_{ij} e^{s_{ij} / \tau}}{\sum_k y_{ik} e^{s_{ik} / \tau}}

    for the cosines s of images to texts, and the same of texts to images. Qin et al., *Noisy-Correspondence Learning
    for Text-to-Image Person Re-identification* (CVPR 2024). The loss over the hardest negative alone follows wrong
    pairs into collapse; the logarithm of the sum spreads its gradient. No gradient goes through the weights alpha of
    the positives.

    Args:
        img_embed: (B, D), need not be normalised.
        txt_embed: (B, D), the i-th is the caption of the i-th image.
        affinity: y, (B, B): 1 where the identities of image (row) and text (column) are the same, else 0; the
            diagonal must be 1.
        temperature: tau.
        margin: m.
        reduction: 'sum' over the pairs, or 'mean'; of an image without a negative nothing counts.

    Returns:
        Scalar, computed in float32 or wider.

    Raises:
        ValueError: if ``reduction`` is unknown, or ``affinity`` not (B, B).
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f'reduction must be one of {REDUCTIONS}, but got {reduction!r}')
    shape = (len(img_embed), len(txt_embed))
    if affinity.shape != shape:
        raise ValueError(f'affinity must be of shape {shape}, but got {tuple(affinity.shape)}')
    similarity = F.normalize(img_embed, dim=-1) @ F.normalize(txt_embed, dim=-1).T
    positive = affinity > 0
    losses = _one_direction(similarity, positive, temperature, margin)
    losses = losses + _one_direction(similarity.T, positive.T, temperature, margin)
    return losses.sum() if reduction == 'sum' else losses.mean()


def _one_direction(similarity: Tensor, positive: Tensor, temperature: float, margin: float) -> Tensor:
    logits = similarity / temperature
    nowhere = -1e9  # finite: an infinite one leaves no number as gradient where a row has no negative
    weights = logits.detach().masked_fill(~positive, nowhere).softmax(dim=1)
    nearest = temperature * logits.masked_fill(positive, nowhere).logsumexp(dim=1)
    return (margin - (weights * similarity).sum(dim=1) + nearest).clamp(min=0)


@MODELS.register_module()
class TALLoss(nn.Module):
    """:func:`triplet_alignment_loss`.

    Does not gather: the affinity is that of the joint batch, so the head gathers embeddings and identities.

    Args:
        temperature: tau; the paper's is 0.015.
        margin: m; the paper's is 0.1.
        reduction: 'sum' over the pairs of the batch, as in the authors' code, or 'mean'.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(self, *, temperature: float = 0.015, margin: float = 0.1, reduction: str = 'sum') -> None:
        super().__init__()
        if temperature <= 0 or margin < 0:
            raise ValueError(
                f'temperature must be positive and margin not negative, but got {temperature} and {margin}'
            )
        if reduction not in REDUCTIONS:
            raise ValueError(f'reduction must be one of {REDUCTIONS}, but got {reduction!r}')
        self.temperature, self.margin, self.reduction = temperature, margin, reduction

    def forward(self, img_embed: Tensor, txt_embed: Tensor, affinity: Tensor) -> Tensor:
        """Loss of embeddings (B, D) and affinities (B, B) of images (rows) to texts (columns)."""
        return triplet_alignment_loss(img_embed, txt_embed, affinity, self.temperature, self.margin, self.reduction)
