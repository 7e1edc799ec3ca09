"""LUPerson-T (Shao et al., UniPT, ICCV 2023): unlabelled persons with pseudo-texts."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.utils import is_abs

from mmt2ireid.datasets.annotations import Record, RecordFormat, read_records
from mmt2ireid.datasets.arrow_store import ArrowStore
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class LUPersonT(PersonTextDataset):
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

    def __init__(self, *, ann_file: str | Sequence[str] = '', data_root: str | None = '', **kwargs: Any) -> None:
        names = [ann_file or self.ANN_FILE] if isinstance(ann_file, str) else list(ann_file)
        suffixes = {os.path.splitext(name)[1] for name in names}
        if suffixes not in ({'.json'}, {'.arrow'}) or (suffixes == {'.json'} and len(names) > 1):
            raise ValueError(f'ann_file must be one .json file, or one or several .arrow files, but got {ann_file!r}')
        self._patterns = [name if is_abs(name) else os.path.join(data_root or '', name) for name in names]
        self._store: ArrowStore | None = None
        super().__init__(ann_file=names[0], data_root=data_root, **kwargs)

    def load_data_list(self) -> list[Record]:
        """The records of the JSON file."""
        return read_records(self.find_ann_file(), self.FORMAT)

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        if self.ann_file.endswith('.json'):
            return super()._load()
        self._store = ArrowStore(self._find_arrow_files())
        counts = self._store.caption_counts()[: self.max_images]
        if not len(counts):
            raise ValueError(f'{self._patterns}: no row in any of these files')
        return np.full(len(counts), -1, dtype=np.int64), counts

    def _find_arrow_files(self) -> list[str]:
        files: list[str] = []
        for pattern in self._patterns:
            found = sorted(glob.glob(pattern)) if not os.path.isfile(pattern) else [pattern]
            if not found:
                raise FileNotFoundError(
                    f'no file {pattern}: expected Arrow files of LUPerson-T. Get them from its authors '
                    'and set data_root to where they are'
                )
            files += [file for file in found if file not in files]
        return files

    def _read_record(self, image_id: int) -> dict[str, Any]:
        if self._store is None:
            return super()._read_record(image_id)
        name, image, captions, file = self._store.read(image_id)
        if file:
            return {'img_path': os.path.join(self.data_prefix['img_path'], file), 'captions': captions}
        return {'img_path': name, 'img_bytes': image, 'captions': captions}
