"""torch's multi-head attention with a layer of its own for each of its maps."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAPS = ('query', 'key', 'value')


class SplitAttention(nn.Module):
    """Computes what an ``nn.MultiheadAttention`` does, by linear layers ``query``, ``key``, ``value`` and ``out``.

    torch holds three of the maps in one parameter and multiplies by the weight of the fourth itself, so that an adapter
    around one of them would never be called.

    Args:
        attention: what to take over: the weights are copied.

    Raises:
        ValueError: it has biases on keys and values, zero attention, or keys of another width.
    """

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        if attention.in_proj_weight is None or attention.bias_k is not None or attention.add_zero_attn:
            raise ValueError('attention must be plain, but got one with kdim, vdim, add_bias_kv or add_zero_attn')
        dim, bias = attention.embed_dim, attention.in_proj_bias is not None
        self.num_heads, self.dropout, self.batch_first = attention.num_heads, attention.dropout, attention.batch_first
        self.query, self.key, self.value = (nn.Linear(dim, dim, bias=bias) for _ in MAPS)
        self.out = nn.Linear(dim, dim, bias=bias)
        self.take(attention)

    @torch.no_grad()
    def take(self, attention: nn.MultiheadAttention) -> None:
        """Copies the weights of an attention of the same size."""
        for name, weight in zip(MAPS, attention.in_proj_weight.chunk(3), strict=True):
            _plain(getattr(self, name)).weight.copy_(weight)
        _plain(self.out).weight.copy_(attention.out_proj.weight)
        if attention.in_proj_bias is not None:
            for name, bias in zip(MAPS, attention.in_proj_bias.chunk(3), strict=True):
                _plain(getattr(self, name)).bias.copy_(bias)
            _plain(self.out).bias.copy_(attention.out_proj.bias)

    @torch.no_grad()
    def joined(self) -> nn.MultiheadAttention:
        """The attention with the weights as they are now."""
        query, out = _plain(self.query), _plain(self.out)
        attention = nn.MultiheadAttention(
            query.in_features,
            self.num_heads,
            dropout=self.dropout,
            bias=query.bias is not None,
            batch_first=self.batch_first,
            device=query.weight.device,
            dtype=query.weight.dtype,
        )
        attention.in_proj_weight.copy_(torch.cat([_plain(getattr(self, name)).weight for name in MAPS]))
        attention.out_proj.weight.copy_(out.weight)
        if query.bias is not None:
            attention.in_proj_bias.copy_(torch.cat([_plain(getattr(self, name)).bias for name in MAPS]))
            attention.out_proj.bias.copy_(out.bias)
        return attention

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> tuple[Tensor, None]:
        """Attends; arguments as of ``nn.MultiheadAttention``, for batches.

        Args:
            query: (L, B, D), or (B, L, D) with ``batch_first``.
            key: (S, B, D) or (B, S, D).
            value: like ``key``.
            key_padding_mask: bool (B, S), True where a key does not count.
            need_weights: must be False.
            attn_mask: bool, True where a query may not look, or float, added; (L, S) or (B * heads, L, S).
            is_causal: a hint that ``attn_mask`` is causal; not needed.

        Returns:
            Like ``query``, and None.

        Raises:
            ValueError: weights are wanted.
        """
        if need_weights:
            raise ValueError('need_weights must be False: SplitAttention has no weights to give')
        inputs = (query, key, value) if self.batch_first else tuple(x.transpose(0, 1) for x in (query, key, value))
        q, k, v = (
            layer(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for layer, x in zip((self.query, self.key, self.value), inputs, strict=True)
        )
        mask = _joint_mask(attn_mask, key_padding_mask, q)
        found = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0
        )
        found = self.out(found.transpose(1, 2).flatten(2))
        return (found if self.batch_first else found.transpose(0, 1)), None


def _plain(layer: Any) -> Any:
    """The linear layer itself, also where peft has put an adapter around it."""
    return getattr(layer, 'base_layer', layer)


def _joint_mask(attn_mask: Tensor | None, key_padding_mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Both masks as one, to be added, broadcast to (B, heads, L, S)."""
    masks = []
    if attn_mask is not None:
        masks.append(attn_mask.unflatten(0, (len(like), -1)) if attn_mask.ndim == 3 else attn_mask)
    if key_padding_mask is not None:
        masks.append(key_padding_mask[:, None, None])
    total = None
    for mask in masks:
        if mask.dtype == torch.bool:
            mask = torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -torch.inf)
        total = mask if total is None else total + mask
    return None if total is None else total.to(like.dtype)
