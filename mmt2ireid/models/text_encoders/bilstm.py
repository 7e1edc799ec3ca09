"""A bidirectional LSTM as the text encoder."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


@MODELS.register_module()
class BiLSTMTextEncoder(BaseModule):
    """Word embedding and one bidirectional LSTM layer, the text encoder of CMMT (ICCV 2021), section 4.1.

    The backward direction is an LSTM over captions that are turned round within their own length. Padding then comes
    last for both directions, and no caption is changed by it; unlike packed sequences, this needs no lengths on the
    host, so that no step waits for the device.

    Args:
        vocab_size: number of token ids; 0 is padding (see ``WordTokenizer``).
        embed_dims: width of the word embedding (the paper does not say; 512).
        hidden_dims: width of a direction; D_t is twice that.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: if a size is not positive, or there is no id beside padding.
    """

    def __init__(
        self, *, vocab_size: int, embed_dims: int = 512, hidden_dims: int = 512, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if vocab_size < 2:
            raise ValueError(f'vocab_size must be at least 2, padding and one more, but got {vocab_size}')
        for name, value in dict(embed_dims=embed_dims, hidden_dims=hidden_dims).items():
            if value < 1:
                raise ValueError(f'{name} must be positive, but got {value}')
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embed_dims, padding_idx=0)
        self.forward_lstm = nn.LSTM(embed_dims, hidden_dims, batch_first=True)
        self.backward_lstm = nn.LSTM(embed_dims, hidden_dims, batch_first=True)

    def forward(self, token_ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encodes captions.

        Args:
            token_ids: int64 (M, L).
            mask: bool (M, L), True where a token is real; padding stands at the end.

        Returns:
            Tokens (M, L, 2 * hidden_dims), zero at padding.
        """
        words = self.embedding(token_ids)
        turn = _turned_positions(mask)
        ahead, _ = self.forward_lstm(words)
        back, _ = self.backward_lstm(_take(words, turn))
        tokens = torch.cat([ahead, _take(back, turn)], dim=-1)
        return EncoderOutput(tokens.masked_fill(~mask[..., None], 0), mask)


def _turned_positions(mask: Tensor) -> Tensor:
    """For each position the one to read when a caption is turned round, (M, L); its own inverse; padding stays."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    last = mask.sum(dim=1, keepdim=True) - 1
    return torch.where(steps <= last, last - steps, steps)


def _take(tokens: Tensor, positions: Tensor) -> Tensor:
    return tokens.gather(1, positions[..., None].expand_as(tokens))
