"""Features, phrases and targets for the tests of CMMT's heads; importable by spawned processes too."""

from __future__ import annotations

import torch

from mmt2ireid.structures import PairFeatures, PairTargets


def naive_iou(phrases: torch.Tensor) -> torch.Tensor:
    """Eq. 10 with sets, float64."""
    sets = [set(row.nonzero().flatten().tolist()) for row in phrases]
    rows = [[len(a & b) / len(a | b) if a | b else 0.0 for b in sets] for a in sets]
    iou = torch.tensor(rows, dtype=torch.float64)
    return iou.fill_diagonal_(1)


def draw_phrases(batch: int, *, columns: int = 9, share: float = 0.35, seed: int = 0) -> torch.Tensor:
    """Multi-hot bool (B, K)."""
    return torch.rand(batch, columns, generator=torch.Generator().manual_seed(seed)) < share


def draw_embeds(batch: int = 6, dim: int = 5, *, seed: int = 0, dtype=torch.float64) -> list[torch.Tensor]:
    """Image and text embeddings (B, D)."""
    generator = torch.Generator().manual_seed(seed)
    return [1.5 * torch.randn(batch, dim, generator=generator, dtype=torch.float64).to(dtype) for _ in range(2)]


def features_of(img: torch.Tensor, txt: torch.Tensor) -> PairFeatures:
    """The features of a batch whose only tokens are its embeddings."""
    return PairFeatures(img[:, None], txt[:, None], torch.ones(len(txt), 1, dtype=torch.bool), img, txt)


def targets_of(batch: int, *, pids: list[int] | None = None, phrases: torch.Tensor | None = None) -> PairTargets:
    """Targets with images and captions numbered from 0."""
    numbers = torch.arange(batch)
    return PairTargets(numbers if pids is None else torch.tensor(pids), numbers, numbers, None, phrases)
