"""Items of a dataset, run through its pipeline: bad images, counters, subsets."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from mmt2ireid.datasets.errors import BadImageError
from mmt2ireid.datasets.numbered import NumberedDataset, Self
from mmt2ireid.datasets.pipelines import run_pipeline
from mmt2ireid.datasets.seeding import seeded_rng
from mmt2ireid.datasets.tally import Tally

_MAX_LOGGED = 3  # bad images named per worker; the rest are counted only
_MAX_REPLACED = 1000  # bad images in a row before skipping them is given up


class PipelineDataset(NumberedDataset):
    """A dataset whose items go through a pipeline, which may find that their image is bad.

    Subclasses load what the items are made of.

    Attributes:
        on_bad_image: 'raise', or 'skip': a bad image is replaced by the next readable one and counted.
    """

    on_bad_image: str

    def __init__(self, **kwargs: Any) -> None:
        self._skipped = Tally()
        super().__init__(**kwargs)

    @property
    def num_skipped(self) -> int:
        """Items whose image was bad and was replaced, so far, over all workers."""
        return self._skipped.total

    @property
    def num_truncated(self) -> int:
        """Captions that the pipeline truncated, so far, over all workers."""
        return self._count('num_truncated')

    @property
    def num_tokens(self) -> int:
        """Tokens of captions, so far, over all workers."""
        return self._count('num_tokens')

    @property
    def num_unknown(self) -> int:
        """Tokens among them that stand for text that the vocabulary does not know."""
        return self._count('num_unknown')

    def _count(self, name: str) -> int:
        return sum(getattr(transform, name, 0) for transform in self.pipeline.transforms)

    def _load_transforms(self) -> None:
        for transform in self.pipeline.transforms:
            if hasattr(transform, 'load'):
                transform.load()

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """What the pipeline is given for an item.

        Args:
            idx: index of the item; negative ones count from the end.
        """
        self._ensure_init()
        if not -len(self) <= idx < len(self):
            raise IndexError(f'index {idx} is out of range for {len(self)} items')
        sample_idx = int(idx) % len(self)
        image_id, caption = int(self._items.image[sample_idx]), int(self._items.caption[sample_idx])
        info = self._read_record(image_id)
        if caption >= 0:
            info['captions'] = [info['captions'][caption]]
        info['pid'] = int(self._image_pids[image_id])
        return {**info, 'image_id': self._first_image + image_id, 'sample_idx': self._first_item + sample_idx}

    def __getitem__(self, idx: int) -> Any:
        self._ensure_init()
        if self.on_bad_image == 'raise':
            return self._process(idx, getattr(idx, 'seed', None))
        return self._process_readable(idx)

    def _process(self, idx: int, seed: int | None) -> Any:
        with seeded_rng(seed):
            data = run_pipeline(self.pipeline.transforms, self.get_data_info(idx))
        if data is None:
            raise ValueError(f'pipeline must return data for every item, but returned None for item {int(idx)}')
        return data

    def _process_readable(self, idx: int) -> Any:
        seed = getattr(idx, 'seed', None)
        for offset in range(min(len(self), _MAX_REPLACED)):
            try:
                return self._process((int(idx) + offset) % len(self) if offset else idx, seed)
            except BadImageError as error:
                if offset == 0 and self._skipped.add() < _MAX_LOGGED:
                    print_log(f'skipped a bad image: {error}', logger='current', level=logging.WARNING)
                last = error
        raise BadImageError(last.path, f'{last.reason}; so were all images from item {int(idx)} up to this one')

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keeps some items only: the first (or last, if negative) so many, or those of the given indices."""
        self._ensure_init()
        self._items = self._items.select(indices)

    def get_subset(self: Self, indices: Sequence[int] | int) -> Self:
        """A dataset of some items, which shares the annotations with this one; see :meth:`get_subset_`."""
        subset = copy.copy(self)
        subset.get_subset_(indices)
        return subset
