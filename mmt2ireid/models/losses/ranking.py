"""Ranking loss with semi-hard negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.layers.gather import gather, gather_with_grad
from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS

REDUCTIONS = ('mean', 'sum')


@full_precision
def ranking_loss(
    img_embed: Tensor,
    txt_embed: Tensor,
    pids: Tensor,
    margin: float = 0.2,
    reduction: str = 'mean',
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Bidirectional triplet loss on semi-hard negatives, UniPT (ICCV 2023) eq. 5, mining after VTA (Ge et al. 2019).

    For anchor i with its own pair as the positive and any j of another identity, :math:`l_j = s_{ij} - s_{ii} +
    \alpha`. One j is drawn uniformly from the semi-hard set :math:`\{j : 0 < l_j < \alpha\}`; an anchor whose set is
    empty contributes nothing. Negatives that are nearer than the positive (:math:`l_j \ge \alpha`) are NOT in the set:
    from random weights nearly all are, so this loss needs encoders that already align the modalities.

    Args:
        img_embed: (B, D), need not be normalised.
        txt_embed: (B, D).
        pids: int64 (B,); a negative one is unknown and counts as an identity of its own.
        margin: alpha.
        reduction: 'mean' over the contributing anchors of a direction, the two directions added; or 'sum' over all
            anchors of both directions (the authors' earlier LGUR code).
        generator: source of the draws; None for torch's global one.

    Returns:
        Scalar, computed in float32 or wider without any copy to the host.

    Raises:
        ValueError: if ``reduction`` is unknown or ``margin`` not positive.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f'reduction must be one of {REDUCTIONS}, but got {reduction!r}')
    if margin <= 0:
        raise ValueError(f'margin must be positive, but got {margin}')
    similarity = F.normalize(img_embed, dim=-1) @ F.normalize(txt_embed, dim=-1).T
    negative = (pids[:, None] != pids[None]) | (pids < 0)[:, None]
    negative = negative & ~torch.eye(len(pids), dtype=torch.bool, device=pids.device)
    device = similarity.device if generator is None else generator.device
    draws = torch.rand((2, *similarity.shape), generator=generator, device=device)
    draws = draws.to(similarity.device, non_blocking=True)
    return _one_direction(similarity, negative, draws[0], margin, reduction) + _one_direction(
        similarity.T, negative.T, draws[1], margin, reduction
    )


def _one_direction(similarity: Tensor, negative: Tensor, draws: Tensor, margin: float, reduction: str) -> Tensor:
    violation = similarity - similarity.diagonal()[:, None] + margin
    semi_hard = negative & (violation > 0) & (violation < margin)
    # The largest of independent uniform numbers is a uniform choice, on the device and without a loop.
    chosen = draws.masked_fill(~semi_hard, -1).argmax(dim=1, keepdim=True)
    contributes = semi_hard.any(dim=1)
    losses = torch.where(contributes, violation.gather(1, chosen).squeeze(1), 0)
    return losses.sum() if reduction == 'sum' else losses.sum() / contributes.sum().clamp(min=1)


@MODELS.register_module()
class RankingLoss(nn.Module):
    """:func:`ranking_loss` with candidates from all ranks.

    Every rank computes the loss of the joint batch, so all must draw alike: :meth:`seed_step`, called before each step
    by ``StepSeedHook``, sets the same seed on every rank. It also makes a resumed run draw as an uninterrupted one.

    Args:
        margin: alpha of eq. 5.
        reduction: 'mean' or 'sum'.
        gather: use the pairs of all ranks.

    Raises:
        ValueError: if ``margin`` or ``reduction`` is not allowed.
    """

    def __init__(self, *, margin: float = 0.2, reduction: str = 'mean', gather: bool = True) -> None:
        super().__init__()
        if margin <= 0:
            raise ValueError(f'margin must be positive, but got {margin}')
        if reduction not in REDUCTIONS:
            raise ValueError(f'reduction must be one of {REDUCTIONS}, but got {reduction!r}')
        self.margin, self.reduction, self.gather = margin, reduction, gather
        self._step_seed: int | None = None

    def seed_step(self, seed: int) -> None:
        """Sets the seed of the next draw; the same number on all ranks."""
        self._step_seed = seed

    def forward(self, img_embed: Tensor, txt_embed: Tensor, pids: Tensor) -> Tensor:
        """Loss of (B, D) embeddings and (B,) identities of this rank (and of all ranks, when gathering)."""
        if self.gather:
            img_embed, txt_embed = gather_with_grad(img_embed), gather_with_grad(txt_embed)
            pids = gather(pids)
        generator = None
        if self._step_seed is not None:
            generator = torch.Generator(img_embed.device).manual_seed(self._step_seed)
        return ranking_loss(img_embed, txt_embed, pids, self.margin, self.reduction, generator)
