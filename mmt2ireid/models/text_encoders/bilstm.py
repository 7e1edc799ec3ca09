"""A bidirectional LSTM as the text encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


@MODELS.register_module()
class BiLSTMTextEncoder(BaseModule):
    """Word embedding and bidirectional LSTM layers, the text encoder of CMMT (ICCV 2021), section 4.1.

    The backward direction is an LSTM over captions that are turned round within their own length. Padding then comes
    last for both directions, and no caption is changed by it; unlike packed sequences, this needs no lengths on the
    host, so that no step waits for the device. A further layer reads both directions of the one below, as
    ``nn.LSTM(num_layers=..., bidirectional=True)`` does.

    Args:
        vocab_size: number of token ids; 0 is padding (see ``WordTokenizer``).
        embed_dims: width of the word embedding (the paper does not say; 512).
        hidden_dims: width of a direction; D_t is twice that.
        num_layers: layers; one by default, as in the paper. The network that its authors published has two.
        bias: whether gates have biases; True by default. The published network has none.
        word_vectors: a ``.npy`` file of floats (vocab_size, embed_dims) from which the embedding starts, a row per
            token id; None (default) for random values.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: if a size is not positive, or there is no id beside padding.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        embed_dims: int = 512,
        hidden_dims: int = 512,
        num_layers: int = 1,
        bias: bool = True,
        word_vectors: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if vocab_size < 2:
            raise ValueError(f'vocab_size must be at least 2, padding and one more, but got {vocab_size}')
        for name, value in dict(embed_dims=embed_dims, hidden_dims=hidden_dims, num_layers=num_layers).items():
            if value < 1:
                raise ValueError(f'{name} must be positive, but got {value}')
        self.vocab_size, self.word_vectors = vocab_size, word_vectors
        self.embedding = nn.Embedding(vocab_size, embed_dims, padding_idx=0)
        first, *others = (embed_dims, *[2 * hidden_dims] * (num_layers - 1))
        self.forward_lstm = nn.LSTM(first, hidden_dims, batch_first=True, bias=bias)
        self.backward_lstm = nn.LSTM(first, hidden_dims, batch_first=True, bias=bias)
        self.upper = nn.ModuleList(
            nn.ModuleDict(
                {
                    name: nn.LSTM(width, hidden_dims, batch_first=True, bias=bias)
                    for name in ('forward_lstm', 'backward_lstm')
                }
            )
            for width in others
        )

    def init_weights(self) -> None:
        """Loads the word vectors, if a file is named, and what ``init_cfg`` asks for.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no array of floats, or not of the embedding's shape.
        """
        super().init_weights()
        if self.word_vectors is not None:
            vectors = _read_vectors(self.word_vectors, tuple(self.embedding.weight.shape))
            with torch.no_grad():
                self.embedding.weight.copy_(vectors)
                self.embedding.weight[0] = 0

    def forward(self, token_ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encodes captions.

        Args:
            token_ids: int64 (M, L).
            mask: bool (M, L), True where a token is real; padding stands at the end.

        Returns:
            Tokens (M, L, 2 * hidden_dims), zero at padding.
        """
        tokens = self.embedding(token_ids)
        turn = _turned_positions(mask)
        tokens = _both_ways(self.forward_lstm, self.backward_lstm, tokens, turn)
        layers: Any = self.upper
        for layer in layers:
            tokens = _both_ways(layer['forward_lstm'], layer['backward_lstm'], tokens, turn)
        return EncoderOutput(tokens.masked_fill(~mask[..., None], 0), mask)


def _both_ways(forward: nn.Module, backward: nn.Module, tokens: Tensor, turn: Tensor) -> Tensor:
    ahead, _ = forward(tokens)
    back, _ = backward(_take(tokens, turn))
    return torch.cat([ahead, _take(back, turn)], dim=-1)


def _read_vectors(path: str, shape: tuple[int, ...]) -> Tensor:
    """Floats of a shape from a ``.npy`` file, without unpickling anything."""
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(f'no word vectors at {path}') from None
    except (ValueError, EOFError) as error:
        raise ValueError(f'{path} must be a .npy file of floats, but cannot be read as one: {error}') from error
    if not isinstance(found, np.ndarray) or found.dtype.kind != 'f' or found.shape != shape:
        what = f'{found.dtype} {found.shape}' if isinstance(found, np.ndarray) else type(found).__name__
        raise ValueError(f'{path} must hold floats of shape {shape}, a row per token id, but holds {what}')
    if not np.isfinite(found).all():
        raise ValueError(
            f'{path} must hold finite floats, but row {int(np.argwhere(~np.isfinite(found))[0, 0])} is not'
        )
    return torch.from_numpy(found)


def _turned_positions(mask: Tensor) -> Tensor:
    """For each position the one to read when a caption is turned round, (M, L); its own inverse; padding stays."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    last = mask.sum(dim=1, keepdim=True) - 1
    return torch.where(steps <= last, last - steps, steps)


def _take(tokens: Tensor, positions: Tensor) -> Tensor:
    # Not expand_as: torch 2.14 exports an LSTM's output with the length that it was traced with.
    return tokens.gather(1, positions[..., None].expand(*positions.shape, tokens.shape[-1]))
