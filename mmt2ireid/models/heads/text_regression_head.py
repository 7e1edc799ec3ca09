"""Head of the regression of a frozen text embedding (MM-TIM)."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class TextRegressionHead(BaseHead):
    """``loss_text_regression``: the image embedding holds the logits of the text embedding, after Gomez et al. (2019).

    The text embedding gets no gradient from here; freezing the text encoder (also its dropout and its statistics) is
    the config's business. Retrieval compares the logits with the text embedding as it is: a logit grows with the value
    that it stands for, in the middle of the range in proportion to it, so that cosine similarities rank alike.

    Args:
        loss: config of the loss, ``TextRegressionLoss`` by default.
        loss_weight: its factor.
    """

    def __init__(self, *, loss: dict | None = None, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight=loss_weight)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.TextRegressionLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`."""
        value = self.criterion(features.img_embed, features.txt_embed.detach())
        return {'loss_text_regression': self.loss_weight * value}
