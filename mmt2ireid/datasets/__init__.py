"""Datasets, samplers and transforms."""

from mmt2ireid import compat

compat.patch_mmpretrain()

from mmt2ireid.datasets import samplers, transforms  # noqa: E402
from mmt2ireid.datasets.cuhk_pedes import CUHKPEDES  # noqa: E402
from mmt2ireid.datasets.errors import AnnotationError, BadImageError  # noqa: E402
from mmt2ireid.datasets.icfg_pedes import ICFGPEDES  # noqa: E402
from mmt2ireid.datasets.iiitd20k import IIITD20K  # noqa: E402
from mmt2ireid.datasets.luperson_mllm import LUPersonMLLM  # noqa: E402
from mmt2ireid.datasets.luperson_t import LUPersonT  # noqa: E402
from mmt2ireid.datasets.mals import MALS  # noqa: E402
from mmt2ireid.datasets.person_text import PersonTextDataset  # noqa: E402
from mmt2ireid.datasets.rstp_reid import RSTPReid  # noqa: E402
from mmt2ireid.datasets.seeding import SeededIndex, seeded_rng  # noqa: E402
from mmt2ireid.datasets.synth_pedes import SYNTHPEDES  # noqa: E402
from mmt2ireid.datasets.ufine6926 import UFine6926  # noqa: E402
from mmt2ireid.datasets.weighted_concat import WeightedConcat  # noqa: E402

__all__ = [
    'CUHKPEDES',
    'ICFGPEDES',
    'IIITD20K',
    'MALS',
    'SYNTHPEDES',
    'AnnotationError',
    'BadImageError',
    'LUPersonMLLM',
    'LUPersonT',
    'PersonTextDataset',
    'RSTPReid',
    'SeededIndex',
    'UFine6926',
    'WeightedConcat',
    'samplers',
    'seeded_rng',
    'transforms',
]
