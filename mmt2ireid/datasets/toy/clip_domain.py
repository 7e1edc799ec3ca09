"""The ``clip`` domain: persons and cameras of its own, for training the stand-in of a frozen CLIP.

A real CLIP has learnt from other pictures than those it captions, and so does this one: none of its persons is in the
world that :func:`~mmt2ireid.datasets.toy.make_toy_pedes` draws, and none of its cameras. It is no part of that world's
folder; its pictures are drawn straight into memory.
"""

from __future__ import annotations

from functools import partial
from random import Random

import numpy as np

from mmt2ireid.compat import worker_pool
from mmt2ireid.datasets.toy.attributes import Person, attributes_of
from mmt2ireid.datasets.toy.camera import CAMERAS, draw_person
from mmt2ireid.datasets.toy.sampling import distinct_persons, sample_shot
from mmt2ireid.datasets.toy.world import DOMAINS, ToyOptions

DOMAIN = 'clip'
CHUNK = 256

Truth = dict[str, 'str | None']


def clip_persons(count: int, options: ToyOptions | None = None) -> list[Person]:
    """Persons who differ from one another and from everybody in a toy world, in ``Person.key``.

    Args:
        count: how many.
        options: of the world that is to be avoided; its seed is theirs too.

    Returns:
        The persons; a larger ``count`` does not change the first ones.
    """
    options = options or ToyOptions()
    taken = {
        person.key
        for domain in DOMAINS
        for person in distinct_persons(options.seed, domain, sum(options.splits(domain).values()))
    }
    persons: list[Person] = []
    wanted = count
    while len(persons) < count:
        candidates = distinct_persons(options.seed, DOMAIN, wanted)
        persons = [person for person in candidates if person.key not in taken]
        wanted += count - len(persons)
    return persons[:count]


def draw_clip_domain(
    count: int, options: ToyOptions | None = None, *, workers: int = 2
) -> tuple[np.ndarray, list[Truth]]:
    """Draw a picture of each of ``count`` persons.

    Args:
        count: persons, and pictures.
        options: seed and picture size, and the world whose persons are to be avoided; the defaults when None.
        workers: processes that draw; 0 or 1 draws in this one. Their number does not change a pixel.

    Returns:
        RGB pictures, uint8 (count, H, W, 3), and for each the true phrase of every attribute, None where the person
        has none or the view hides it.

    Raises:
        ValueError: ``count`` is not positive or ``workers`` is negative.
    """
    for name, value, low in (('count', count, 1), ('workers', workers, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f'{name} must be an integer of at least {low}, but got {value!r}')
    options = options or ToyOptions()
    persons = clip_persons(count, options)
    chunks = [list(enumerate(persons))[start : start + CHUNK] for start in range(0, count, CHUNK)]
    draw = partial(_draw_chunk, options=options)
    if workers <= 1 or len(chunks) == 1:
        drawn = list(map(draw, chunks))
    else:
        with worker_pool(min(workers, len(chunks))) as pool:
            drawn = list(pool.map(draw, chunks))
    return np.concatenate([pictures for pictures, _ in drawn]), [truth for _, truths in drawn for truth in truths]


def _draw_chunk(chunk: list[tuple[int, Person]], options: ToyOptions) -> tuple[np.ndarray, list[Truth]]:
    pictures = np.empty((len(chunk), *options.size, 3), dtype=np.uint8)
    truths = []
    for row, (number, person) in enumerate(chunk):
        key = f'{options.seed}/{DOMAIN}/{number}'
        camera = Random(f'{key}/camera').choice(CAMERAS[DOMAIN])
        shot = sample_shot(Random(f'{key}/shot'), person, hide_feet=camera.hide_feet)
        pictures[row] = np.asarray(draw_person(person, shot, camera, Random(f'{key}/picture'), size=options.size))
        truths.append(attributes_of(person, shot))
    return pictures, truths
