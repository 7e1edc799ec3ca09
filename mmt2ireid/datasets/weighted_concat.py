"""Several sets joined into one, with weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.datasets.seeding import SeededIndex
from mmt2ireid.datasets.shares import Shares
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class WeightedConcat(Dataset):
    """Pairs of several sets, whose identities, images and items are numbered through.

    Identity 0 of the second set is another person than identity 0 of the first; unknown ones stay -1. Items are those
    of the sets one after the other; how often each comes in an epoch is up to the samplers, which ask :attr:`shares`:
    ``PairSampler`` draws the weighted pairs of an epoch, ``IdentitySampler`` weighs the turns of identities.

    What needs one set (the memory head and its clustering, noun phrases) refuses this one.

    Args:
        datasets: configs of person-text datasets with ``unit='pair'``, or the datasets.
        weights: how often the items of each set come in an epoch, see :class:`~mmt2ireid.datasets.shares.Shares`; None
            for once each.
        lazy_init: load nothing until :meth:`full_init`.

    Raises:
        ValueError: a dataset is of another kind, or the weights do not fit.
    """

    def __init__(
        self, datasets: Sequence[Any], weights: Sequence[float] | None = None, *, lazy_init: bool = False
    ) -> None:
        if not datasets:
            raise ValueError('datasets must be at least one, but got none')
        self._weights = tuple(weights) if weights is not None else (1.0,) * len(datasets)
        Shares([1] * len(datasets), self._weights)  # says what is wrong with them before anything is loaded
        self.datasets = [_build(dataset) for dataset in datasets]
        for number, dataset in enumerate(self.datasets):
            _check(number, dataset)
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Loads the sets, and numbers them through."""
        if self._fully_initialized:
            return
        pid = image = item = 0
        numbered = []
        for dataset in self.datasets:
            dataset.full_init()
            numbered.append(dataset.numbered_from(pid=pid, image=image, item=item))
            pid, image, item = pid + dataset.num_pids, image + dataset.num_images, item + len(dataset)
        self.datasets = numbered
        self._shares = Shares([len(dataset) for dataset in numbered], self._weights)
        _warn_of_shared_persons(numbered)
        parts = [
            f'{count} of the {len(dataset)} pairs of {_name(dataset)}'
            for count, dataset in zip(self._shares.counts, numbered, strict=True)
        ]
        print_log(f'An epoch has {self._shares.total} pairs: {", ".join(parts)}', logger='current')
        self._fully_initialized = True

    @property
    def shares(self) -> Shares:
        """What the samplers go by."""
        self.full_init()
        return self._shares

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names and sources of the sets."""
        names = [_name(dataset) for dataset in self.datasets]
        return {'dataset': ' + '.join(names), 'datasets': [dict(dataset.metainfo) for dataset in self.datasets]}

    def __len__(self) -> int:
        """Pairs of all sets, each once; an epoch has :attr:`shares`' total."""
        return sum(self.shares.sizes)

    @property
    def pids(self) -> np.ndarray:
        """Identity of every item, int64 (number of items,), -1 where unknown."""
        self.full_init()
        return np.concatenate([dataset.pids for dataset in self.datasets])

    @property
    def num_pids(self) -> int:
        """Known identities of all sets; 0 as soon as one of them has none, for then some items have no class."""
        self.full_init()
        found = [dataset.num_pids for dataset in self.datasets]
        return 0 if 0 in found else sum(found)

    @property
    def num_images(self) -> int:
        """Unique images of all sets."""
        self.full_init()
        return sum(dataset.num_images for dataset in self.datasets)

    @property
    def num_captions(self) -> int:
        """Captions of all sets."""
        self.full_init()
        return sum(dataset.num_captions for dataset in self.datasets)

    @property
    def relabel(self) -> bool:
        """Whether identities are classes 0..C-1: always, over all sets together."""
        return True

    @property
    def first_captions(self) -> np.ndarray:
        """Refused: what asks for this numbers the images of one set.

        Raises:
            ValueError: always.
        """
        names = ', '.join(_name(dataset) for dataset in self.datasets)
        raise ValueError(
            'memories and their clustering must be trained on one person-text dataset, whose images they number, but '
            f'got a WeightedConcat of {names}. Train on one of them, or leave that head away'
        )

    def _locate(self, idx: int) -> tuple[PersonTextDataset, int]:
        """The set that an item is in, and its index there, with the seed that it carries."""
        if not -len(self) <= idx < len(self):
            raise IndexError(f'index {int(idx)} is out of range for {len(self)} items')
        place = int(idx) % len(self)
        number = int(self.shares.set_of(np.array([place]))[0])
        local = place - int(self.shares.starts[number])
        seed = getattr(idx, 'seed', None)
        return self.datasets[number], local if seed is None else SeededIndex(local, seed)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """What the pipeline of its set is given for an item."""
        dataset, local = self._locate(idx)
        return dataset.get_data_info(local)

    def __getitem__(self, idx: int) -> Any:
        dataset, local = self._locate(idx)
        return dataset[local]


def _build(dataset: Any) -> Any:
    return DATASETS.build({**dataset, 'lazy_init': True}) if isinstance(dataset, Mapping) else dataset


def _check(number: int, dataset: Any) -> None:
    if not isinstance(dataset, PersonTextDataset):
        raise ValueError(f'datasets[{number}] must be a person-text dataset, but got {type(dataset).__name__}')
    if dataset.unit != 'pair' or not dataset.relabel:
        raise ValueError(
            f"datasets[{number}] must have unit='pair' and relabel=None (this one numbers identities through), but got "
            f'unit={dataset.unit!r} and relabel={dataset.relabel}'
        )


def _name(dataset: PersonTextDataset) -> str:
    return str(dataset.metainfo.get('dataset', type(dataset).__name__))


def _warn_of_shared_persons(datasets: Sequence[PersonTextDataset]) -> None:
    """Warns where a person may be two identities: sets from the same pictures, or the same split twice."""
    for one, other in combinations([dataset for dataset in datasets if dataset.num_pids], 2):
        source = one.metainfo.get('image_source')
        apart = _name(one) == _name(other) and one.split != other.split
        if source is not None and source == other.metainfo.get('image_source') and not apart:
            print_log(
                f'{_name(one)} ({one.split}) and {_name(other)} ({other.split}) both have pictures of {source}: a '
                'person in both counts as two',
                logger='current',
                level=logging.WARNING,
            )
