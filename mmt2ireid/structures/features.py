"""Batches as the encoders read them and features as the heads read them. Shapes: see the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class EncoderOutput:
    """Tokens of one modality.

    Attributes:
        tokens: (B, N, D_i) or (M, L, D_t).
        mask: bool (M, L), True where a token is real; None when all are.
        num_extra_tokens: leading tokens that stand for no patch or word (CLS, distillation token).
    """

    tokens: Tensor
    mask: Tensor | None = None
    num_extra_tokens: int = 0


@dataclass(frozen=True)
class MaskedText:
    """The captions of a batch with some tokens masked, for masked language modelling.

    Attributes:
        token_ids: int64 (B, L), masked.
        positions: int64 (P,), indices into the flattened (B * L) tokens. Their number is known on the host, so that
            picking them on a device needs no synchronisation.
        targets: int64 (P,), the original ids at these positions.
    """

    token_ids: Tensor
    positions: Tensor
    targets: Tensor


@dataclass(frozen=True)
class PairTargets:
    """What the heads are trained towards; on the device of the images.

    Attributes:
        pids: int64 (B,), -1 where unknown.
        image_ids: int64 (B,), number of the unique image in its split.
        sample_idx: int64 (B,), number of the pair in its dataset.
        masked: None unless the pipeline masks tokens.
        phrases: multi-hot (B, K), the noun phrases of each caption; None where no head needs them. Which column stands
            for which phrase must be the same on all ranks, since heads compare captions of different ranks.
    """

    pids: Tensor
    image_ids: Tensor
    sample_idx: Tensor
    masked: MaskedText | None = None
    phrases: Tensor | None = None


@dataclass(frozen=True)
class PairInputs:
    """A collated batch, normalised and padded, on the device.

    Attributes:
        images: float (B, 3, H, W).
        token_ids: int64 (M, L); captions of one image stand next to each other, in the order of the images.
        txt_mask: bool (M, L), True where a token is real.
        num_captions: captions per image, B host integers that sum to M.
        targets: what the heads need beside features.
        views: number of a further view of the same items (``ExtraViews`` in the pipeline) to pictures like ``images``,
            of those that heads need; sizes may differ from view to view.
    """

    images: Tensor
    token_ids: Tensor
    txt_mask: Tensor
    num_captions: tuple[int, ...]
    targets: PairTargets
    views: Mapping[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class PairFeatures:
    """Features of a batch of pairs after the necks.

    Attributes:
        img_tokens: (B, N, D), projected tokens.
        txt_tokens: (M, L, D), projected tokens.
        txt_mask: bool (M, L).
        img_embed: (B, D), pooled, not normalised.
        txt_embed: (M, D), pooled, not normalised.
        masked_tokens: (B, L, D_t), the text encoder's own output on ``MaskedText``; None unless a head asked for it.
        view_embeds: number of a view of ``PairInputs.views`` to its embeddings (B, D), of those that heads asked for.
    """

    img_tokens: Tensor
    txt_tokens: Tensor
    txt_mask: Tensor
    img_embed: Tensor
    txt_embed: Tensor
    masked_tokens: Tensor | None = None
    view_embeds: Mapping[int, Tensor] = field(default_factory=dict)
