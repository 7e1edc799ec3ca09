"""Heads of losses that are told which pairs of the joint batch are of one identity."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import gather, gather_with_grad
from mmt2ireid.models.losses.soft_labels import label_affinity
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


class IdentityAffinityHead(BaseHead):
    """Base of heads whose loss takes the embeddings of the joint batch and who is who in it.

    Pairs without a known identity match themselves only.

    Attributes:
        loss_name: key of the loss.

    Args:
        loss: config of the loss, called with (img_embed, txt_embed, affinity).
        gather: match the pairs of all ranks.
        loss_weight: its factor.
    """

    loss_name = ''
    default_loss = ''

    def __init__(self, *, loss: dict | None = None, gather: bool = True, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight=loss_weight)
        self.gather = gather
        self.criterion = MODELS.build(loss or dict(type=self.default_loss))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`."""
        value = self.criterion(*joint_batch(features, targets, self.gather))
        return {self.loss_name: self.loss_weight * value}


@MODELS.register_module()
class SimilarityDistributionHead(IdentityAffinityHead):
    """``loss_sdm`` on the pooled embeddings: IRRA (CVPR 2023). Arguments as of :class:`IdentityAffinityHead`."""

    loss_name = 'loss_sdm'
    default_loss = 'mmt2ireid.SDMLoss'


@MODELS.register_module()
class TripletAlignmentHead(IdentityAffinityHead):
    """``loss_tal`` on the pooled embeddings: RDE (CVPR 2024). Arguments as of :class:`IdentityAffinityHead`."""

    loss_name = 'loss_tal'
    default_loss = 'mmt2ireid.TALLoss'


def joint_batch(features: PairFeatures, targets: PairTargets, gather_ranks: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings (B, D) of images and texts, and which of them are of one identity, float32 (B, B).

    Args:
        features: of this rank.
        targets: of this rank.
        gather_ranks: add those of all other ranks.
    """
    img, txt, pids = features.img_embed, features.txt_embed, targets.pids
    if gather_ranks:
        img, txt, pids = gather_with_grad(img), gather_with_grad(txt), gather(pids)
    return img, txt, label_affinity(pids)
