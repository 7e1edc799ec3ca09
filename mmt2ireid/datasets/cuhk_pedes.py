"""CUHK-PEDES (Li et al., Person Search with Natural Language Description, CVPR 2017)."""

from __future__ import annotations

from mmt2ireid.datasets.annotations import RecordFormat
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class CUHKPEDES(PersonTextDataset):
    """CUHK-PEDES as its authors mail it: ``reid_raw.json`` beside ``imgs/``.

    Most images have two captions, nine have more (one test image has ten); all are used. Identities of the training
    split are 1-based in the file. Arguments: :class:`~mmt2ireid.datasets.person_text.PersonTextDataset`.
    """

    METAINFO = {'dataset': 'CUHK-PEDES', 'image_source': 'CUHK-PEDES'}
    FORMAT = RecordFormat(
        'CUHK-PEDES',
        hints={
            'split': 'caption_all.json does not say which split an image belongs to: use reid_raw.json, which '
            'comes in the same mail'
        },
    )
    ANN_FILE = 'reid_raw.json'
    IMAGE_FOLDER = 'imgs'
