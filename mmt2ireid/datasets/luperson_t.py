"""LUPerson-T (Shao et al., UniPT, ICCV 2023): unlabelled persons with pseudo-texts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmt2ireid.datasets.annotations import Record, RecordFormat, check_within, read_records
from mmt2ireid.datasets.arrow_store import ArrowStore
from mmt2ireid.datasets.joined_records import join_records
from mmt2ireid.datasets.several_files import SeveralFilesDataset
from mmt2ireid.io.paths import plain_path
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class LUPersonT(SeveralFilesDataset):
    """LUPerson-T from its source JSON, or from the released Arrow files, which are memory-mapped.

    Where an Arrow file holds no image, its column ``image_id`` names the file under ``data_prefix``: pseudo-texts are
    stored so, unless images are embedded.

    Every caption is a pair. There are no identities: ``pid`` is -1 and ``num_pids`` 0. All images of the named files
    are used, whatever ``split`` says: what belongs to the training set is a matter of which files are named.

    Args:
        ann_file: a ``.json`` file, a list of ``{file_path, captions}`` with images under ``data_prefix``; or one or
            several ``.arrow`` files or glob patterns such as ``'LUPerson_*.arrow'``.
        **kwargs: see :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    METAINFO = {'dataset': 'LUPerson-T', 'image_source': 'LUPerson'}
    FORMAT = RecordFormat('LUPerson-T', labelled=False)
    ANN_FILE = 'LUPerson_train.arrow'

    def __init__(self, *, ann_file: str | Sequence[str] = '', lazy_init: bool = False, **kwargs: Any) -> None:
        self._store: ArrowStore | None = None
        super().__init__(ann_file=ann_file, lazy_init=True, **kwargs)
        suffixes = {os.path.splitext(name)[1] for name in self._names}
        if suffixes not in ({'.json'}, {'.arrow'}) or (suffixes == {'.json'} and len(self._names) > 1):
            raise ValueError(f'ann_file must be one .json file, or one or several .arrow files, but got {ann_file!r}')
        if suffixes == {'.arrow'} and self.noise is not None:
            raise ValueError(f'noise must be None for Arrow files, but got {self.noise.options}')
        if not lazy_init:
            self.full_init()

    def load_data_list(self) -> list[Record]:
        """The records of the JSON file."""
        file = self.find_ann_file()
        return join_records(file, read_records(file, self.FORMAT))[0]

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        if self.ann_file.endswith('.json'):
            return super()._load()
        self._store = ArrowStore(self.find_ann_files())
        counts = self._store.caption_counts()[: self.max_images]
        if not len(counts):
            raise ValueError(f'{self._patterns}: no row in any of these files')
        return np.full(len(counts), -1, dtype=np.int64), counts

    def _read_record(self, image_id: int) -> dict[str, Any]:
        if self._store is None:
            return super()._read_record(image_id)
        name, image, captions, file = self._store.read(image_id)
        if file:
            file = plain_path(file)
            if not self.allow_outside:
                check_within(f"{name}, column 'image_id'", [file], self.data_prefix['img_path'])
            return {'img_path': os.path.join(self.data_prefix['img_path'], file), 'captions': captions}
        return {'img_path': name, 'img_bytes': image, 'captions': captions}
