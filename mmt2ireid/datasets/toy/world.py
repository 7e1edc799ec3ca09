"""Who is seen where: the persons, cameras and pictures of the three domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from PIL import Image

from mmt2ireid.datasets.toy.attributes import Person, Shot, attributes_of
from mmt2ireid.datasets.toy.camera import CAMERAS, Camera, draw_person
from mmt2ireid.datasets.toy.captions import write_captions
from mmt2ireid.datasets.toy.sampling import distinct_persons, sample_shot

DOMAINS = ('main', 'pool', 'second')
MAX_CAPTIONS = 10


@dataclass(frozen=True)
class ToyOptions:
    """Sizes of the toy world.

    Attributes:
        seed: the same seed gives the same bytes.
        train_ids, val_ids, test_ids: identities of the labelled set.
        images_per_id: pictures of each labelled identity.
        captions_per_image: captions of each labelled picture.
        pool: unlabelled persons for pre-training, with a picture each.
        pool_captions: captions of each pool picture.
        second_ids: train identities, and as many test identities, of the second labelled set; a sixth of it is the
            number of its val identities.
        size: (height, width) of the pictures in pixels.

    Raises:
        ValueError: an option is out of its range.
    """

    seed: int = 0
    train_ids: int = 200
    val_ids: int = 50
    test_ids: int = 100
    images_per_id: int = 4
    captions_per_image: int = 2
    pool: int = 4000
    pool_captions: int = 1
    second_ids: int = 60
    size: tuple[int, int] = (96, 48)

    def __post_init__(self) -> None:
        least = {'train_ids': 1, 'test_ids': 1, 'images_per_id': 1, 'captions_per_image': 1, 'pool_captions': 1}
        for field in fields(self):
            value = getattr(self, field.name)
            low = least.get(field.name, 0)
            if field.name == 'size':
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f'{field.name} must be an integer of at least {low}, but got {value!r}')
        for name in ('captions_per_image', 'pool_captions'):
            if getattr(self, name) > MAX_CAPTIONS:
                raise ValueError(f'{name} must be at most {MAX_CAPTIONS}, but got {getattr(self, name)}')
        self._check_size()

    def _check_size(self) -> None:
        size = self.size
        if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(type(n) is int for n in size):
            raise ValueError(f'size must be two integers (height, width), but got {size!r}')
        height, width = size
        if not (32 <= height <= 1024 and 16 <= width <= 1024 and width <= height <= 4 * width):
            raise ValueError(
                'size must be (height, width) with a height of 32 to 1024 pixels, a width of at least 16 and a height '
                f'of one to four times the width, but got {tuple(size)}'
            )
        object.__setattr__(self, 'size', (height, width))

    def as_json(self) -> dict[str, Any]:
        """The options as JSON holds them."""
        return {**asdict(self), 'size': list(self.size)}

    def splits(self, domain: str) -> dict[str, int]:
        """Identities in each split of a domain; the pool is all train."""
        return {
            'main': {'train': self.train_ids, 'val': self.val_ids, 'test': self.test_ids},
            'second': {'train': self.second_ids, 'val': self.second_ids // 6, 'test': self.second_ids},
            'pool': {'train': self.pool},
        }[domain]

    def num_images(self, domain: str) -> int:
        """Pictures in a domain."""
        return sum(self.splits(domain).values()) * (1 if domain == 'pool' else self.images_per_id)


@dataclass(frozen=True)
class Job:
    """A picture to be drawn and described.

    Attributes:
        domain: ``main``, ``pool`` or ``second``.
        split: ``train``, ``val`` or ``test``.
        number: of the person in the domain, 0-based.
        image: number of the picture among the person's.
        person: who.
        camera: which of the domain's cameras.
        file_path: relative to the folder of the domain's pictures.
    """

    domain: str
    split: str
    number: int
    image: int
    person: Person
    camera: int
    file_path: str


@dataclass(frozen=True)
class Record:
    """What is known about a drawn picture: its captions and its true attributes (phrase or None by name)."""

    captions: list[str]
    attributes: dict[str, str | None]


def jobs_of(options: ToyOptions) -> Iterator[Job]:
    """All pictures of a world: train persons first, the pictures of a person next to each other."""
    for domain in DOMAINS:
        yield from _jobs_of_domain(options, domain)


def _jobs_of_domain(options: ToyOptions, domain: str) -> Iterator[Job]:
    splits = [split for split, count in options.splits(domain).items() for _ in range(count)]
    # File numbers are a random permutation, so that neither a name nor the order of names says who is seen.
    names = list(range(options.num_images(domain)))
    Random(f'{options.seed}/{domain}/names').shuffle(names)
    cameras = CAMERAS[domain]
    for number, person in enumerate(distinct_persons(options.seed, domain, len(splits))):
        order = list(range(len(cameras)))
        Random(f'{options.seed}/{domain}/{number}/cameras').shuffle(order)
        for image in range(1 if domain == 'pool' else options.images_per_id):
            camera = order[image % len(order)]
            path = f'{cameras[camera].name}/{names.pop():06d}.png'
            yield Job(domain, splits[number], number, image, person, camera, path)


def draw_job(job: Job, options: ToyOptions) -> tuple[Image.Image, Record]:
    """Draw and describe a picture; what comes out depends on the seed and on who is seen in which picture only.

    Args:
        job: what to draw.
        options: seed, picture size and captions per picture.

    Returns:
        The RGB picture and what is known about it.
    """
    key = f'{options.seed}/{job.domain}/{job.number}/{job.image}'
    camera: Camera = CAMERAS[job.domain][job.camera]
    shot: Shot = sample_shot(Random(f'{key}/shot'), job.person, hide_feet=camera.hide_feet)
    count = options.pool_captions if job.domain == 'pool' else options.captions_per_image
    captions = write_captions(job.person, shot, job.domain, Random(f'{key}/captions'), count)
    picture = draw_person(job.person, shot, camera, Random(f'{key}/picture'), size=options.size)
    return picture, Record(captions, attributes_of(job.person, shot))
