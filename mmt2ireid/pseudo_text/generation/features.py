"""Features of images, kept so that another catalogue or threshold needs no second pass over the images."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmt2ireid.compat import write_atomically
from mmt2ireid.pseudo_text.generation.loading import Unreadable
from mmt2ireid.pseudo_text.generation.provenance import ResultFolder
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles

DTYPES = {'float16': torch.float16, 'float32': torch.float32}
_KIND = 'features of images for pseudo-texts'
_NAMES = re.compile(r'features-\d+-of-\d+\.safetensors')


@dataclass(frozen=True)
class ShardFeatures:
    """Features of a shard.

    Attributes:
        indices: (N,) int64, ascending: numbers of the images that could be read.
        features: (N, D) theirs.
        unreadable: the others.
    """

    indices: np.ndarray
    features: Tensor
    unreadable: list[Unreadable]

    def part(self, bounds: range) -> ShardFeatures:
        """Those of the images in a range."""
        start, stop = np.searchsorted(self.indices, [bounds.start, bounds.stop])
        unreadable = [image for image in self.unreadable if image.number in bounds]
        return ShardFeatures(self.indices[start:stop], self.features[start:stop], unreadable)


class FeatureStore:
    """Features in safetensors files, a file per shard.

    Features are rounded before anything is computed from them, so results do not depend on whether they were read or
    just made. In float16, 512 numbers take 1 kB per image, and a cosine similarity moves by up to 0.0005, at CLIP's
    scale of 100 a probability of 0.9 by up to 0.005; float32 takes twice the space and moves nothing.

    Args:
        folder: where they are kept.
        files: ranges of the shards, as those of the results.
        dtype: 'float16' or 'float32'.
    """

    def __init__(self, folder: Path, *, num_images: int, shard_size: int, dtype: str = 'float16') -> None:
        if dtype not in DTYPES:
            raise ValueError(f'feature_dtype must be one of {tuple(DTYPES)}, but got {dtype!r}')
        self.files = ShardFiles(folder, 'features', '.safetensors', num_images, shard_size)
        self.folder = ResultFolder(
            folder, _KIND, _NAMES, advice='choose another folder', meanings={'source': 'names of the images'}
        )
        self._dtype = dtype

    def wanted(self, encoder: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
        """What the features depend on."""
        return {
            'encoder': dict(encoder), 'source': fingerprint, 'shard_size': self.files.shard_size, 'dtype': self._dtype,
        }  # fmt: skip

    def has(self, shard: int) -> bool:
        """Whether the features of a shard are kept already."""
        return self.files.path(shard).is_file()

    def round(self, features: Tensor) -> Tensor:
        """Features as they will be when they are read again: (B, D), on the CPU."""
        return features.detach().to(DTYPES[self._dtype]).cpu()

    def write(
        self, shard: int, indices: Sequence[int], parts: Sequence[Tensor], unreadable: Sequence[Unreadable]
    ) -> None:
        """Keeps the features of a shard.

        Args:
            shard: its number.
            indices: numbers of its N readable images, ascending.
            parts: their rounded features, in pieces (B, D).
            unreadable: its other images.
        """
        from safetensors.torch import save

        features = torch.cat(list(parts)) if parts else torch.zeros(0, 0, dtype=DTYPES[self._dtype])
        tensors = {'features': features, 'indices': torch.tensor(list(indices), dtype=torch.int64)}
        # One entry only: safetensors writes several in an order that changes from run to run.
        write_atomically(self.files.path(shard), save(tensors, metadata={'unreadable': json.dumps(unreadable)}))

    def read(self, shard: int) -> ShardFeatures:
        """The features of a shard.

        Raises:
            ValueError: the file is damaged, or does not tell of every image of its range once.
        """
        from safetensors import SafetensorError, safe_open

        path, bounds = self.files.path(shard), self.files.range_of(shard)
        try:
            with safe_open(path, framework='pt') as file:
                features, indices = file.get_tensor('features'), file.get_tensor('indices').numpy()
                unreadable = [Unreadable(*entry) for entry in json.loads(file.metadata()['unreadable'])]
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f'{path}: must be a complete file of features ({error}); remove it and start '
                             'again') from error  # fmt: skip
        told = sorted([*indices.tolist(), *(image.number for image in unreadable)])
        if told != list(bounds) or len(features) != len(indices):
            raise ValueError(f'{path}: must tell of the images {bounds.start} to {bounds.stop - 1}, once each, but '
                             'does not; remove it and start again')  # fmt: skip
        return ShardFeatures(indices, features, unreadable)
