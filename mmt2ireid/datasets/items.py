"""Which image and which caption an item of a dataset is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class ItemTable:
    """Two integers per item: the number of its image, and which of the image's captions it is.

    Args:
        num_captions: captions per image, (number of images,).
        unit: 'pair' for one item per caption, 'image' for one item per image.

    Attributes:
        image: int32 (number of items,), number of the image.
        caption: int32 (number of items,), number of the caption within the image; -1 stands for all of them.
    """

    image: np.ndarray
    caption: np.ndarray

    def __init__(self, num_captions: np.ndarray, unit: str) -> None:
        images = np.arange(len(num_captions), dtype=np.int32)
        self._captions_per_image = num_captions.astype(np.int32)
        if unit == 'image':
            self.image = images
            self.caption = np.full(len(images), -1, dtype=np.int32)
        else:
            starts = np.cumsum(num_captions) - num_captions
            self.image = np.repeat(images, num_captions)
            self.caption = (np.arange(num_captions.sum()) - np.repeat(starts, num_captions)).astype(np.int32)

    def __len__(self) -> int:
        return len(self.image)

    def __eq__(self, other: object) -> bool:
        """Whether the items are the same, in the same order."""
        if not isinstance(other, ItemTable):
            return NotImplemented
        return np.array_equal(self.image, other.image) and np.array_equal(self.caption, other.caption)

    __hash__ = None  # type: ignore[assignment]  # arrays change

    @property
    def pair(self) -> np.ndarray:
        """Number of each pair among all captions of all images, one image after the other, int64 (number of items,).

        Raises:
            ValueError: the items are images.
        """
        if (self.caption < 0).any():
            raise ValueError("unit must be 'pair' to number pairs, but the items are images")
        starts = np.cumsum(self._captions_per_image, dtype=np.int64) - self._captions_per_image
        return starts[self.image] + self.caption

    @property
    def num_images(self) -> int:
        """Unique images."""
        return len(np.unique(self.image))

    @property
    def num_captions(self) -> int:
        """Captions of all items."""
        return int(np.where(self.caption < 0, self._captions_per_image[self.image], 1).sum())

    def select(self, indices: Sequence[int] | int) -> ItemTable:
        """Some of the items.

        Args:
            indices: the first so many, the last so many if negative, or the indices of items.
        """
        chosen: slice | np.ndarray
        if isinstance(indices, int):
            chosen = slice(indices) if indices >= 0 else slice(indices, None)
        else:
            chosen = np.asarray(indices, dtype=np.int64)
        other = object.__new__(ItemTable)
        other._captions_per_image = self._captions_per_image
        other.image, other.caption = self.image[chosen], self.caption[chosen]
        return other


def number_identities(pids: np.ndarray) -> tuple[int, np.ndarray]:
    """Numbers identities 0..C-1 in ascending order of their ids; unknown ones stay -1.

    Args:
        pids: int64 (n,), negative where unknown.

    Returns:
        C, and the labels, int64 (n,).
    """
    known = np.unique(pids[pids >= 0])
    return len(known), np.where(pids >= 0, np.searchsorted(known, pids), -1)
