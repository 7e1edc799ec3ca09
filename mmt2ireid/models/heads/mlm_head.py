"""Head of masked language modelling."""

from __future__ import annotations

from mmengine.model import initialize
from torch import Tensor, nn
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertPredictionHeadTransform

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.weights import load_bert_mlm_head
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class MLMHead(BaseHead):
    """``loss_mlm``: BERT's prediction head on the masked captions, UniPT eq. 2.

    Dense, GELU, LayerNorm, decoder; vocabulary logits are computed at the masked positions only. The decoder is not
    tied to the word embeddings, but starts from them when initialised from a BERT checkpoint (whose own are tied).

    Args:
        config: arguments of ``transformers.BertConfig``; BERT-base by default. Must agree with the text encoder's.
        loss: config of the loss, ``MLMLoss`` by default.
        loss_weight: beta of UniPT's eq. 3.
        init_cfg: e.g. ``dict(type='HFPretrained', checkpoint='bert-base-uncased')``.
    """

    needs_masked_text = True

    def __init__(
        self,
        *,
        config: dict | None = None,
        loss: dict | None = None,
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(loss_weight=loss_weight, init_cfg=init_cfg)
        bert = BertConfig(**(config or {}))
        self.transform = BertPredictionHeadTransform(bert)
        self.decoder = nn.Linear(bert.hidden_size, bert.vocab_size)
        for linear in (self.transform.dense, self.decoder):
            nn.init.normal_(linear.weight, std=bert.initializer_range)
            nn.init.zeros_(linear.bias)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.MLMLoss'))

    def init_weights(self) -> None:
        """Loads the checkpoint that ``init_cfg`` names."""
        if self.init_cfg:
            initialize(self, self.init_cfg)
        self._is_init = True

    def load_hf(self, checkpoint: str) -> None:
        """Loads the MLM head of a transformers checkpoint, by name or folder."""
        load_bert_mlm_head(self, checkpoint)

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the masked tokens, see :class:`BaseHead`.

        Raises:
            ValueError: if the batch has no masked tokens because the pipeline has no ``MaskTokens``.
        """
        if targets.masked is None or features.masked_tokens is None:
            raise ValueError('MLMHead needs masked captions: the training pipeline must have MaskTokens after Tokenize')
        masked = features.masked_tokens.flatten(0, 1).index_select(0, targets.masked.positions)
        logits = self.decoder(self.transform(masked))
        return {'loss_mlm': self.loss_weight * self.criterion(logits, targets.masked.targets)}
