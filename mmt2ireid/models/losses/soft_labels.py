"""How much a text and an image of a batch belong together: what projection matching is trained towards."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmt2ireid.models.losses.precision import full_precision


def identity_affinity(pairs: Tensor) -> Tensor:
    """1 for the pairs themselves, else 0 (plain CPM without identities).

    Args:
        pairs: (B, ...), whose length, device and dtype count.

    Returns:
        (B, B).
    """
    return torch.eye(len(pairs), dtype=pairs.dtype, device=pairs.device)


def label_affinity(pids: Tensor) -> Tensor:
    """1 for pairs of one identity, else 0 (supervised CMPM).

    Args:
        pids: int64 (B,); a negative one is unknown and counts as an identity of its own.

    Returns:
        float32 (B, B).
    """
    same = (pids[:, None] == pids[None]) & (pids >= 0)
    return (same | torch.eye(len(pids), dtype=torch.bool, device=pids.device)).float()


@torch.no_grad()
@full_precision
def embedding_affinity(embed: Tensor) -> Tensor:
    """Inner products within one modality, clamped at 0 (CMMT, Table 4).

    The paper speaks of inner products; of embeddings as they are, then, not of cosines.

    Args:
        embed: (B, D).

    Returns:
        (B, B), without gradient.
    """
    return (embed @ embed.T).clamp(min=0)


def text_iou_affinity(phrases: Tensor | None) -> Tensor:
    """Text-IoU of noun phrases, CMMT eq. 10.

    Args:
        phrases: multi-hot (B, K).

    Returns:
        (B, B).

    Raises:
        ValueError: if there are no phrases.
    """
    if phrases is None:
        raise ValueError('Text-IoU needs the noun phrases of the captions (PairTargets.phrases), but got None')
    from mmt2ireid.text.text_iou import text_iou  # only users of phrases need that room

    return text_iou(phrases)


SOFT_LABELS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]] = {
    'text_iou': lambda img, txt, pids, phrases: text_iou_affinity(phrases),
    'identity': lambda img, txt, pids, phrases: identity_affinity(txt),
    'text_embedding': lambda img, txt, pids, phrases: embedding_affinity(txt),
    'image_embedding': lambda img, txt, pids, phrases: embedding_affinity(img),
    'label': lambda img, txt, pids, phrases: label_affinity(pids),
}
"""Source to affinity (B, B) of (image embeddings, text embeddings, identities, phrases)."""


def rows_to_one(affinity: Tensor) -> Tensor:
    """Divides rows by their sums, CMMT eq. 11.

    Args:
        affinity: (B, B), not negative.

    Returns:
        (B, B), rows sum to one; a row of zeros stays one.
    """
    return affinity / affinity.sum(dim=1, keepdim=True).clamp(min=torch.finfo(affinity.dtype).tiny)
