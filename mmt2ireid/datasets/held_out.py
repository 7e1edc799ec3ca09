"""Identities held out of train, where a release has no validation split."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmt2ireid.datasets.annotations import Record
from mmt2ireid.datasets.person_text import PersonTextDataset


class HeldOutDataset(PersonTextDataset):
    """Base of datasets without a validation split.

    To select models without the test split, identities are held out of train and served as ``split='val'``.

    Args:
        holdout_ids: training identities to hold out; 0 trains on all of them, and there is no val.
        holdout_seed: which ones; train and val must be given the same.
        **kwargs: see :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    def __init__(self, *, holdout_ids: int = 200, holdout_seed: int = 0, **kwargs: Any) -> None:
        if holdout_ids < 0:
            raise ValueError(f'holdout_ids must be at least 0, but got {holdout_ids}')
        if holdout_ids == 0 and kwargs.get('split') == 'val':
            raise ValueError(
                "holdout_ids must be at least 1 for split='val' (the release has no such split), but got 0"
            )
        self.holdout_ids, self.holdout_seed = holdout_ids, holdout_seed
        super().__init__(**kwargs)

    def load_data_list(self) -> list[Record]:
        """The records of the split; those of train without, those of val with the held-out identities only."""
        records = super().load_data_list()
        if self.split == 'test' or not self.holdout_ids:
            return records
        held_out = self._draw_holdout({record.pid for record in records})
        return [record for record in records if (record.pid in held_out) == (self.split == 'val')]

    @property
    def _annotated_split(self) -> str:
        return 'train' if self.split == 'val' else self.split

    def _draw_holdout(self, pids: set[int]) -> set[int]:
        if self.holdout_ids >= len(pids):
            raise ValueError(
                f'holdout_ids must be less than the {len(pids)} training identities of {self.ann_file}, '
                f'but got {self.holdout_ids}'
            )
        # The legacy generator, because its stream is frozen: the same identities with every version of NumPy.
        order = np.random.RandomState(self.holdout_seed).permutation(sorted(pids))
        return set(order[: self.holdout_ids].tolist())
