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
