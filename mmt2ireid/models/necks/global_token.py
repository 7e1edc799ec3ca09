"""An encoder's own embedding as it is."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


@MODELS.register_module()
class GlobalTokenNeck(BaseModule):
    """Hands on the tokens, and the first of them as the embedding; nothing is learnt.

    For encoders of both modalities that already meet in one space, as CLIP's do: a new projection would have to learn
    anew how they correspond.

    Args:
        out_channels: common width D, which must be that of the encoder.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(self, *, out_channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.out_channels = out_channels

    def forward(self, output: EncoderOutput) -> tuple[EncoderOutput, Tensor]:
        """Takes the first token.

        Args:
            output: tokens (B, N, D), the global one first.

        Returns:
            The tokens as they came, and embeddings (B, D), not normalised.

        Raises:
            ValueError: there is no global token, or its width is another.
        """
        if output.num_extra_tokens < 1 or output.tokens.shape[2] != self.out_channels:
            raise ValueError(
                f'GlobalTokenNeck needs a leading global token of width out_channels={self.out_channels}, but got '
                f'{output.num_extra_tokens} such tokens of width {output.tokens.shape[2]}'
            )
        return output, output.tokens[:, 0]
