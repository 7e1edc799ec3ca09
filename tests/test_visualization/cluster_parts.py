"""A clustered training set and crops for the tests of pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mmt2ireid.visualization.clustered_pairs import ClusteredPairs


def crop(number: int) -> Image.Image:
    return Image.new('RGB', (20 + 7 * number % 30, 64), (10 * number % 250, 80, 200))


def labelled(seed: int = 0, images: int = 24, persons: int = 6, known: bool = True) -> ClusteredPairs:
    """Two captions per image; persons are clusters, with some wrong, some added and some un-clustered members."""
    rng = np.random.default_rng(seed)
    pids = np.arange(images) % persons
    image_of = np.repeat(np.arange(images), 2)
    centres = 6 * rng.normal(size=(persons, 8))
    after = pids.copy(), pids[image_of].copy()
    after[0][:2], after[1][:5] = (1, -1), -1
    before = tuple(np.where(rng.random(len(labels)) < 0.3, -1, labels) for labels in after)
    return ClusteredPairs(
        img_feats=(centres[pids] + rng.normal(size=(images, 8))).astype(np.float32),
        txt_feats=(centres[pids[image_of]] + rng.normal(size=(2 * images, 8))).astype(np.float32),
        image_of=image_of,
        pids=pids if known else np.full(images, -1),
        captions=[f'caption {number}' for number in range(2 * images)],
        before=before,
        after=after,
    )


def colours_of(picture: Image.Image) -> set[tuple[int, int, int]]:
    return {tuple(map(int, colour)) for colour in np.unique(np.asarray(picture).reshape(-1, 3), axis=0)}
