"""UFine6926 (Zuo et al., UFineBench, CVPR 2024): long captions."""

from __future__ import annotations

import os

from mmt2ireid.datasets.ann_files import annotation_files
from mmt2ireid.datasets.annotations import RecordFormat
from mmt2ireid.datasets.held_out import HeldOutDataset
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class UFine6926(HeldOutDataset):
    """UFine6926: its annotation beside ``images/``, which the paths in the file name too.

    Two captions per image, of 80 words on average: a tokenizer's ``max_length`` of 77 or 100 cuts many of them. What
    the annotation is called is not published: the only JSON file of the folder is taken if ``ann_file`` is not there.
    Of the splits, train and test are used, and some training identities are held out for val. Arguments:
    :class:`~mmt2ireid.datasets.held_out.HeldOutDataset`.
    """

    METAINFO = {'dataset': 'UFine6926', 'image_source': 'UFine6926'}
    FORMAT = RecordFormat('UFine6926')
    ANN_FILE = 'UFine6926.json'

    def find_ann_file(self) -> str:
        """The annotation file, or the only JSON file in its folder."""
        folder = os.path.dirname(self.ann_file)
        if not os.path.isfile(self.ann_file) and os.path.isdir(folder or '.'):
            found = [name for name in annotation_files(folder) if name.endswith('.json')]
            if len(found) == 1:
                return os.path.join(folder, found[0])
        return super().find_ann_file()
