"""What the samplers share: one order per epoch, the same on every rank, of which each takes its part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmt2ireid.datasets.seeding import SeededIndex, seeded_indices


class EpochSampler(Sampler, ABC):
    """Base of samplers that are a function of (seed, epoch), so that a resumed run goes on with the same batches.

    Args:
        seed: the same on all ranks; None draws one and shares it.
    """

    def __init__(self, seed: int | None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    @abstractmethod
    def _rank_part(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices of this rank in this epoch, and their positions in the epoch over all ranks."""

    def _rng(self) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.epoch])))

    def __iter__(self) -> Iterator[SeededIndex]:
        indices, positions = self._rank_part()
        return seeded_indices(self.seed, self.epoch, indices, positions)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch that the next iteration gives; MMEngine calls it at the start of each."""
        self.epoch = epoch
