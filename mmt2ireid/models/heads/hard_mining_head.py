"""Head of the Text-IoU guided hard sample mining."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import gather, gather_with_grad
from mmt2ireid.models.losses.soft_labels import text_iou_affinity
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class HardMiningHead(BaseHead):
    """``loss_hsm_cross``, ``loss_hsm_txt`` and ``loss_hsm_img``: CMMT (ICCV 2021) eq. 13 to 15.

    Needs ``PairTargets.phrases``.

    Args:
        cross_modal: mine text-image pairs (CHSM).
        intra_modal: mine pairs of texts and pairs of images (IHSM).
        loss: config of the loss, ``HardMiningLoss`` by default.
        gather: mine among the pairs of all ranks.
        loss_weight: alpha of eq. 16, on all three.

    Raises:
        ValueError: if there is nothing to mine.
    """

    needs_phrases = True

    def __init__(
        self,
        *,
        cross_modal: bool = True,
        intra_modal: bool = True,
        loss: dict | None = None,
        gather: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if not cross_modal and not intra_modal:
            raise ValueError('cross_modal or intra_modal must be on, but both are off')
        self.cross_modal, self.intra_modal, self.gather = cross_modal, intra_modal, gather
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.HardMiningLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Losses of the pairs, see :class:`BaseHead`.

        Raises:
            ValueError: if the batch has no phrases.
        """
        img, txt, phrases = features.img_embed, features.txt_embed, targets.phrases
        if self.gather:
            img, txt = gather_with_grad(img), gather_with_grad(txt)
            phrases = None if phrases is None else gather(phrases)
        iou = text_iou_affinity(phrases)
        losses = {}
        if self.cross_modal:
            losses['loss_hsm_cross'] = self.criterion(txt, img, iou)
        if self.intra_modal:
            losses['loss_hsm_txt'] = self.criterion(txt, txt, iou, intra_modal=True)
            losses['loss_hsm_img'] = self.criterion(img, img, iou, intra_modal=True)
        return {name: self.loss_weight * value for name, value in losses.items()}
