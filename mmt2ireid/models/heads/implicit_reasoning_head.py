"""Head of IRRA's implicit relation reasoning."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers.interaction_encoder import InteractionEncoder, QuickGELU
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import MaskedText, PairFeatures, PairTargets


@MODELS.register_module()
class ImplicitReasoningHead(BaseHead):
    """``loss_irr``: masked words told from the picture, IRRA (Jiang and Ye, CVPR 2023).

    The text encoder's tokens of the masked caption look at the picture's (:class:`InteractionEncoder`); a dense layer,
    QuickGELU, norm and decoder, at the masked positions only, name the words. Both encoders are trained through it;
    retrieval needs none of it.

    Args:
        vocab_size: ids of the tokenizer.
        dim: width of the interaction encoder, and of the neck's image tokens.
        txt_channels: width D_t of the text encoder's tokens; None: ``dim``. Another width gets a linear map.
        num_layers: transformer layers after the cross-attention.
        num_heads: attention heads; None: one for 64 channels.
        all_places: look at every place of the padded captions, as the authors' code does: at padding and at the end
            token as well. What a caption gives then depends on how far the batch is padded; theirs pads to 77 tokens
            (``pad_to`` of the data preprocessor) and keeps the start token (``keep_start`` of CLIP's text encoder).
        loss: config of the loss, ``MLMLoss`` by default.
        loss_weight: its factor.

    Raises:
        ValueError: if a size is not positive.
    """

    needs_masked_text = True

    def __init__(
        self,
        *,
        vocab_size: int,
        dim: int = 512,
        txt_channels: int | None = None,
        num_layers: int = 4,
        num_heads: int | None = None,
        all_places: bool = False,
        loss: dict | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        txt_channels = dim if txt_channels is None else txt_channels
        for name, value in dict(vocab_size=vocab_size, dim=dim, txt_channels=txt_channels).items():
            if value < 1:
                raise ValueError(f'{name} must be positive, but got {value}')
        self.all_places = all_places
        self.txt_map = nn.Identity() if txt_channels == dim else nn.Linear(txt_channels, dim)
        self.interaction = InteractionEncoder(dim, num_heads or max(dim // 64, 1), num_layers)
        dense = nn.Linear(dim, dim)
        self.transform = nn.Sequential(dense, QuickGELU(), nn.LayerNorm(dim))
        self.decoder = nn.Linear(dim, vocab_size)
        nn.init.normal_(dense.weight, std=(2 * dim) ** -0.5)
        nn.init.normal_(self.decoder.weight, std=(dim * 2 * num_layers) ** -0.5)
        self.criterion = MODELS.build(loss or dict(type='mmt2ireid.MLMLoss'))

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Loss of the masked tokens, see :class:`BaseHead`.

        Raises:
            ValueError: if the batch has no masked tokens because the pipeline has no ``MaskTokens``.
        """
        if targets.masked is None or features.masked_tokens is None:
            raise ValueError(
                'ImplicitReasoningHead needs masked captions: the training pipeline must have MaskTokens after Tokenize'
            )
        loss = self.criterion(self.logits(features, targets.masked), targets.masked.targets)
        return {'loss_irr': self.loss_weight * loss}

    def logits(self, features: PairFeatures, masked: MaskedText) -> Tensor:
        """Scores (P, vocabulary) of the words at the masked places.

        Args:
            features: with ``masked_tokens``.
            masked: the masked captions, int64 (B, L).
        """
        assert features.masked_tokens is not None
        words = self.txt_map(features.masked_tokens)
        mask = features.txt_mask[:, -words.shape[1] :]
        found = self.interaction(words, torch.ones_like(mask) if self.all_places else mask, features.img_tokens)
        return self.decoder(self.transform(found.flatten(0, 1).index_select(0, masked.positions)))
