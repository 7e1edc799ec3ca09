"""The text tower of a CLIP model of open_clip as a text encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModule, initialize
from torch import Tensor, nn

from mmt2ireid.models.clip_towers import build_clip, check_activation, halve_weights, logit_scale_of, resize_sequence
from mmt2ireid.models.layers.layer_depth import layer_depth
from mmt2ireid.models.weights import load_matching
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput

PARTS = ('token_embedding', 'positional_embedding', 'transformer', 'ln_final', 'text_projection')
"""open_clip's names; ours are the same."""


@MODELS.register_module()
class OpenCLIPTextEncoder(BaseModule):
    """CLIP's text embedding, and beside it every word in the same space.

    The first token is the embedding that open_clip's ``encode_text`` gives, not normalised: that of the end token. It
    takes the place of the start token, which under the causal mask is the same for every caption. The words after it
    went through the same norm and projection. Captions may be padded to any length up to the context's, since no word
    sees what comes after it; captions need start and end token, as ``CLIPTokenizer`` gives them.

    Args:
        model: a name that open_clip knows ('ViT-B-16-quickgelu', 'RN50-quickgelu'), or its ``model_cfg``.
        context_length: longest caption in tokens; position embeddings are resized. None: the model's own, 77.
        keep_start: also give the start token's own output, between the embedding and the first word.
        half_weights: keep the weights in float16 and compute in it, norms apart; see :class:`OpenCLIPImageEncoder`.
        attention_dropout: share of the attention weights that are left out in training; CLIP itself: 0.
        init_cfg: e.g. ``dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai')``; random weights when None.

    Attributes:
        clip_scale: the scale of the CLIP model whose weights were loaded, 100 of OpenAI's; None before.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: there is no such model, its text tower is not CLIP's own, ``context_length`` is below 2, or
            ``attention_dropout`` not from 0 to below 1.
    """

    causal: Tensor
    clip_scale: float | None = None

    def __init__(
        self,
        *,
        model: str | Mapping[str, Any] = 'ViT-B-16',
        context_length: int | None = None,
        keep_start: bool = False,
        half_weights: bool = False,
        attention_dropout: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.keep_start, self.half_weights = keep_start, half_weights
        if context_length is not None and context_length < 2:
            raise ValueError(f'context_length must be at least 2, but got {context_length}')
        if not 0 <= attention_dropout < 1:
            raise ValueError(f'attention_dropout must be from 0 to below 1, but got {attention_dropout}')
        self.model_name = model if isinstance(model, str) else None
        tower = _text_tower(build_clip(model), str(model))
        self.token_embedding: nn.Embedding = tower.token_embedding
        self.transformer, self.ln_final = tower.transformer, tower.ln_final
        self.text_projection: Any = tower.text_projection
        if attention_dropout:
            set_attention_dropout(self.transformer, attention_dropout)
        table = tower.positional_embedding.detach()
        self.positional_embedding = nn.Parameter(resize_sequence(table, context_length or len(table)).clone())
        if half_weights:
            halve_weights(self)
            if isinstance(self.text_projection, nn.Parameter):
                self.text_projection.data = self.text_projection.data.half()
        causal = torch.full((self.max_length, self.max_length), -torch.inf).triu_(1)
        self.register_buffer('causal', causal, persistent=False)

    @property
    def vocab_size(self) -> int:
        """Number of token ids that the embedding knows."""
        return self.token_embedding.num_embeddings

    @property
    def max_length(self) -> int:
        """Longest caption in tokens that the position embedding knows."""
        return len(self.positional_embedding)

    def init_weights(self) -> None:
        """Loads the weights that ``init_cfg`` names; the tower's parts have been initialised by open_clip."""
        if self.init_cfg:
            initialize(self, self.init_cfg)
        self._is_init = True

    def load_clip(self, network: nn.Module, label: str) -> None:
        """Takes over the text tower of a whole model.

        Args:
            network: an open_clip model.
            label: what to call it.

        Raises:
            ValueError: it is another model, or its activation is another.
        """
        tower = _text_tower(network, label)
        check_activation(self.transformer, tower.transformer, label)
        state = {key: value for key, value in tower.state_dict().items() if key.split('.')[0] in PARTS}
        state['positional_embedding'] = resize_sequence(state['positional_embedding'], self.max_length)
        load_matching(self, state, label)
        self.clip_scale = logit_scale_of(network)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter, for ``paramwise_cfg.layer_decay_rate``.

        Args:
            param_name: its name.
            prefix: of names in this encoder.

        Returns:
            The depth, 0 of the embeddings, and the number of depths.
        """
        return layer_depth(
            param_name.removeprefix(prefix),
            stem=('token_embedding.', 'positional_embedding'),
            block='transformer.resblocks.',
            num_blocks=len(self.transformer.resblocks),
        )

    def forward(self, token_ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encodes captions.

        Args:
            token_ids: int64 (M, L).
            mask: bool (M, L), True where a token is real; padding stands at the end.

        Returns:
            Tokens (M, L, D_t), CLIP's embedding first, then the words; the end token's own place counts as padding.
            With ``keep_start`` (M, 1 + L, D_t): the embedding, then every token at its place.
        """
        length = token_ids.shape[1]
        tokens, positions = self.token_embedding(token_ids), self.positional_embedding[:length]
        if self.half_weights:
            tokens, positions = tokens.half(), positions.half()
        tokens = tokens + positions
        tokens = self.ln_final(self.transformer(tokens, attn_mask=self.causal[:length, :length]))
        tokens = self._project(tokens)
        if self.half_weights:
            tokens = tokens.float()
        end = mask.sum(dim=1) - 1
        embed = tokens.gather(1, end[:, None, None].expand(-1, 1, tokens.shape[2]))
        words = torch.arange(length, device=mask.device) < end.clamp(min=1)[:, None]
        if self.keep_start:
            return EncoderOutput(torch.cat([embed, tokens], dim=1), torch.cat([words[:, :1], words], dim=1), 2)
        return EncoderOutput(torch.cat([embed, tokens[:, 1:]], dim=1), words, num_extra_tokens=1)

    def _project(self, tokens: Tensor) -> Tensor:
        projection = self.text_projection
        if projection is None:
            return tokens
        return projection(tokens) if isinstance(projection, nn.Linear) else tokens @ projection


def _text_tower(network: nn.Module, label: str) -> Any:
    """What holds the text tower's parts: the model itself, or its ``text``."""
    tower = getattr(network, 'text', network)
    pool = getattr(tower, 'text_pool_type', getattr(tower, 'pool_type', None))
    causal = getattr(tower, 'attn_mask', None) is not None and getattr(tower, 'cls_emb', None) is None
    if not causal or pool not in ('argmax', 'eos'):
        raise ValueError(
            f"The text tower of {label} must be CLIP's own, causal and read at the end token, but got "
            f'{type(tower).__name__}{" without a causal mask," * (not causal)} with pool_type {pool!r}'
        )
    return tower


def set_attention_dropout(transformer: nn.Module, share: float) -> None:
    """Leaves out a share of the attention weights in training.

    Args:
        transformer: of open_clip.
        share: from 0 to below 1.

    Raises:
        ValueError: its attention is none of torch's.
    """
    layers = [module for module in transformer.modules() if isinstance(module, nn.MultiheadAttention)]
    if not layers:
        raise ValueError("attention_dropout must be 0 for this text tower, whose attention is not torch's")
    for layer in layers:
        layer.dropout = share
