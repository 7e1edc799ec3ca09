"""MALS (Yang et al., Towards Unified Text-based Person Retrieval, ACM MM 2023): drawn persons with captions."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from mmt2ireid.datasets.annotations import (
    Record,
    RecordFormat,
    check_folders,
    load_json_list,
    parse_record,
)
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.datasets.joined_records import join_records
from mmt2ireid.datasets.several_files import SeveralFilesDataset
from mmt2ireid.registry import DATASETS

NUM_ATTRIBUTES = 27
_VALUES = (-1, 0, 1)


@DATASETS.register_module()
class MALS(SeveralFilesDataset):
    """MALS: ``gene_attrs/g_*_attrs.json``, lists of ``{image, caption, image_id, label}``, and folder ``gene_crop``.

    One caption per image, and no identities: ``image_id`` is different for every image, so ``pid`` is -1. All images
    of the named files are used, whatever ``split`` says. Who has the pictures of some parts only names their files,
    such as ``ann_file='gene_attrs/g_c_g_a_1_attrs.json'``. Arguments:
    :class:`~mmt2ireid.datasets.several_files.SeveralFilesDataset`.
    """

    METAINFO = {'dataset': 'MALS', 'image_source': 'MALS'}
    FORMAT = RecordFormat('MALS', path_key='image', labelled=False, captions_key='caption', bare_captions=True)
    ANN_FILES = ('gene_attrs/*_attrs.json',)

    def load_data_list(self) -> list[Record]:
        """The records of all files; keeps their attributes."""
        records: list[Record] = []
        attributes: list[list[int]] = []
        for file in self.find_ann_files():
            content = load_json_list(file, 'the annotations of MALS, a list of records')
            for number, raw in enumerate(content):
                where = f'{file}, record {number}'
                records.append(parse_record(raw, self.FORMAT, where))
                attributes.append(_parse_attributes(raw, where))
        records, numbers = join_records(', '.join(self._names), records)
        self._attributes = np.array(attributes, dtype=np.int8)[numbers]
        self._check_parts([record.path for record in records])
        return records

    @property
    def attributes(self) -> np.ndarray:
        """Attributes of every image, int8 (number of images, 27): 1 yes, 0 no, -1 unknown."""
        self._ensure_init()
        return self._attributes

    def _check_parts(self, paths: list[str]) -> None:
        """Looks for the parts below ``gene_crop``: it alone is the top folder of all pictures."""
        tops = {path.partition('/')[0] for path in paths}
        if len(tops) == 1 and all(path.count('/') > 1 for path in paths):
            (top,) = tops
            folder = os.path.join(self.data_prefix['img_path'], top)
            check_folders(folder, [path[len(top) + 1 :] for path in paths], 'MALS')


def _parse_attributes(raw: dict[str, Any], where: str) -> list[int]:
    label: Any = raw.get('label')
    is_list = isinstance(label, list) and len(label) == NUM_ATTRIBUTES
    if is_list and all(type(value) is int and value in _VALUES for value in label):  # type: a JSON true is none of them
        return label
    expected = f'{NUM_ATTRIBUTES} integers of {_VALUES}'
    raise AnnotationError(f"{where} ({raw['image']}), field 'label': expected {expected}, but got {label!r}")
