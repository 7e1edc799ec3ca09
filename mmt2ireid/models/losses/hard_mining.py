"""Hard samples mined by Text-IoU (HSM)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS

NO_NEGATIVES = 0.5  # what N is where there are none, as in MAR


@full_precision
def hard_mining_loss(a: Tensor, b: Tensor, iou: Tensor, ratio: float = 0.03, intra_modal: bool = False) -> Tensor:
    r"""Discriminative embedding loss on similar pairs, CMMT (ICCV 2021) eq. 13 to 15, after MAR (Yu et al. 2019).

    Pairs are all ordered (i, j), i != j, across modalities, and all unordered ones within a modality. With
    :math:`k = \max(1, \mathrm{round}(\rho B (B - 1) / 2))`, Q is the cosine similarity of the k-th most similar pair
    and R the k-th highest Text-IoU. Similar pairs (:math:`s \ge Q`) are positive where :math:`IoU \ge R` and
    :math:`IoU > 0`, hard negative where :math:`IoU < R`.

    .. math::
        L = -\log \frac{\bar P}{\bar P + \bar N}, \quad
        \bar P = \mathrm{mean}_{positive} \exp(-|a_i - b_j|^2), \quad
        \bar N = \mathrm{mean}_{negative} \exp(-|a_i - b_j|^2)

    Without positives :math:`L = \log(1 + \bar N)`; without negatives :math:`\bar N = 0.5`; without both, and for a
    batch of one, L is 0 (with zero gradients).

    Args:
        a: (B, D), normalised here.
        b: (B, D), normalised here; of the other modality, or ``a`` again.
        iou: Text-IoU, symmetric (B, B).
        ratio: rho, the share of pairs that are mined.
        intra_modal: ``a`` and ``b`` are one modality: take unordered pairs.

    Returns:
        Scalar, computed in float32 or wider without any copy to the host.

    Raises:
        ValueError: if ``ratio`` is not in (0, 1] or ``iou`` not (B, B).
    """
    if not 0 < ratio <= 1:
        raise ValueError(f'ratio must be in (0, 1], but got {ratio}')
    batch = len(a)
    if iou.shape != (batch, len(b)):
        raise ValueError(f'iou must be of shape {(batch, len(b))}, but got {tuple(iou.shape)}')
    if batch < 2:
        return 0 * (a.sum() + b.sum())
    similarity = _pairs(F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T, intra_modal)
    overlap = _pairs(iou, intra_modal)
    count = max(1, round(ratio * batch * (batch - 1) / 2))
    similar = similarity >= _kth_highest(similarity, count)
    threshold = _kth_highest(overlap, count)
    positive = similar & (overlap >= threshold) & (overlap > 0)
    negative = similar & (overlap < threshold)
    closeness = torch.exp(2 * similarity - 2)  # of unit vectors, |a - b|^2 = 2 - 2 <a, b>
    has_positive, has_negative = positive.any(), negative.any()
    p = torch.where(has_positive, _mean(closeness, positive), 1)
    n = torch.where(has_negative, _mean(closeness, negative), NO_NEGATIVES)
    return torch.where(has_positive | has_negative, torch.log((p + n) / p), 0 * p)


def _pairs(matrix: Tensor, unordered: bool) -> Tensor:
    """The entries (i, j) of a square matrix with i < j, or with i != j."""
    size = len(matrix)
    if unordered:
        rows, columns = torch.triu_indices(size, size, 1, device=matrix.device)
        return matrix[rows, columns]
    # Without the first entry, the others of the diagonal stand at the end of rows of size + 1.
    return matrix.flatten()[1:].view(size - 1, size + 1)[:, :-1].flatten()


def _kth_highest(values: Tensor, k: int) -> Tensor:
    return values.detach().topk(k).values[-1]


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    return torch.where(chosen, values, 0).sum() / chosen.sum().clamp(min=1)


@MODELS.register_module()
class HardMiningLoss(nn.Module):
    """:func:`hard_mining_loss`. Does not gather: Text-IoU belongs to the pairs of the joint batch, which the head has.

    Args:
        ratio: share of pairs that are mined.

    Raises:
        ValueError: if ``ratio`` is not in (0, 1].
    """

    def __init__(self, *, ratio: float = 0.03) -> None:
        super().__init__()
        if not 0 < ratio <= 1:
            raise ValueError(f'ratio must be in (0, 1], but got {ratio}')
        self.ratio = ratio

    def forward(self, a: Tensor, b: Tensor, iou: Tensor, intra_modal: bool = False) -> Tensor:
        """Loss of embeddings (B, D) of two modalities, or twice of one, and Text-IoU (B, B)."""
        return hard_mining_loss(a, b, iou, self.ratio, intra_modal)
