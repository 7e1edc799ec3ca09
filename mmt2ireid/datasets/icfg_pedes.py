"""ICFG-PEDES (Ding et al., Semantically Self-Aligned Network, 2021)."""

from __future__ import annotations

from mmt2ireid.datasets.ann_files import find_spelling
from mmt2ireid.datasets.annotations import RecordFormat
from mmt2ireid.datasets.held_out import HeldOutDataset
from mmt2ireid.registry import DATASETS


@DATASETS.register_module()
class ICFGPEDES(HeldOutDataset):
    """ICFG-PEDES: ``ICFG-PEDES.json`` (or ``ICFG_PEDES.json``) beside ``imgs/``.

    The release has no validation split: some training identities are held out. ``imgs/train`` and ``imgs/test`` are
    MSMT17's folders, not the splits. Arguments: :class:`~mmt2ireid.datasets.held_out.HeldOutDataset`.
    """

    METAINFO = {'dataset': 'ICFG-PEDES', 'image_source': 'MSMT17'}
    FORMAT = RecordFormat('ICFG-PEDES')
    ANN_FILE = 'ICFG-PEDES.json'
    IMAGE_FOLDER = 'imgs'

    def find_ann_file(self) -> str:
        """The annotation file, spelt with a hyphen or an underscore."""
        return find_spelling(self.ann_file) or super().find_ann_file()
