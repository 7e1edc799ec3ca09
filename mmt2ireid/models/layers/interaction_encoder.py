"""Words that look at a picture: the cross-modal interaction encoder of IRRA (Jiang and Ye, CVPR 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class QuickGELU(nn.Module):
    """CLIP's approximation of GELU."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiplies every value x by the logistic function of 1.702 x."""
        return x * torch.sigmoid(1.702 * x)


class InteractionEncoder(nn.Module):
    """One cross-attention from words to picture, then transformer layers over the words.

    ``x = CA(LN(words), LN(picture))``, without a way round it; then pre-norm layers of self-attention and a network of
    four times the width with QuickGELU, a norm at the end. Initialised as CLIP's text tower.

    Args:
        dim: width D.
        num_heads: attention heads.
        num_layers: transformer layers after the cross-attention.

    Raises:
        ValueError: if a size is not positive, or ``dim`` no multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int, num_layers: int = 4) -> None:
        super().__init__()
        if min(dim, num_heads, num_layers) < 1 or dim % num_heads:
            raise ValueError(
                'dim, num_heads and num_layers must be positive and dim a multiple of num_heads, but got '
                f'{dim}, {num_heads} and {num_layers}'
            )
        self.norm_txt, self.norm_img, self.norm = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.cross_attention = nn.MultiheadAttention(dim, num_heads, batch_first=True)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                dim,
                num_heads,
                4 * dim,
                dropout=0.0,
                activation=QuickGELU(),
                batch_first=True,
                norm_first=True,
            )
            for _ in range(num_layers)
        )
        self._init(dim, num_layers)

    def _init(self, dim: int, num_layers: int) -> None:
        inner, outer = dim**-0.5, (dim * 2 * num_layers) ** -0.5
        for module in self.modules():
            if isinstance(module, nn.MultiheadAttention):
                nn.init.normal_(module.in_proj_weight, std=inner)
                nn.init.normal_(module.out_proj.weight, std=outer)
            elif isinstance(module, nn.TransformerEncoderLayer):
                nn.init.normal_(module.linear1.weight, std=(2 * dim) ** -0.5)
                nn.init.normal_(module.linear2.weight, std=outer)
                nn.init.zeros_(module.linear1.bias)
                nn.init.zeros_(module.linear2.bias)

    def forward(self, txt_tokens: Tensor, txt_mask: Tensor, img_tokens: Tensor) -> Tensor:
        """Lets every word look at the picture and at the other words.

        Args:
            txt_tokens: (B, L, D).
            txt_mask: bool (B, L), True where a token is real; others are not looked at.
            img_tokens: (B, N, D).

        Returns:
            (B, L, D); arbitrary where ``txt_mask`` is False.
        """
        img = self.norm_img(img_tokens)
        x = self.cross_attention(self.norm_txt(txt_tokens), img, img, need_weights=False)[0]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~txt_mask)
        return self.norm(x)
