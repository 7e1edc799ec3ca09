"""The cross-attention decoder of the prototype-based granularity unification (PGU).

Source: LGUR (Shao et al., ACM MM 2022), used by UniPT (Shao et al., ICCV 2023), eq. 6.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PrototypeAttention(nn.Module):
    """Multi-head cross-attention of K prototypes to the N tokens of one modality.

    Heads are as wide as the tokens (``head_dim`` = 512 in the paper), keys, queries and values have no bias, the
    output map has one. With K much smaller than N it is cheaper to move the key map to the queries,
    ``(x Wq) (y Wk)^T = (x Wq Wk^T) y^T``, and to apply the value map after the weighted sum, ``A (y Wv) = (A y) Wv``:
    exact algebra that projects K * heads vectors in place of N tokens, and leaves one attention call with the tokens
    themselves as keys and values.

    Args:
        dim: width D of prototypes and tokens.
        num_heads: number of heads.
        head_dim: width of a head.
    """

    def __init__(self, dim: int, num_heads: int, head_dim: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, head_dim
        self.query = nn.Linear(dim, num_heads * head_dim, bias=False)
        self.key = nn.Linear(dim, num_heads * head_dim, bias=False)
        self.value = nn.Linear(dim, num_heads * head_dim, bias=False)
        self.out = nn.Linear(num_heads * head_dim, dim)

    def forward(self, x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attends.

        Args:
            x: prototypes (B, K, D) or (1, K, D) where all items share them.
            y: tokens (B, N, D).
            mask: bool (B, N), True where a token is real.

        Returns:
            (B, K, D).
        """
        batch, parts, dim = y.shape[0], x.shape[1], y.shape[2]
        heads = (self.num_heads, self.head_dim)
        queries = self.query(x).unflatten(-1, heads)  # (B|1, K, heads, head_dim)
        folded = torch.einsum('bkhc,hcd->bhkd', queries, self.key.weight.unflatten(0, heads))
        folded = folded.flatten(1, 2).expand(batch, -1, -1)  # (B, heads * K, D): one head with many queries
        attn_mask = None if mask is None else mask[:, None, None, :]
        pooled = F.scaled_dot_product_attention(
            folded[:, None], y[:, None], y[:, None], attn_mask=attn_mask, scale=self.head_dim**-0.5
        )
        pooled = pooled.reshape(batch, self.num_heads, parts, dim)
        values = torch.einsum('bhkd,hcd->bkhc', pooled, self.value.weight.unflatten(0, heads))
        return self.out(values.flatten(2))


class PrototypeDecoderLayer(nn.Module):
    """``x <- x + CA(LN(x), LN(y)); x <- x + FFN(LN(x))``; one LayerNorm serves prototypes and tokens.

    There is no self-attention, positional encoding, dropout or final norm.

    Args:
        dim: width D.
        num_heads: number of heads.
        head_dim: width of a head.
        ffn_dim: hidden width of the feed-forward network (ReLU).
    """

    def __init__(self, dim: int, num_heads: int, head_dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = PrototypeAttention(dim, num_heads, head_dim)
        self.norm_ffn = nn.LayerNorm(dim)
        self.ffn = nn.Sequential(nn.Linear(dim, ffn_dim), nn.ReLU(), nn.Linear(ffn_dim, dim))

    def forward(self, x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
        """Refines prototypes (B|1, K, D) by tokens (B, N, D) with mask bool (B, N); returns (B, K, D)."""
        x = x + self.attention(self.norm_attention(x), self.norm_attention(y), mask)
        return x + self.ffn(self.norm_ffn(x))
