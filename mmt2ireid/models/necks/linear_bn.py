"""Pooling, a linear map and batch normalisation."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput

POOLS = ('mean', 'max')


@MODELS.register_module()
class LinearBNNeck(BaseModule):
    """The neck of CMMT (ICCV 2021), section 4.1: one for images, ``pool='mean'``, and one for text, ``pool='max'``.

    'mean': global average pool, linear map, BatchNorm1d. 'max': linear map per token, maximum over tokens,
    BatchNorm1d. Padding is left out of both. A batch of one has no variance: in training, torch refuses it.

    Args:
        in_channels: width of the encoder, D_i or D_t.
        out_channels: common width D.
        pool: 'mean' or 'max'.
        include_cls: keep the leading tokens that stand for no patch or word.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: if ``pool`` is unknown.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int = 1024,
        pool: str = 'mean',
        include_cls: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if pool not in POOLS:
            raise ValueError(f'pool must be one of {POOLS}, but got {pool!r}')
        self.pool, self.include_cls = pool, include_cls
        self.in_channels = in_channels
        self.project = nn.Linear(in_channels, out_channels)
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, output: EncoderOutput) -> tuple[EncoderOutput, Tensor]:
        """Projects, pools and normalises.

        Args:
            output: tokens (B, N, width of the encoder).

        Returns:
            Projected tokens before BatchNorm1d with their mask: (B, N', D), where N' lacks the extra tokens if
            ``include_cls`` is off, for 'max'; the pooled one alone, (B, 1, D), for 'mean', since no other is
            projected. And embeddings (B, D), not of unit length.
        """
        tokens, mask, extra = output.tokens, output.mask, output.num_extra_tokens
        if not self.include_cls:
            tokens, mask, extra = tokens[:, extra:], None if mask is None else mask[:, extra:], 0
        if self.pool == 'mean':
            pooled = self.project(_mean(tokens, mask))
            return EncoderOutput(pooled[:, None]), self.norm(pooled)
        tokens = self.project(tokens)
        visible = tokens if mask is None else tokens.masked_fill(~mask[..., None], torch.finfo(tokens.dtype).min)
        return EncoderOutput(tokens, mask, extra), self.norm(visible.amax(dim=1))


def _mean(tokens: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return tokens.mean(dim=1)
    return tokens.masked_fill(~mask[..., None], 0).sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)
