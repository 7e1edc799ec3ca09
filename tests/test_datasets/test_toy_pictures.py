from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image

from mmt2ireid.datasets.toy import CAMERAS, Garment, Person, Shot, Thing, draw_person
from mmt2ireid.datasets.toy.attributes import COLOURS, LOWER_KINDS, PATTERNS, UPPER_KINDS
from mmt2ireid.datasets.toy.canvas import Canvas
from mmt2ireid.datasets.toy.figure import draw_figure, height_of
from mmt2ireid.datasets.toy.pose import bend
from mmt2ireid.datasets.toy.sampling import distinct_persons, sample_shot

BACK = (1, 255, 1)
PERSON = Person(
    age='young', gender='man', upper=Garment('t-shirt', 'red'), lower=Garment('pants', 'blue'), hair_length='short',
    hair_colour='black', shoes='white', skin=0, build=1.0,
)  # fmt: skip
STAND = Shot('standing', 'front')


def figure(person, shot=STAND, seed=0, unit=170):
    """The figure alone on a green screen, 240 x 240 pixels."""
    image = Image.new('RGB', (240, 240), BACK)
    draw_figure(Canvas(image, unit=unit, origin=(120, 225), flip=shot.facing_left), person, shot, Random(seed))
    return np.asarray(image).astype(int)


def body(pixels):
    return (pixels != BACK).any(-1)


def share(pixels, colour):
    """Part of the body that has a colour."""
    return float((abs(pixels - np.array(COLOURS[colour])).sum(-1) < 6).sum() / body(pixels).sum())


def test_clothes_have_their_colours_at_their_places():
    pixels = figure(PERSON)
    assert tuple(pixels[225 - int(0.62 * 170), 120]) == COLOURS['red']
    assert share(pixels, 'red') > 0.2
    assert share(pixels, 'blue') > 0.2
    legs = pixels[225 - int(0.40 * 170) : 225 - int(0.1 * 170)]
    assert share(legs, 'blue') > 0.5
    assert share(legs, 'red') == 0


@pytest.mark.parametrize('kind', UPPER_KINDS)
@pytest.mark.parametrize('view', ['front', 'side', 'back'])
def test_upper_kinds_show_their_colour_from_all_sides(kind, view):
    pixels = figure(replace(PERSON, upper=Garment(kind, 'orange')), Shot('walking', view))
    assert share(pixels, 'orange') > 0.09


@pytest.mark.parametrize('pattern', PATTERNS[1:])
def test_patterns_show_their_second_colour(pattern):
    person = replace(PERSON, upper=Garment('sweater', 'red', pattern, 'yellow'))
    for view in ('front', 'side', 'back'):
        pixels = figure(person, Shot('standing', view))
        assert share(pixels, 'red') > 0.05
        assert share(pixels, 'yellow') > 0.015


def test_kinds_look_different():
    seen = [figure(replace(PERSON, upper=Garment(kind, 'red'))) for kind in UPPER_KINDS]
    seen += [figure(replace(PERSON, gender='woman', lower=Garment(kind, 'blue'))) for kind in LOWER_KINDS]
    for i, first in enumerate(seen):
        for second in seen[i + 1 :]:
            assert (first != second).any(-1).sum() > 150


@pytest.mark.parametrize(
    'change',
    [
        {'age': 'child'}, {'age': 'middle-aged'}, {'age': 'elderly'}, {'gender': 'woman'}, {'hair_length': 'long'},
        {'hair_length': 'medium'}, {'hair_length': 'bald'}, {'bag': Thing('backpack', 'orange')},
        {'bag': Thing('handbag', 'orange')}, {'bag': Thing('shoulder bag', 'orange')},
        {'bag': Thing('suitcase', 'orange')}, {'glasses': 'glasses'}, {'glasses': 'sunglasses'}, {'smoke': True},
        {'hat': Thing('cap', 'orange')}, {'hat': Thing('hat', 'orange')}, {'hat': Thing('beanie', 'orange')},
        {'hat': Thing('helmet', 'orange')}, {'cellphone': True}, {'umbrella': 'orange'}, {'gloves': 'orange'},
    ],
    ids=str,
)  # fmt: skip
def test_every_attribute_is_drawn(change):
    plain, changed = figure(PERSON), figure(replace(PERSON, **change))
    # 60 pixels of this canvas are about five of a picture 96 pixels high
    assert (plain != changed).any(-1).sum() > 60
    if 'orange' in str(change):
        assert share(changed, 'orange') > 0.004


@pytest.mark.parametrize('kind', ['bicycle', 'scooter'])
def test_vehicles(kind):
    pixels = figure(replace(PERSON, vehicle=Thing(kind, 'yellow')), Shot('riding', 'side'))
    assert share(pixels, 'yellow') > 0.02
    assert body(pixels)[-60:].any(0).sum() > 80  # wheels stand wider than feet


def test_proportions():
    tall, small = body(figure(PERSON)), body(figure(replace(PERSON, age='child')))
    rows = [np.flatnonzero(mask.any(1)) for mask in (tall, small)]
    assert len(rows[0]) == pytest.approx(170, abs=16)
    assert len(rows[1]) < 0.8 * len(rows[0])
    assert 2.2 < len(rows[0]) / tall.any(0).sum() < 4


def test_facing_left_mirrors_a_side_view():
    right, left = (body(figure(PERSON, Shot('running', 'side', facing))) for facing in (False, True))
    flipped = np.roll(right[:, ::-1], 1, axis=1)
    assert (left == flipped).mean() > 0.99
    assert (left == right).mean() < 0.97


def test_a_figure_stays_inside_its_height():
    for number, person in enumerate(distinct_persons(5, 'pool', 120)):
        shot = sample_shot(Random(number), person, hide_feet=0)
        rows = np.flatnonzero(body(figure(person, shot, number)).any(1))
        assert rows[0] >= 225 - (height_of(person) + 0.04) * 170
        assert rows[-1] <= 225 + 0.03 * 170


def test_bend_keeps_lengths():
    for end in [(0.1, -0.2), (-0.15, 0.1), (0.0, -0.9), (0.02, 0.25)]:
        joint, reached = bend((0.0, 0.0), end, 0.4, 1)
        assert np.hypot(*joint) == pytest.approx(0.2)
        assert np.hypot(reached[0] - joint[0], reached[1] - joint[1]) == pytest.approx(0.2)
        assert joint[0] >= min(0.0, reached[0] / 2)


def test_draw_person_is_deterministic_and_of_the_size_asked_for():
    camera = CAMERAS['main'][0]
    first = draw_person(PERSON, STAND, camera, Random(1), size=(64, 32))
    assert first.size == (32, 64)
    assert first.mode == 'RGB'
    assert first.tobytes() == draw_person(PERSON, STAND, camera, Random(1), size=(64, 32)).tobytes()
    assert first.tobytes() != draw_person(PERSON, STAND, camera, Random(2), size=(64, 32)).tobytes()


def test_cameras_differ_within_and_between_domains():
    cameras = [camera for domain in CAMERAS.values() for camera in domain]
    assert len({camera.name for camera in cameras}) == len(cameras)
    means = [np.asarray(draw_person(PERSON, STAND, camera, Random(4)), float).mean((0, 1)) for camera in cameras]
    for i, first in enumerate(means):
        for second in means[i + 1 :]:
            assert abs(first - second).max() > 1.5


def test_hidden_feet_are_hidden():
    camera = replace(CAMERAS['pool'][0], noise=(0.0, 0.0), tilt=0.0)
    person = replace(PERSON, shoes='yellow')
    seen, hidden = (
        np.asarray(draw_person(person, Shot('standing', 'front', False, hide), camera, Random(0)), int)
        for hide in (False, True)
    )
    yellow = [((p[80:, :, 0] > 170) & (p[80:, :, 1] > 140) & (p[80:, :, 2] < 110)).sum() for p in (seen, hidden)]
    assert yellow[0] > 4
    assert yellow[1] == 0
