"""Head of cross-modal projection matching."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import gather, gather_with_grad
from mmt2ireid.models.losses.soft_labels import SOFT_LABELS
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class ProjectionMatchingHead(BaseHead):
    """``loss_cpm`` towards soft labels, CMMT (ICCV 2021) section 3.4.

    Args:
        soft_labels: where they come from. 'text_iou': noun phrases in common, needs ``PairTargets.phrases``;
            'identity': each pair matches itself only (the CPM baseline); 'text_embedding', 'image_embedding': inner
            products within a modality (Table 4); 'label': identities (supervised CMPM).
        loss: config of the loss, ``CPMLoss`` by default.
        gather: match the pairs of all ranks.
        loss_weight: lambda of eq. 16.

    Raises:
        ValueError: if ``soft_labels`` is unknown.
    """

    def __init__(
        self,
        *,
        soft_labels: str = 'text_iou',
        loss: dict | None = None,
        gather: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if soft_labels not in SOFT_LABELS:
            raise ValueError(f'soft_labels must be one of {tuple(SOFT_LABELS)}, but got {soft_labels!r}')
        self.soft_labels, self.gather = soft_labels, gather
        self.needs_phrases = soft_labels == 'text_iou'
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.CPMLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pairs, see :class:`BaseHead`.

        Raises:
            ValueError: if the batch has no phrases and they are asked for.
        """
        img, txt = features.img_embed, features.txt_embed
        pids, phrases = targets.pids, targets.phrases if self.soft_labels == 'text_iou' else None
        if self.gather:
            img, txt, pids = gather_with_grad(img), gather_with_grad(txt), gather(pids)
            phrases = None if phrases is None else gather(phrases)
        affinity = SOFT_LABELS[self.soft_labels](img, txt, pids, phrases)
        return {'loss_cpm': self.loss_weight * self.criterion(img, txt, affinity)}
