"""Head that contrasts two views of each picture."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import gather_with_grad
from mmt2ireid.models.losses.two_views import two_view_loss
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class TwoViewHead(BaseHead):
    """``loss_views``: SimCLR's loss on two views of the pictures, TBPS-CLIP's self-supervision (SS-I).

    Args:
        in_channels: D, width of the embeddings.
        hidden_channels: of the projection, Linear, ReLU, Linear.
        out_channels: of the projection.
        views: numbers of the two views, see ``ExtraViews``.
        temperature: of the loss.
        gather: compare with the pictures of all ranks.
        loss_weight: factor on the loss.

    Raises:
        ValueError: if ``views`` are not two numbers that differ, or ``temperature`` is not positive.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        views: Sequence[int] = (0, 1),
        temperature: float = 0.1,
        gather: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        if len(set(views)) != 2 or len(views) != 2 or min(views) < 0:
            raise ValueError(f'views must be two numbers that differ, none negative, but got {views}')
        if temperature <= 0:
            raise ValueError(f'temperature must be positive, but got {temperature}')
        self.needs_views, self.temperature, self.gather = tuple(views), temperature, gather
        self.projection = nn.Sequential(
            nn.Linear(in_channels, hidden_channels), nn.ReLU(), nn.Linear(hidden_channels, out_channels)
        )

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the pictures, see :class:`BaseHead`."""
        first, second = (self.projection(features.view_embeds[number]) for number in self.needs_views)
        if self.gather:
            first, second = gather_with_grad(first), gather_with_grad(second)
        return {'loss_views': self.loss_weight * two_view_loss(first, second, self.temperature)}
