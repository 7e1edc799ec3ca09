"""Head of the identification loss on global embeddings."""

from __future__ import annotations

from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class IdentityHead(BaseHead):
    """``loss_identity``: one linear classifier that both modalities share, UniPT eq. 4.

    Args:
        num_classes: identities of the training set, C.
        in_channels: width D of the embeddings.
        loss: config of the loss, ``IdentityLoss`` by default.
        loss_weight: its factor.

    Raises:
        ValueError: if ``num_classes`` is not positive.
    """

    def __init__(
        self, *, num_classes: int, in_channels: int = 512, loss: dict | None = None, loss_weight: float = 1.0
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if num_classes < 1:
            raise ValueError(f'num_classes must be positive, but got {num_classes}')
        self.num_classes = num_classes
        self.classifier = nn.Linear(in_channels, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.001)
        nn.init.zeros_(self.classifier.bias)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.IdentityLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`."""
        value = self.criterion(self.classifier(features.img_embed), self.classifier(features.txt_embed), targets.pids)
        return {'loss_identity': self.loss_weight * value}
