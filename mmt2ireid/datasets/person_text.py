"""Person images with captions: what all datasets of the toolbox share."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmt2ireid.datasets.ann_files import find_file
from mmt2ireid.datasets.annotations import (
    GALLERY_SPLITS,
    SPLITS,
    Record,
    RecordFormat,
    check_folders,
    check_within,
    read_records,
)
from mmt2ireid.datasets.items import ItemTable, number_identities
from mmt2ireid.datasets.joined_records import join_records
from mmt2ireid.datasets.noisy_pairs import NoisyPairs
from mmt2ireid.datasets.pipeline_dataset import PipelineDataset
from mmt2ireid.io.counts import counted


class PersonTextDataset(PipelineDataset):
    """Images of persons, each with one or more captions and an identity.

    An item is one (image, caption) pair (``unit='pair'``, for training) or one image with all its captions
    (``unit='image'``, for evaluation). The pipeline is given a dict with ``img_path`` (or ``img_bytes`` as well),
    ``captions`` (list[str]; one of them for a pair), ``pid``, ``image_id`` and ``sample_idx``.

    There is one serialised record per image and two integers per item, so memory does not grow with workers. The
    pipeline runs under the seed that a :class:`~mmt2ireid.datasets.seeding.SeededIndex` carries; a plain index reseeds
    nothing.

    Args:
        ann_file: annotation file, relative to ``data_root``; '' for the one the release has.
        data_root: folder of the dataset.
        data_prefix: ``dict(img_path=folder)``, the image folder relative to ``data_root``; None for the release's.
        split: 'train', 'val' or 'test'.
        unit: 'pair' or 'image'.
        pipeline: transforms.
        on_bad_image: 'raise', or 'skip' (pairs only): a bad image is replaced by the next readable one and counted.
        relabel: identities become 0..C-1 in the order of their ids; None does so for pairs and keeps the annotated ids
            for images.
        max_images: use the first so many images of the split (None: all).
        noise: exchange captions among pairs of the training split, see
            :class:`~mmt2ireid.datasets.noisy_pairs.NoisyPairs`; None: none.
        allow_outside: read images outside of the image folder, where the annotation has absolute paths or ``..``. By
            default it is refused: an annotation of somebody else's could name any file of this machine.
        allow_uncaptioned: let images of val and test have no captions. They are in the gallery, and no queries; those
            whose identity no caption has are distractors. Whichever split is loaded, the file may then have such.
        junk_ids: annotated identities whose images are left out and counted, which is to ignore them in every ranking,
            such as Market-1501's -1. Default: none.
        metainfo: added to ``METAINFO``.
        lazy_init: load nothing until :meth:`full_init`.

    Raises:
        FileNotFoundError: an annotation file or image folder is missing.
        AnnotationError: the annotation file is not what it should be.
        ValueError: an argument does not fit.
    """

    FORMAT = RecordFormat('a person-text dataset')
    ANN_FILE = ''
    IMAGE_FOLDER = ''

    def __init__(
        self,
        *,
        ann_file: str = '',
        data_root: str | None = '',
        data_prefix: Mapping[str, str] | None = None,
        split: str = 'train',
        unit: str = 'pair',
        pipeline: Sequence = (),
        on_bad_image: str = 'raise',
        relabel: bool | None = None,
        max_images: int | None = None,
        noise: Mapping | None = None,
        allow_outside: bool = False,
        allow_uncaptioned: bool = False,
        junk_ids: Sequence[int] = (),
        metainfo: Mapping | None = None,
        lazy_init: bool = False,
    ) -> None:
        _check_choice('split', split, SPLITS)
        _check_choice('unit', unit, ('pair', 'image'))
        _check_choice('on_bad_image', on_bad_image, ('raise', 'skip'))
        if on_bad_image == 'skip' and unit == 'image':
            raise ValueError(
                "on_bad_image must be 'raise' for unit='image' (an evaluation leaves nothing out), but got 'skip'"
            )
        if max_images is not None and (not isinstance(max_images, int) or max_images < 1):
            raise ValueError(f'max_images must be None or an integer of at least 1, but got {max_images!r}')
        if noise is not None and split != 'train':
            raise ValueError(f'noise must be None for split={split!r} (only training has noisy pairs), but got {noise}')
        data_prefix = {'img_path': self.IMAGE_FOLDER} if data_prefix is None else dict(data_prefix)
        if set(data_prefix) != {'img_path'}:
            raise ValueError(f'data_prefix must be dict(img_path=folder), but got {data_prefix}')
        self.split, self.unit, self.on_bad_image = split, unit, on_bad_image
        self.relabel = unit == 'pair' if relabel is None else relabel
        self.max_images = max_images
        self.allow_outside = allow_outside
        self.allow_uncaptioned, self.junk_ids = allow_uncaptioned, _checked_ids(junk_ids)
        if (allow_uncaptioned or self.junk_ids) and not (self.FORMAT.labelled and self.FORMAT.has_split):
            raise ValueError(
                f'allow_uncaptioned and junk_ids must be left out for {self.FORMAT.dataset}, which has no gallery, but '
                f'got {allow_uncaptioned} and {list(self.junk_ids)}'
            )
        self.noise = None if noise is None else NoisyPairs(noise, data_root)
        super().__init__(
            ann_file=ann_file or self.ANN_FILE,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix=data_prefix,
            pipeline=list(pipeline),
            test_mode=unit == 'image',
            lazy_init=lazy_init,
        )

    def full_init(self) -> None:
        """Loads the annotations, and the tokenizers of the pipeline (before workers are forked)."""
        if self._fully_initialized:
            return
        pids, counts = self._load()
        self._num_pids, labels = number_identities(pids)
        self._image_pids = labels if self.relabel else pids
        self._num_captions = counts
        self._items = ItemTable(counts, self.unit)
        self._load_transforms()
        self._fully_initialized = True

    def check_files(self) -> None:
        """Check that annotation files, and what transforms load, are there; annotations are not read.

        Raises:
            FileNotFoundError: one is missing.
        """
        self.find_ann_file()
        self._load_transforms()

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        """Loads and keeps the records; returns per image the annotated identity and the number of captions."""
        records = self.load_data_list()
        if not self.allow_outside:
            check_within(self.ann_file, (record.path for record in records), self.data_prefix['img_path'])
        if self.noise is not None:
            records, self._caption_source = self.noise.apply(records, self.ann_file)
        records = records[: self.max_images]
        if self.max_images is not None and not any(record.captions for record in records):
            raise ValueError(
                f'max_images must reach to the first image of {self.split} that has captions, but got {self.max_images}'
            )
        check_folders(self.data_prefix['img_path'], [record.path for record in records], self.FORMAT.dataset)
        pids = np.array([record.pid for record in records], dtype=np.int64)
        counts = np.array([len(record.captions) for record in records], dtype=np.int64)
        self.data_list = [(record.path, record.captions) for record in records]
        self.data_bytes, self.data_address = self._serialize_data()
        return pids, counts

    def load_data_list(self) -> list[Record]:
        """The records of the split, in the order of the annotation file."""
        file, uncaptioned = self.find_ann_file(), GALLERY_SPLITS if self.allow_uncaptioned else ()
        found = read_records(file, self.FORMAT, uncaptioned=uncaptioned, junk_ids=self.junk_ids)
        records, _ = join_records(file, found)
        chosen = [record for record in records if record.split == self._annotated_split]
        kept = [record for record in chosen if record.pid not in self.junk_ids]
        if not any(record.captions for record in kept):
            splits = dict(Counter(record.split for record in records))
            what = f'no image of split {self._annotated_split!r}{" with captions" if chosen else ""}'
            raise ValueError(f'{self.ann_file}: {what}; the file has {splits}')
        self._log_gallery(kept, len(chosen) - len(kept))
        return kept

    def _log_gallery(self, records: Sequence[Record], num_junk: int) -> None:
        if num_junk:
            print_log(
                f'{self.ann_file}: {counted(num_junk, "image is", "images are")} left out of {self.split} as junk '
                f'(identities {list(self.junk_ids)})',
                logger='current',
            )
        described = {record.pid for record in records if record.captions}
        bare = [record for record in records if not record.captions]
        if bare:
            print_log(
                f'{self.ann_file}: {len(bare)} of {len(records)} images of {self.split} have no captions, and '
                f'{sum(record.pid not in described for record in bare)} of these are distractors: no caption has their '
                'identity',
                logger='current',
            )

    @property
    def _annotated_split(self) -> str:
        """What the annotation file calls the split."""
        return self.split

    def find_ann_file(self) -> str:
        """The path of the annotation file.

        Raises:
            FileNotFoundError: it is not there; the message says what was expected and what is there instead.
        """
        return find_file(self.ann_file, self.FORMAT.dataset)

    def _read_record(self, image_id: int) -> dict[str, Any]:
        """``img_path`` and all ``captions`` of an image."""
        start = int(self.data_address[image_id - 1]) if image_id else 0
        path, captions = pickle.loads(memoryview(self.data_bytes[start : int(self.data_address[image_id])]))
        return {'img_path': os.path.join(self.data_prefix['img_path'], path), 'captions': captions}


def _checked_ids(ids: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(ids, (list, tuple)) or not all(type(number) is int for number in ids):
        raise ValueError(f'junk_ids must be a list of integers, but got {ids!r}')
    return tuple(ids)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f'{name} must be one of {choices}, but got {value!r}')
