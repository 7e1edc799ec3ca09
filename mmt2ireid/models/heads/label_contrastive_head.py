"""Head of TBPS-CLIP's contrastive losses."""

from __future__ import annotations

from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.heads.identity_affinity_heads import joint_batch
from mmt2ireid.models.layers import LearnedScale, gather_with_grad
from mmt2ireid.models.losses.label_contrastive import cyclic_loss, normalized_itc_loss, reversed_itc_loss
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class LabelContrastiveHead(LearnedScale, BaseHead):
    """``loss_nitc``, ``loss_ritc`` and ``loss_citc`` with one learned scale: TBPS-CLIP (AAAI 2024).

    Args:
        logit_scale: initial scale. None: that of the loaded CLIP weights (OpenAI's: 100), or 1 / 0.07, where CLIP's own
            training started, if the encoders are not loaded from one CLIP.
        max_scale: upper bound of the learned scale.
        reversed_weight: of R-ITC.
        cyclic_weight: of C-ITC.
        eps: of R-ITC.
        soft_ratio: share of the model's own prediction in the labels of N-ITC; ``HeadRampHook`` lets it grow.
        view: number of a second view of the pictures (``ExtraViews``); N-ITC is then the mean over both (MVS-I).
        gather: match the pairs of all ranks.
        loss_weight: factor on all three.

    Raises:
        ValueError: if the scale is not positive or above ``max_scale``, a weight or the number of the view is negative,
            or ``soft_ratio`` is not from 0 to 1.
    """

    def __init__(
        self,
        *,
        logit_scale: float | None = None,
        max_scale: float = 100.0,
        reversed_weight: float = 1.0,
        cyclic_weight: float = 0.1,
        eps: float = 1e-2,
        soft_ratio: float = 0.0,
        view: int | None = None,
        gather: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if min(reversed_weight, cyclic_weight) < 0 or eps <= 0:
            raise ValueError(
                'reversed_weight and cyclic_weight must not be negative and eps must be positive, but got '
                f'{reversed_weight}, {cyclic_weight} and {eps}'
            )
        if not 0 <= soft_ratio <= 1:
            raise ValueError(f'soft_ratio must be from 0 to 1, but got {soft_ratio}')
        if view is not None and view < 0:
            raise ValueError(f'view must not be negative, but got {view}')
        self.soft_ratio, self.needs_views = soft_ratio, () if view is None else (view,)
        self.start_scale(logit_scale, max_scale)
        self.eps, self.gather = eps, gather
        self.reversed_weight, self.cyclic_weight = reversed_weight, cyclic_weight

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Losses of the pairs, see :class:`BaseHead`; those of weight 0 are left out."""
        scale = self.learned_scale()
        img, txt, affinity = joint_batch(features, targets, self.gather)
        views = [features.view_embeds[number] for number in self.needs_views]
        pictures = [img, *(gather_with_grad(view) if self.gather else view for view in views)]
        values = [normalized_itc_loss(one, txt, affinity, scale, self.soft_ratio) for one in pictures]
        losses = {'loss_nitc': self.loss_weight * sum(values[1:], values[0]) / len(values)}
        if self.reversed_weight:
            value = reversed_itc_loss(img, txt, affinity, scale, self.eps)
            losses['loss_ritc'] = self.loss_weight * self.reversed_weight * value
        if self.cyclic_weight:
            losses['loss_citc'] = self.loss_weight * self.cyclic_weight * cyclic_loss(img, txt)
        return losses
