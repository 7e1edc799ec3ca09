"""What is in a dataset, by number: items, images, captions, identities."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, TypeVar

import numpy as np
from mmengine.dataset import BaseDataset

from mmt2ireid.datasets.items import ItemTable

Self = TypeVar('Self', bound='NumberedDataset')


class NumberedDataset(BaseDataset):
    """A dataset whose items are numbered by an :class:`~mmt2ireid.datasets.items.ItemTable`.

    Subclasses fill, when they load, what is declared here.
    """

    _fully_initialized: bool = False
    unit: str
    _items: ItemTable
    _image_pids: np.ndarray  # per image
    _num_captions: np.ndarray  # per image
    _num_pids: int
    _caption_source: np.ndarray | None = None  # per caption, where they were exchanged
    _first_pid = 0
    _first_image = 0
    _first_item = 0

    @abstractmethod
    def _read_record(self, image_id: int) -> dict[str, Any]:
        """``img_path`` and all ``captions`` of an image."""

    def _ensure_init(self) -> None:
        if not self._fully_initialized:
            self.full_init()

    def __len__(self) -> int:
        self._ensure_init()
        return len(self._items)

    @property
    def pids(self) -> np.ndarray:
        """Identity of every item, int64 (number of items,)."""
        self._ensure_init()
        return self._image_pids[self._items.image]

    @property
    def num_pids(self) -> int:
        """Known identities of the split."""
        self._ensure_init()
        return self._num_pids

    @property
    def num_images(self) -> int:
        """Unique images that the items come from."""
        self._ensure_init()
        return self._items.num_images

    @property
    def num_captions(self) -> int:
        """Captions that the items hold."""
        self._ensure_init()
        return self._items.num_captions

    @property
    def first_captions(self) -> np.ndarray:
        """Number of every image's first caption among all captions of the split, int64 (images + 1,).

        The captions of the images, one image after the other, are the items of ``unit='pair'``.

        Raises:
            ValueError: the dataset is a subset, whose items are numbered in another way.
        """
        self._require_all_items()
        return np.concatenate([[0], np.cumsum(self._num_captions)])

    def all_captions(self) -> list[str]:
        """All captions of the split, in the order of the items of ``unit='pair'``; of no subset either."""
        self._require_all_items()
        return [caption for image in range(len(self._num_captions)) for caption in self._read_record(image)['captions']]

    def _require_all_items(self) -> None:
        self._ensure_init()
        if self._items != ItemTable(self._num_captions, self.unit):
            raise ValueError(f'the dataset must hold all items in their order (see max_images), but got {len(self)}')

    @property
    def caption_source(self) -> np.ndarray:
        """Number of the pair whose caption each item has, int64 (number of items,); another than its own where noisy.

        Raises:
            ValueError: the items are images.
        """
        self._ensure_init()
        own = self._items.pair
        return own if self._caption_source is None else self._caption_source[own]

    @property
    def is_noisy(self) -> np.ndarray:
        """Which items have the caption of another pair, bool (number of items,); see ``noise``."""
        return self.caption_source != self._items.pair

    def numbered_from(self: Self, *, pid: int, image: int, item: int) -> Self:
        """The same dataset, whose identities, images and items are numbered from the given numbers, not from 0."""
        self._ensure_init()
        other = copy.copy(self)
        other._image_pids = np.where(self._image_pids >= 0, self._image_pids - self._first_pid + pid, -1)
        other._first_pid, other._first_image, other._first_item = pid, image, item
        return other
