"""1x1 convolution and max-pooling over tokens."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


@MODELS.register_module()
class ConvMaxPoolNeck(BaseModule):
    """Projects each token to the common width, then takes the maximum over tokens (UniPT, section 4.1).

    The authors' release pools over CLS and patches and, for text, over all 100 positions with padding. We leave padding
    out, so that an embedding does not depend on the batch it came in; ``mask_padding=False`` with
    ``pad_to=100`` in the data preprocessor is the release's way.

    Args:
        in_channels: width of the encoder, D_i or D_t.
        out_channels: common width D.
        include_cls: keep the leading tokens that stand for no patch or word.
        mask_padding: leave padding out of the maximum.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int = 512,
        include_cls: bool = True,
        mask_padding: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.include_cls, self.mask_padding = include_cls, mask_padding
        self.in_channels = in_channels
        self.project = nn.Linear(in_channels, out_channels)  # a 1x1 convolution over tokens

    def forward(self, output: EncoderOutput) -> tuple[EncoderOutput, Tensor]:
        """Projects and pools.

        Args:
            output: tokens (B, N, width of the encoder).

        Returns:
            Tokens (B, N', D) with their mask, where N' lacks the extra tokens if ``include_cls`` is off; and
            embeddings (B, D), not normalised.
        """
        tokens, mask, extra = output.tokens, output.mask, output.num_extra_tokens
        if not self.include_cls:
            tokens, mask, extra = tokens[:, extra:], None if mask is None else mask[:, extra:], 0
        tokens = self.project(tokens)
        visible = tokens
        if self.mask_padding and mask is not None:
            visible = tokens.masked_fill(~mask[..., None], torch.finfo(tokens.dtype).min)
        return EncoderOutput(tokens, mask, extra), visible.amax(dim=1)
