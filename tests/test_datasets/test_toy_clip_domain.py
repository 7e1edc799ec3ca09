import hashlib

import numpy as np
import pytest

from mmt2ireid.datasets.toy import ATTRIBUTES, CAMERAS, ToyOptions
from mmt2ireid.datasets.toy.camera import MAIN_CAMERAS, POOL_CAMERAS, SECOND_CAMERAS
from mmt2ireid.datasets.toy.clip_domain import CHUNK, clip_persons, draw_clip_domain
from mmt2ireid.datasets.toy.sampling import distinct_persons
from mmt2ireid.datasets.toy.world import DOMAINS, jobs_of

SMALL = ToyOptions(size=(32, 16))


def test_pictures_and_truths_belong_together():
    pictures, truths = draw_clip_domain(40, workers=0)
    assert pictures.shape == (40, 96, 48, 3)
    assert pictures.dtype == np.uint8
    assert all(tuple(truth) == ATTRIBUTES for truth in truths)
    persons = clip_persons(40)
    assert [truth['upper clothes'] for truth in truths] == [person.upper.phrase for person in persons]
    # a white upper body is lighter than a black one, whoever wears it
    light = {
        colour: np.mean([
            picture[32:48, 18:30].mean()
            for picture, truth in zip(pictures, truths, strict=True)
            if colour in truth['upper clothes'].split() and truth['umbrella'] is None
        ])
        for colour in ('white', 'black')
    }  # fmt: skip
    assert light['white'] > light['black'] + 25


def test_workers_do_not_change_a_pixel_and_more_persons_not_the_first_ones():
    alone, truths = draw_clip_domain(CHUNK + 5, SMALL, workers=1)
    shared, others = draw_clip_domain(CHUNK + 5, SMALL, workers=3)
    few, first = draw_clip_domain(9, SMALL)
    assert (alone == shared).all()
    assert truths == others
    assert (few == alone[:9]).all()
    assert first == truths[:9]
    assert (few != draw_clip_domain(9, ToyOptions(seed=1, size=(32, 16)))[0]).any()


def test_its_persons_are_nobody_of_the_world():
    # Of so many, some would share their attributes with persons of the pool if these were not avoided.
    world = {person.key for domain in DOMAINS for person in distinct_persons(0, domain, 4000)}
    drawn = [person.key for person in distinct_persons(0, 'clip', 8000)]
    assert world & set(drawn)
    keys = [person.key for person in clip_persons(8000)]
    assert len(set(keys)) == len(keys) == 8000
    of_the_world = {
        person.key
        for domain in DOMAINS
        for person in distinct_persons(0, domain, sum(ToyOptions().splits(domain).values()))
    }
    assert not of_the_world & set(keys)


def test_its_cameras_are_its_own_and_the_world_does_not_know_it():
    others = {camera.name for camera in (*MAIN_CAMERAS, *POOL_CAMERAS, *SECOND_CAMERAS)}
    assert len(CAMERAS['clip']) >= 6
    assert not others & {camera.name for camera in CAMERAS['clip']}
    places = {(camera.wall, camera.ground) for domain in DOMAINS for camera in CAMERAS[domain]}
    assert not places & {(camera.wall, camera.ground) for camera in CAMERAS['clip']}
    assert 'clip' not in DOMAINS
    assert {job.domain for job in jobs_of(ToyOptions(pool=3))} == set(DOMAINS)


@pytest.mark.parametrize(('change', 'wanted'), [({'count': 0}, 'count'), ({'workers': -1}, 'workers')])
def test_bad_numbers_are_refused(change, wanted):
    with pytest.raises(ValueError, match=f'{wanted} must be'):
        draw_clip_domain(**{'count': 4, **change})


def test_the_world_s_cameras_stay_as_they_were():
    """The worlds that people have drawn must come out the same: cameras, their order and all numbers."""
    text = repr([CAMERAS[domain] for domain in ('pool', 'main', 'second')])
    digest = '4a83983c6a12c06f2abe28d0929d8f1cbd7e1a108560a09e9d1ce78964d9599d'
    assert hashlib.sha256(text.encode()).hexdigest() == digest
