"""One linear map per part, computed at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class PartLinear(nn.Module):
    """K independent linear maps, the k-th applied to the k-th part.

    Args:
        num_parts: K.
        in_features: width of a part.
        out_features: width of a mapped part.
        bias: whether each map has a bias.
        std: standard deviation of the normal initialisation; None for ``nn.Linear``'s uniform one.
    """

    def __init__(
        self, num_parts: int, in_features: int, out_features: int, *, bias: bool = True, std: float | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_parts, in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(num_parts, 1, out_features)) if bias else None
        if std is None:
            bound = 1 / math.sqrt(in_features)
            nn.init.uniform_(self.weight, -bound, bound)
        else:
            nn.init.normal_(self.weight, std=std)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, K, in_features) to (B, K, out_features)."""
        parts = x.transpose(0, 1)
        if self.bias is None:
            return torch.bmm(parts, self.weight).transpose(0, 1)
        return torch.baddbmm(self.bias, parts, self.weight).transpose(0, 1)
