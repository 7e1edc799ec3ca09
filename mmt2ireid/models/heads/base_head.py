"""What a head is: features in, named losses out."""

from __future__ import annotations

from abc import abstractmethod

from mmengine.model import BaseModule
from torch import Tensor

from mmt2ireid.structures import PairFeatures, PairTargets


class BaseHead(BaseModule):
    """Base of the heads of a dual encoder; a method is a set of heads.

    Attributes:
        needs_masked_text: the head reads ``PairFeatures.masked_tokens``; the model then encodes the masked captions,
            once for all heads that ask.
        needs_phrases: the head reads ``PairTargets.phrases``; the model then has a bank of noun phrases.
        needs_views: numbers of the views of which the head reads ``PairFeatures.view_embeds``.
        enabled: whether the head takes part in training now; a hook may switch it on later.

    Args:
        loss_weight: factor on all losses of the head.
        init_cfg: MMEngine's initialisation config.
    """

    needs_masked_text = False
    needs_phrases = False
    needs_views: tuple[int, ...] = ()
    enabled = True

    def __init__(self, *, loss_weight: float = 1.0, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if loss_weight < 0:
            raise ValueError(f'loss_weight must not be negative, but got {loss_weight}')
        self.loss_weight = loss_weight

    @abstractmethod
    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Losses of a training batch of pairs (M = B).

        Returns:
            Scalars under keys ``loss_*`` that no other head of the model uses.
        """

    def embed(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor | None:
        """Features of one modality that take part in retrieval beside the global ones; None when there are none.

        Args:
            tokens: (B, N, D), projected by the neck.
            mask: bool (B, N), True where a token is real.

        Returns:
            (B, width), or None.
        """
        return None
