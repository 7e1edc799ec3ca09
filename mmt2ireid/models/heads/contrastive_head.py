"""Head of the contrastive loss on global embeddings."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class ContrastiveHead(BaseHead):
    """``loss_contrastive`` on the pooled embeddings: UniPT eq. 1.

    Args:
        loss: config of the loss, ``ContrastiveLoss`` by default.
        loss_weight: its factor.
    """

    def __init__(self, *, loss: dict | None = None, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight=loss_weight)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.ContrastiveLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`."""
        return {'loss_contrastive': self.loss_weight * self.criterion(features.img_embed, features.txt_embed)}
