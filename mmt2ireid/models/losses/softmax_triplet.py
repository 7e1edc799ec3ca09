"""The softmax-triplet loss of mutual mean teaching (MMT), hard and soft."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.layers.gather import gather, gather_with_grad
from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def softmax_triplet_loss(
    embed: Tensor, labels: Tensor, normalise: bool = False, ignore_unclustered: bool = False
) -> Tensor:
    r"""Triplet loss without margin, MMT (Ge et al., ICLR 2020), with hard labels.

    .. math::
        T_i = \frac{\exp |f_i - f_{n(i)}|}{\exp |f_i - f_{p(i)}| + \exp |f_i - f_{n(i)}|}, \quad
        L = -\mathrm{mean}_i \log T_i

    p(i) is the farthest member of the batch with i's label, n(i) the nearest one with another label. An anchor that
    has no p(i) or no n(i) does not count.

    Args:
        embed: f, (B, D).
        labels: int64 (B,); a negative one is un-clustered and counts as a label of its own.
        normalise: bring ``embed`` to unit length first (the authors do not).
        ignore_unclustered: leave the un-clustered out, which else are everybody's possible negatives.

    Returns:
        Scalar, computed in float32 or wider; 0 (with zero gradients) when no anchor counts.
    """
    embed = F.normalize(embed, dim=-1) if normalise else embed
    triplets = _mine(embed, labels, ignore_unclustered)
    return _mean(-_log_shares(embed, triplets)[:, 1], triplets)


@full_precision
def soft_softmax_triplet_loss(
    embed: Tensor, teacher_embed: Tensor, labels: Tensor, normalise: bool = False, ignore_unclustered: bool = False
) -> Tensor:
    r"""The same with a teacher's :math:`T_i` as the soft label (MMT).

    .. math:: L = -\mathrm{mean}_i [T'_i \log T_i + (1 - T'_i) \log (1 - T_i)]

    The triplets are mined in ``embed``; the teacher's T' is that of its own features of the same triplets. In MMT the
    teacher is the moving average of the *other* network.

    Args:
        embed: f, (B, D).
        teacher_embed: f', (B, D'), gets no gradient.
        labels: see :func:`softmax_triplet_loss`.
        normalise: bring both to unit length first.
        ignore_unclustered: see :func:`softmax_triplet_loss`.

    Returns:
        Scalar, computed in float32 or wider; 0 (with zero gradients) when no anchor counts.
    """
    teacher_embed = teacher_embed.detach()
    if normalise:
        embed, teacher_embed = F.normalize(embed, dim=-1), F.normalize(teacher_embed, dim=-1)
    triplets = _mine(embed, labels, ignore_unclustered)
    soft = _log_shares(teacher_embed, triplets).exp()
    return _mean(-(soft * _log_shares(embed, triplets)).sum(dim=1), triplets)


_Triplets = tuple[Tensor, Tensor, Tensor]


@torch.no_grad()
def _mine(embed: Tensor, labels: Tensor, ignore_unclustered: bool) -> _Triplets:
    """Hardest positive (B,), hardest negative (B,) and whether there are both, bool (B,)."""
    # Differences rather than products: the latter lose small distances to rounding.
    distance = torch.cdist(embed, embed, compute_mode='donot_use_mm_for_euclid_dist')
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    equal = (labels[:, None] == labels[None]) & (labels >= 0)
    positive, negative = equal & others, ~equal & others
    if ignore_unclustered:
        negative &= (labels >= 0)[None]
    farthest = distance.masked_fill(~positive, -1).argmax(dim=1)
    nearest = distance.masked_fill(~negative, torch.inf).argmin(dim=1)
    return farthest, nearest, positive.any(dim=1) & negative.any(dim=1)


def _log_shares(embed: Tensor, triplets: _Triplets) -> Tensor:
    """log(1 - T) and log T, (B, 2)."""
    farthest, nearest, _ = triplets
    distances = [(embed - embed.index_select(0, chosen)).norm(dim=1) for chosen in (farthest, nearest)]
    return F.log_softmax(torch.stack(distances, dim=1), dim=1)


def _mean(losses: Tensor, triplets: _Triplets) -> Tensor:
    counts = triplets[2]
    return torch.where(counts, losses, 0).sum() / counts.sum().clamp(min=1)


@MODELS.register_module()
class SoftmaxTripletLoss(nn.Module):
    """:func:`softmax_triplet_loss`, or with a teacher :func:`soft_softmax_triplet_loss`, mined over all ranks.

    Args:
        normalise: bring embeddings to unit length first.
        ignore_unclustered: leave the un-clustered out, which else are everybody's possible negatives.
        gather: mine in the joint batch of all ranks.
    """

    def __init__(self, *, normalise: bool = False, ignore_unclustered: bool = False, gather: bool = True) -> None:
        super().__init__()
        self.normalise, self.ignore_unclustered, self.gather = normalise, ignore_unclustered, gather

    def forward(self, embed: Tensor, labels: Tensor, teacher_embed: Tensor | None = None) -> Tensor:
        """Loss of (B, D) embeddings and (B,) labels of this rank (and of all ranks, when gathering)."""
        if self.gather:
            embed, labels = gather_with_grad(embed), gather(labels)
        if teacher_embed is None:
            return softmax_triplet_loss(embed, labels, self.normalise, self.ignore_unclustered)
        teacher_embed = gather(teacher_embed.detach()) if self.gather else teacher_embed
        return soft_softmax_triplet_loss(embed, teacher_embed, labels, self.normalise, self.ignore_unclustered)
