"""The releases that the doctor knows, with their official counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mmt2ireid.datasets.annotations import RecordFormat
from mmt2ireid.datasets.cuhk_pedes import CUHKPEDES
from mmt2ireid.datasets.icfg_pedes import ICFGPEDES
from mmt2ireid.datasets.iiitd20k import IIITD20K
from mmt2ireid.datasets.luperson_mllm import LUPersonMLLM
from mmt2ireid.datasets.luperson_t import LUPersonT
from mmt2ireid.datasets.mals import MALS
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.datasets.rstp_reid import WITHDRAWN, RSTPReid
from mmt2ireid.datasets.synth_pedes import SYNTHPEDES
from mmt2ireid.datasets.ufine6926 import UFine6926


class Counts(NamedTuple):
    """Size of a split: identities, images, captions."""

    ids: int
    images: int
    captions: int


@dataclass(frozen=True)
class Release:
    """What is known of a release.

    Another loader joins by adding a line to :data:`RELEASES`; what is left out is not checked.

    Attributes:
        name: as its authors write it.
        loader: the data set class; its ``FORMAT``, ``ANN_FILE``, ``IMAGE_FOLDER`` and search for files are used.
        counts: official counts per split.
        total: official counts of all splits together, where theirs are not known.
        rough_images: number of images where it is only known roughly (then a tenth is allowed for).
        first_id: the lowest identity of the training split.
        disjoint: whether the identities of the splits are known to be numbered apart.
        folders: top folders below the image folder.
        source: the data set that the pictures were taken from, where that is another one.
        images_per_id: where it is the same for all identities.
        id_in_name: whether file names begin with the identity.
        extra_captions: images with more than two captions.
        words: shortest and longest caption.
        width, height: smallest and largest picture in pixels.
        withdrawn: per split, identities and images of a split that was replaced.
        folders_are_splits: False where folders are called like splits and are not.
        noisy_captions: whether captions hold marks of other scripts, fragments of code and repetitions.
        arrow_parts: the Arrow files of the release.
        by_loader: whether the file is no JSON list of records; then the loader's word is taken for it.
        loader_args: arguments of the loader that leave nothing out.
        is_own: whether it is no release, but data of one's own: nothing is compared.
    """

    name: str
    loader: type[PersonTextDataset]
    counts: Mapping[str, Counts] = field(default_factory=dict)
    total: Counts | None = None
    rough_images: int = 0
    first_id: int | None = None
    disjoint: bool = False
    folders: tuple[str, ...] = ()
    source: str = ''
    images_per_id: int = 0
    id_in_name: bool = False
    extra_captions: int = 0
    words: tuple[int, int] | None = None
    width: tuple[int, int] | None = None
    height: tuple[int, int] | None = None
    withdrawn: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    folders_are_splits: bool = True
    noisy_captions: bool = False
    arrow_parts: tuple[str, ...] = ()
    by_loader: bool = False
    loader_args: Mapping[str, Any] = field(default_factory=dict)
    is_own: bool = False


class OwnData(PersonTextDataset):
    """Data of one's own in the layout of CUHK-PEDES, as docs/your_own_data.md describes it."""

    FORMAT = RecordFormat('your data')
    ANN_FILE = 'reid_raw.json'
    IMAGE_FOLDER = 'imgs'


_ALL = (
    Release(
        'CUHK-PEDES',
        CUHKPEDES,
        counts={
            'train': Counts(11003, 34054, 68126),
            'val': Counts(1000, 3078, 6158),
            'test': Counts(1000, 3074, 6156),
        },
        first_id=1,
        disjoint=True,
        folders=('CUHK01', 'CUHK03', 'Market', 'cam_a', 'cam_b', 'test_query', 'train_query'),
        extra_captions=9,
        words=(12, 96),
        width=(13, 374),
        height=(34, 800),
    ),
    Release(
        'ICFG-PEDES',
        ICFGPEDES,
        counts={'train': Counts(3102, 34674, 34674), 'test': Counts(1000, 19848, 19848)},
        first_id=0,
        folders=('test', 'train'),
        source='MSMT17',
        folders_are_splits=False,
        loader_args={'holdout_ids': 0},
    ),
    Release(
        'RSTPReid',
        RSTPReid,
        counts={
            'train': Counts(3701, 18505, 37010),
            'val': Counts(200, 1000, 2000),
            'test': Counts(200, 1000, 2000),
        },
        first_id=0,
        disjoint=True,
        source='MSMT17',
        images_per_id=5,
        id_in_name=True,
        withdrawn=WITHDRAWN,
        noisy_captions=True,
    ),
    Release(
        'LUPerson-T',
        LUPersonT,
        rough_images=1_280_000,
        arrow_parts=tuple(f'LUPerson_{part}.arrow' for part in ('train', 'val', 'restval', 'test')),
    ),
    Release('LUPerson-MLLM', LUPersonMLLM, rough_images=1_020_000, by_loader=True),
    Release('MALS', MALS, total=Counts(0, 1_510_330, 1_510_330)),
    Release('SYNTH-PEDES', SYNTHPEDES, rough_images=4_790_000),
    Release('UFine6926', UFine6926, total=Counts(6926, 26206, 52412), loader_args={'holdout_ids': 0}),
    Release('IIITD-20K', IIITD20K, total=Counts(20_000, 20_000, 40_000), by_loader=True),
    Release('own', OwnData, disjoint=True, loader_args={'allow_uncaptioned': True}, is_own=True),
)
RELEASES: dict[str, Release] = {release.name: release for release in _ALL}
"""Every release by its name, and 'own' for data of one's own."""


def find_release(name: str) -> Release:
    """A release by its name, whatever its letters, hyphens and underscores, or by its class.

    Raises:
        ValueError: there is none.
    """
    for release in RELEASES.values():
        if _plain(name) in (_plain(release.name), _plain(release.loader.__name__)):
            return release
    raise ValueError(f'name must be one of {", ".join(RELEASES)}, but got {name!r}')


def _plain(name: str) -> str:
    return name.replace('-', '').replace('_', '').lower()
