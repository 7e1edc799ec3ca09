"""Head of the prototype-based granularity unification (PGU)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import PartLinear, PrototypeDecoderLayer
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets

PART_INITS = ('uniform', 'kaiming')


@MODELS.register_module()
class PGUHead(BaseHead):
    """``loss_pgu_identity`` and ``loss_pgu_ranking`` on granularity-unified features: UniPT eq. 6, after LGUR.

    K learned prototypes, shared by both modalities, gather from the tokens of one modality what they stand for, through
    a decoder that both modalities share. K bias-free maps and a concatenation give the granularity-unified feature. The
    identity loss is taken per part and averaged over parts, the ranking loss on the concatenation. The paper does not
    say whether tokens are read before or after the 1x1 convolution (LGUR has none): after.

    Args:
        num_classes: identities of the training set, C.
        dim: width D of the tokens and of a part.
        num_prototypes: K.
        num_layers: decoder layers.
        num_heads: attention heads.
        head_dim: width of a head.
        ffn_dim: hidden width of the feed-forward network.
        identity_loss: config of the identity loss.
        ranking_loss: config of the ranking loss.
        part_init: how the K maps start: 'uniform' (default), as ``nn.Linear`` does, or 'kaiming', normal with variance
            2 / D (fan out), as in LGUR's code, which is 2.4 times wider.
        loss_weight: gamma of eq. 7, on both losses.

    Raises:
        ValueError: if ``num_classes`` or a size is not positive, or ``part_init`` is unknown.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dim: int = 512,
        num_prototypes: int = 6,
        num_layers: int = 2,
        num_heads: int = 6,
        head_dim: int = 512,
        ffn_dim: int = 512,
        identity_loss: dict | None = None,
        ranking_loss: dict | None = None,
        part_init: str = 'uniform',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        sizes = dict(
            num_classes=num_classes,
            dim=dim,
            num_prototypes=num_prototypes,
            num_layers=num_layers,
            num_heads=num_heads,
            head_dim=head_dim,
            ffn_dim=ffn_dim,
        )
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f'{name} must be positive, but got {value}')
        if part_init not in PART_INITS:
            raise ValueError(f'part_init must be one of {PART_INITS}, but got {part_init!r}')
        self.num_classes = num_classes
        self.prototypes = nn.Parameter(torch.randn(1, num_prototypes, dim))
        self.decoder = nn.ModuleList(
            PrototypeDecoderLayer(dim, num_heads, head_dim, ffn_dim) for _ in range(num_layers)
        )
        std = math.sqrt(2 / dim) if part_init == 'kaiming' else None
        self.project = PartLinear(num_prototypes, dim, dim, bias=False, std=std)
        self.classifiers = PartLinear(num_prototypes, dim, num_classes, std=0.001)
        self.identity_criterion = MODELS.build(identity_loss or dict(type='mmt2ireid.IdentityLoss'))
        self.ranking_criterion = MODELS.build(ranking_loss or dict(type='mmt2ireid.RankingLoss'))

    def parts(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Granularity-unified parts (B, K, D) of tokens (B, N, D) with mask bool (B, N)."""
        x = self.prototypes
        for layer in self.decoder:
            x = layer(x, tokens, mask)
        return self.project(x)

    def embed(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Concatenated parts (B, K * D) for retrieval, see :class:`BaseHead`."""
        return self.parts(tokens, mask).flatten(1)

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Losses of the pairs, see :class:`BaseHead`."""
        img = self.parts(features.img_tokens)
        txt = self.parts(features.txt_tokens, features.txt_mask)
        # (B * K, C): the mean over rows is the mean over the batch and over parts.
        pids = targets.pids.repeat_interleave(img.shape[1])
        identity = self.identity_criterion(
            self.classifiers(img).flatten(0, 1), self.classifiers(txt).flatten(0, 1), pids
        )
        ranking = self.ranking_criterion(img.flatten(1), txt.flatten(1), targets.pids)
        return {'loss_pgu_identity': self.loss_weight * identity, 'loss_pgu_ranking': self.loss_weight * ranking}
