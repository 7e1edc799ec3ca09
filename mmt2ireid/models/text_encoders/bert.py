"""BERT as the text encoder."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModule, initialize
from torch import Tensor
from transformers import BertConfig, BertModel

from mmt2ireid.models.layers.layer_depth import layer_depth
from mmt2ireid.models.weights import load_bert
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


@MODELS.register_module()
class BertTextEncoder(BaseModule):
    """transformers' BERT without pooler; the CLS token comes first.

    Args:
        config: arguments of ``transformers.BertConfig``; BERT-base-uncased by default.
        init_cfg: e.g. ``dict(type='HFPretrained', checkpoint='bert-base-uncased')``; random weights when None.
    """

    def __init__(self, *, config: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        # Fused attention: torch's scaled_dot_product_attention.
        settings: dict[str, Any] = dict(attn_implementation='sdpa', **(config or {}))
        self.bert = BertModel(BertConfig(**settings), add_pooling_layer=False)

    @property
    def vocab_size(self) -> int:
        """Number of token ids that the embedding knows."""
        return self.bert.config.vocab_size

    @property
    def max_length(self) -> int:
        """Longest caption in tokens that the position embedding knows."""
        return self.bert.config.max_position_embeddings

    def init_weights(self) -> None:
        """Loads the checkpoint that ``init_cfg`` names.

        MMEngine's own walk must not go on into transformers' module: its ``init_weights`` starts the weights anew.
        """
        if self.init_cfg:
            initialize(self, self.init_cfg)
        self._is_init = True

    def load_hf(self, checkpoint: str) -> None:
        """Loads a transformers checkpoint, by name or folder."""
        load_bert(self.bert, checkpoint)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter, for ``paramwise_cfg.layer_decay_rate``.

        Args:
            param_name: its name.
            prefix: of names in this encoder.

        Returns:
            The depth, 0 of the embeddings, and the number of depths.
        """
        num_blocks = self.bert.config.num_hidden_layers
        name = param_name.removeprefix(prefix)
        return layer_depth(name, stem=('bert.embeddings.',), block='bert.encoder.layer.', num_blocks=num_blocks)

    def forward(self, token_ids: Tensor, mask: Tensor) -> EncoderOutput:
        """Encodes captions.

        Args:
            token_ids: int64 (M, L).
            mask: bool (M, L), True where a token is real.

        Returns:
            Tokens (M, L, D_t), CLS first.
        """
        # Of four dimensions, the mask is taken as it is; of two, transformers asks the device whether it is all true.
        output = self.bert(input_ids=token_ids, attention_mask=mask[:, None, None, :])
        return EncoderOutput(output.last_hidden_state, mask, num_extra_tokens=1)
