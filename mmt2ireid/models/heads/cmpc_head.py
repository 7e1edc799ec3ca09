"""Head of cross-modal projection classification."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class CMPCHead(BaseHead):
    """``loss_cmpc``: Zhang and Lu (ECCV 2018), with identities.

    Args:
        num_classes: identities of the training set, C.
        in_channels: width D of the embeddings.
        loss: config of the loss, ``CMPCLoss`` by default.
        loss_weight: its factor.

    Raises:
        ValueError: if ``num_classes`` is not positive.
    """

    def __init__(
        self, *, num_classes: int, in_channels: int = 1024, loss: dict | None = None, loss_weight: float = 1.0
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if num_classes < 1:
            raise ValueError(f'num_classes must be positive, but got {num_classes}')
        self.num_classes = num_classes
        self.weight = nn.Parameter(torch.empty(in_channels, num_classes))
        # The loss normalises the columns: all directions alike to begin with, the scale does not matter.
        nn.init.normal_(self.weight, std=in_channels**-0.5)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.CMPCLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`."""
        value = self.criterion(features.img_embed, features.txt_embed, self.weight, targets.pids)
        return {'loss_cmpc': self.loss_weight * value}
