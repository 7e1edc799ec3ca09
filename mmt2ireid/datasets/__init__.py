"""Datasets, samplers and transforms."""

from mmt2ireid import compat

compat.patch_mmpretrain()

from mmt2ireid.datasets import samplers, transforms  # noqa: E402
from mmt2ireid.datasets.cuhk_pedes import CUHKPEDES  # noqa: E402
from mmt2ireid.datasets.errors import AnnotationError, BadImageError  # noqa: E402
from mmt2ireid.datasets.icfg_pedes import ICFGPEDES  # noqa: E402
from mmt2ireid.datasets.luperson_t import LUPersonT  # noqa: E402
from mmt2ireid.datasets.person_text import PersonTextDataset  # noqa: E402
from mmt2ireid.datasets.rstp_reid import RSTPReid  # noqa: E402
from mmt2ireid.datasets.seeding import SeededIndex, seeded_rng  # noqa: E402

__all__ = [
    'CUHKPEDES',
    'ICFGPEDES',
    'AnnotationError',
    'BadImageError',
    'LUPersonT',
    'PersonTextDataset',
    'RSTPReid',
    'SeededIndex',
    'samplers',
    'seeded_rng',
    'transforms',
]
