"""The learned scale of contrastive losses, and where it starts."""

from __future__ import annotations

import math
from typing import Any

import torch
from mmengine.logging import MMLogger
from torch import Tensor, nn

CLIP_START = 1 / 0.07
"""The scale at which CLIP's own training started; OpenAI's weights ended at 100."""


class LearnedScale:
    """Part of a loss or head that learns the logarithm of its scale, as CLIP does.

    A scale belongs to the embeddings that it was learned with. So ``logit_scale=None`` takes the one that the loaded
    CLIP weights carry (:func:`take_clip_scale`).

    Attributes:
        log_scale: the parameter; None where the scale is fixed.
        max_scale: its upper bound, not as a logarithm.
        scale_from_weights: whether the scale starts from that of the loaded weights.
    """

    log_scale: nn.Parameter | None
    max_scale: float
    scale_from_weights = False

    def start_scale(self, logit_scale: float | None, max_scale: float) -> None:
        """Creates the parameter.

        Args:
            logit_scale: initial scale. None: from the loaded CLIP weights, or 1 / 0.07 where there are none.
            max_scale: upper bound.
        """
        check_scale(logit_scale, max_scale)
        self.max_scale, self.scale_from_weights = max_scale, logit_scale is None
        start = min(CLIP_START, max_scale) if logit_scale is None else logit_scale
        self.log_scale = nn.Parameter(torch.tensor(math.log(start)))

    def learned_scale(self) -> Tensor:
        """The scale in force, a scalar with a gradient."""
        assert self.log_scale is not None
        with torch.no_grad():  # on the parameter itself: a clamp in the graph would leave no gradient to come back
            self.log_scale.clamp_(max=math.log(self.max_scale))
        return self.log_scale.exp()


def check_scale(logit_scale: float | None, max_scale: float) -> None:
    """Refuses scales that cannot be.

    Raises:
        ValueError: ``logit_scale`` is not positive or above ``max_scale``, or ``max_scale`` is not positive.
    """
    if max_scale <= 0:
        raise ValueError(f'max_scale must be positive, but got {max_scale}')
    if logit_scale is not None and not 0 < logit_scale <= max_scale:
        raise ValueError(
            f'logit_scale must be positive and at most max_scale={max_scale}, or None for that of the loaded CLIP '
            f'weights, but got {logit_scale}'
        )


def take_clip_scale(heads: nn.Module, *encoders: nn.Module) -> None:
    """Starts learned scales from the one that the loaded CLIP weights carry; those with a value of their own keep it.

    The scale is that of a common space, so both encoders must come from one CLIP. The log says what scales start from.

    Args:
        heads: of a model.
        encoders: of images and of text, initialized; ``clip_scale`` of one, or of what it wraps, tells of CLIP weights.
    """
    asking = {
        name: part for name, part in heads.named_modules() if isinstance(part, LearnedScale) and part.scale_from_weights
    }
    if not asking:
        return
    scales = {_scale_of(encoder) for encoder in encoders}
    scale = scales.pop() if len(scales) == 1 else None
    logger = MMLogger.get_current_instance()  # get_model holds back what is logged by this function
    for name, part in asking.items():
        assert part.log_scale is not None
        if scale is not None:
            with torch.no_grad():
                part.log_scale.fill_(math.log(min(scale, part.max_scale)))
        source = 'since the encoders are not loaded from one CLIP' if scale is None else 'as in the loaded CLIP weights'
        logger.info(f'heads.{name}: the scale starts at {part.learned_scale().item():.4g}, {source}')


def _scale_of(encoder: nn.Module) -> float | None:
    """``clip_scale`` of an encoder, or of the one that it wraps."""
    found: list[Any] = [part.clip_scale for part in encoder.modules() if hasattr(part, 'clip_scale')]
    return found[0] if found else None
