"""RSTPReid (Zhu et al., DSSL, ACM MM 2021)."""

from __future__ import annotations

import logging

from mmengine.logging import print_log

from mmt2ireid.datasets.annotations import Record, RecordFormat
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.registry import DATASETS

# Identities and images per split of a first release that the authors have replaced (train 3,701, val and test 200).
WITHDRAWN = {'train': (3901, 19505), 'val': (100, 500), 'test': (100, 500)}


@DATASETS.register_module()
class RSTPReid(PersonTextDataset):
    """RSTPReid: ``data_captions.json`` beside ``imgs/``; its records call the path ``img_path``.

    A withdrawn first split (3,901/100/100 identities) is told by its counts, with a warning. Arguments:
    :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    METAINFO = {'dataset': 'RSTPReid', 'image_source': 'MSMT17'}
    FORMAT = RecordFormat('RSTPReid', path_key='img_path')
    ANN_FILE = 'data_captions.json'
    IMAGE_FOLDER = 'imgs'

    def load_data_list(self) -> list[Record]:
        """The records of the split."""
        records = super().load_data_list()
        num_ids = len({record.pid for record in records})
        if (num_ids, len(records)) == WITHDRAWN[self.split]:
            print_log(
                f'{self.ann_file}: {num_ids} identities in {self.split} are those of a withdrawn split of '
                'RSTPReid (the right one has 3,701 in train and 200 in val and test); results on it cannot be '
                'compared. Get the current data_captions.json',
                logger='current',
                level=logging.WARNING,
            )
        return records
