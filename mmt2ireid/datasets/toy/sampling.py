"""Drawing persons by lot, with the dependencies one sees in a street."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import TypeVar

from mmt2ireid.datasets.toy.attributes import COLOURS, SKINS, Garment, Person, Shot, Thing

T = TypeVar('T')

AGES = {'child': 12, 'young': 42, 'middle-aged': 28, 'elderly': 18}
UPPER_COLOURS = {
    'black': 14,
    'white': 13,
    'gray': 10,
    'blue': 12,
    'red': 10,
    'green': 8,
    'pink': 7,
    'yellow': 7,
    'orange': 6,
    'purple': 6,
    'brown': 6,
    'beige': 6,
}
LOWER_COLOURS = {
    'black': 20,
    'blue': 13,
    'gray': 12,
    'white': 10,
    'beige': 10,
    'brown': 9,
    'green': 7,
    'red': 7,
    'purple': 4,
    'pink': 4,
    'yellow': 4,
}
JEANS_COLOURS = {'blue': 6, 'black': 3, 'gray': 2, 'white': 1}
UPPER_KINDS = {
    't-shirt': 20,
    'shirt': 15,
    'sweater': 14,
    'hoodie': 12,
    'jacket': 14,
    'wind coat': 11,
    'vest': 7,
    'suit': 7,
}
PATTERNS = {'pure color': 44, 'striped': 20, 'plaid': 14, 'dotted': 10, 'color block': 12}
LOWER_KINDS = {
    'man': {'pants': 40, 'jeans': 28, 'sports pants': 14, 'shorts': 18},
    'woman': {'pants': 22, 'jeans': 18, 'leggings': 14, 'shorts': 12, 'skirt': 22, 'long skirt': 12},
}
HAIR_LENGTHS = {
    ('man', False): {'short': 80, 'medium': 8, 'long': 4, 'bald': 8},
    ('man', True): {'short': 70, 'medium': 2, 'bald': 28},
    ('woman', False): {'short': 16, 'medium': 30, 'long': 54},
    ('woman', True): {'short': 55, 'medium': 38, 'long': 7},
}
HAIR_COLOURS = {
    'child': {'black': 4, 'brown': 4, 'blond': 3, 'red': 1},
    'young': {'black': 5, 'brown': 4, 'blond': 3, 'red': 1},
    'middle-aged': {'black': 4, 'brown': 4, 'blond': 2, 'gray': 2},
    'elderly': {'gray': 5, 'white': 5},
}
SHOES = {'black': 30, 'white': 28, 'brown': 14, 'gray': 10, 'red': 8, 'blue': 6, 'yellow': 4}
BAGS = {
    'man': {'backpack': 60, 'shoulder bag': 25, 'suitcase': 15},
    'woman': {'backpack': 28, 'handbag': 38, 'shoulder bag': 24, 'suitcase': 10},
}
HATS = {'cap': 5, 'hat': 3, 'beanie': 3}
VIEWS = {'front': 52, 'side': 26, 'back': 22}
ACTIONS = {'standing': 44, 'walking': 38, 'running': 10, 'waving': 8}


def draw(rng: Random, weights: Mapping[T, float]) -> T:
    """One key of ``weights``, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def contrast_colour(rng: Random, colour: str) -> str:
    """A colour that stands out from another one."""
    light = sum(COLOURS[colour]) > 3 * 125
    dark_ones = {'black': 4, 'blue': 3, 'red': 2, 'purple': 1, 'green': 1}
    choice = dark_ones if light else {'white': 6, 'yellow': 2, 'pink': 1}
    return draw(rng, {name: weight for name, weight in choice.items() if name != colour})


def _upper(rng: Random, age: str) -> Garment:
    kinds = {kind: weight for kind, weight in UPPER_KINDS.items() if not (age == 'child' and kind == 'suit')}
    kind = draw(rng, kinds)
    patterns = {'pure color': 5, 'plaid': 2, 'striped': 2} if kind == 'suit' else PATTERNS
    colour, pattern = draw(rng, UPPER_COLOURS), draw(rng, patterns)
    return Garment(kind, colour, pattern, None if pattern == 'pure color' else contrast_colour(rng, colour))


def _lower(rng: Random, gender: str, age: str, upper: str) -> Garment:
    kinds = dict(LOWER_KINDS[gender])
    if age == 'elderly':
        kinds.pop('leggings', None)
        kinds['shorts'] = 3
    if upper in ('wind coat', 'suit'):
        kinds['shorts'] = 1
    kind = draw(rng, kinds)
    return Garment(kind, draw(rng, JEANS_COLOURS if kind == 'jeans' else LOWER_COLOURS))


def _vehicle(rng: Random, age: str, lower: str) -> Thing | None:
    if lower == 'long skirt' or rng.random() >= 0.09:
        return None
    kind = 'bicycle' if age == 'child' else draw(rng, {'bicycle': 6, 'scooter': 4})
    return Thing(kind, draw(rng, {'red': 3, 'blue': 3, 'black': 3, 'green': 2, 'yellow': 2, 'white': 2}))


def _bag(rng: Random, gender: str, age: str, riding: bool) -> Thing | None:
    if rng.random() >= 0.4:
        return None
    kind = 'backpack' if age == 'child' or riding else draw(rng, BAGS[gender])
    return Thing(kind, draw(rng, {**UPPER_COLOURS, 'brown': 14, 'black': 20}))


def _hat(rng: Random, riding: bool) -> Thing | None:
    if rng.random() >= (0.5 if riding else 0.17):
        return None
    return Thing('helmet' if riding else draw(rng, HATS), draw(rng, UPPER_COLOURS))


def sample_person(rng: Random) -> Person:
    """Draw a person by lot.

    Args:
        rng: the person's own generator.

    Returns:
        A person whose things do not get in each other's way (no umbrella on a bicycle, two hands at most).
    """
    age, gender = draw(rng, AGES), draw(rng, {'man': 1, 'woman': 1})
    upper = _upper(rng, age)
    lower = _lower(rng, gender, age, upper.kind)
    old, child = age == 'elderly', age == 'child'
    hair = draw(rng, HAIR_LENGTHS[gender, old])
    vehicle = _vehicle(rng, age, lower.kind)
    riding = vehicle is not None
    umbrella = draw(rng, UPPER_COLOURS) if not riding and rng.random() < 0.07 else None
    return Person(
        age=age, gender=gender, upper=upper, lower=lower,
        hair_length='short' if child and hair == 'bald' else hair,
        hair_colour=draw(rng, HAIR_COLOURS[age]), shoes=draw(rng, SHOES), skin=rng.randrange(len(SKINS)),
        build=rng.uniform(0.92, 1.06) + (0.08 if age == 'middle-aged' else 0.0),
        bag=_bag(rng, gender, age, riding),
        glasses=draw(rng, {'glasses': 5, 'sunglasses': 4}) if rng.random() < 0.16 else None,
        smoke=not child and rng.random() < 0.035,
        hat=_hat(rng, riding),
        cellphone=not riding and umbrella is None and not child and rng.random() < 0.09,
        umbrella=umbrella,
        gloves=draw(rng, {'black': 3, 'red': 2, 'brown': 2, 'blue': 1}) if rng.random() < 0.06 else None,
        vehicle=vehicle,
    )  # fmt: skip


def sample_shot(rng: Random, person: Person, *, hide_feet: float) -> Shot:
    """Draw by lot what a picture shows of its person.

    Args:
        rng: the picture's own generator.
        person: who is drawn.
        hide_feet: probability that something stands before the feet.
    """
    hidden, left = rng.random() < hide_feet, rng.random() < 0.5
    if person.vehicle:
        return Shot('riding', 'side', left, False)
    actions = dict(ACTIONS)
    if person.cellphone or person.umbrella or (person.bag and person.bag.kind in ('handbag', 'suitcase')):
        actions.pop('waving')  # the hands are busy
    if person.age == 'elderly' or person.umbrella or (person.bag and person.bag.kind == 'suitcase'):
        actions.pop('running')
    action, view = draw(rng, actions), draw(rng, VIEWS)
    if action == 'running' and view != 'back':
        view = 'side'
    return Shot(action, view, left, hidden)


def distinct_persons(seed: int, domain: str, count: int) -> Iterator[Person]:
    """Persons of whom no two share their attributes (``Person.key``).

    Args:
        seed: of the world.
        domain: persons of another domain are other persons.
        count: how many.

    Yields:
        Person number 0, 1, ...; a larger count does not change the first ones.
    """
    taken = set()
    for number in range(count):
        rng = Random(f'{seed}/{domain}/person/{number}')
        person = sample_person(rng)
        while person.key in taken:
            person = sample_person(rng)
        taken.add(person.key)
        yield person
