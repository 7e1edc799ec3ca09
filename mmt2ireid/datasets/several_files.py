"""Datasets whose annotation comes in several files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mmengine.utils import is_abs

from mmt2ireid.datasets.ann_files import find_files
from mmt2ireid.datasets.person_text import PersonTextDataset


class SeveralFilesDataset(PersonTextDataset):
    """Base of datasets with several annotation files.

    Args:
        ann_file: one or several names or glob patterns, relative to ``data_root``; '' for those of the release.
        **kwargs: see :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    ANN_FILES: Sequence[str] = ()

    def __init__(self, *, ann_file: str | Sequence[str] = '', data_root: str | None = '', **kwargs: Any) -> None:
        names = [ann_file] if isinstance(ann_file, str) else list(ann_file)
        self._names = names if names != [''] else list(self.ANN_FILES or [self.ANN_FILE])
        if not self._names or not all(isinstance(name, str) and name for name in self._names):
            raise ValueError(f'ann_file must be one or several names, but got {ann_file!r}')
        self._patterns = [name if is_abs(name) else os.path.join(data_root or '', name) for name in self._names]
        super().__init__(ann_file=self._names[0], data_root=data_root, **kwargs)

    def find_ann_files(self) -> list[str]:
        """The paths of the annotation files.

        Raises:
            FileNotFoundError: there is none for one of the names.
        """
        return find_files(self._patterns, f'annotation files of {self.FORMAT.dataset}')

    def check_files(self) -> None:
        """Check that all annotation files, and what transforms load, are there."""
        self.find_ann_files()
        self._load_transforms()
