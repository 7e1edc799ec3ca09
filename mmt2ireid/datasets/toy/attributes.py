"""A toy person: what is drawn and what may be said, in the 14 attributes of LUPerson-T (UniPT, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]

ATTRIBUTES = (
    'age',
    'gender',
    'upper clothes',
    'lower clothes',
    'action',
    'hair length',
    'bag',
    'glasses',
    'smoke',
    'hat',
    'cellphone',
    'umbrella',
    'gloves',
    'vehicle',
)

COLOURS: dict[str, RGB] = {
    'black': (34, 34, 38),
    'white': (240, 240, 238),
    'gray': (134, 136, 140),
    'red': (200, 32, 38),
    'pink': (243, 148, 182),
    'orange': (240, 128, 28),
    'yellow': (246, 212, 48),
    'green': (36, 132, 62),
    'blue': (34, 78, 180),
    'purple': (116, 52, 150),
    'brown': (112, 68, 36),
    'beige': (216, 194, 152),
}
HAIR_COLOURS: dict[str, RGB] = {
    'black': (26, 22, 24),
    'brown': (88, 54, 32),
    'blond': (222, 184, 104),
    'red': (166, 66, 28),
    'gray': (158, 158, 160),
    'white': (228, 228, 226),
}
SKINS: tuple[RGB, ...] = ((248, 214, 188), (232, 186, 148), (190, 134, 92), (122, 80, 54))

PATTERNS = ('pure color', 'striped', 'plaid', 'dotted', 'color block')
UPPER_KINDS = ('t-shirt', 'shirt', 'sweater', 'hoodie', 'jacket', 'wind coat', 'vest', 'suit')
LOWER_KINDS = ('pants', 'jeans', 'sports pants', 'leggings', 'shorts', 'skirt', 'long skirt')
SKIRTS = ('skirt', 'long skirt')


@dataclass(frozen=True)
class Garment:
    """A piece of clothing.

    Attributes:
        kind: one of ``UPPER_KINDS`` or ``LOWER_KINDS``.
        colour: key of ``COLOURS``.
        pattern: one of ``PATTERNS``; lower clothes are always of a pure colour.
        second: colour of the pattern; None for a pure colour.
    """

    kind: str
    colour: str
    pattern: str = 'pure color'
    second: str | None = None

    @property
    def phrase(self) -> str:
        """LUPerson-T's phrase, such as ``a blue striped shirt`` or ``black jeans``."""
        if self.kind in UPPER_KINDS:
            return with_article(f'{self.colour} {self.pattern} {self.kind}')
        return with_article(f'{self.colour} {self.kind}') if self.kind in SKIRTS else f'{self.colour} {self.kind}'


@dataclass(frozen=True)
class Thing:
    """Something a person carries or rides, with its colour (key of ``COLOURS``)."""

    kind: str
    colour: str


@dataclass(frozen=True)
class Person:
    """What stays with a person over all pictures.

    Attributes:
        age: ``child``, ``young``, ``middle-aged`` or ``elderly``.
        gender: ``man`` or ``woman``, for children too.
        upper, lower: the clothes.
        hair_length: ``short``, ``medium``, ``long`` or ``bald``.
        hair_colour: key of ``HAIR_COLOURS``.
        shoes: colour of the shoes, key of ``COLOURS``.
        skin: index into ``SKINS``.
        build: width of the body relative to the usual one, about 0.9 to 1.15.
        bag: ``backpack``, ``handbag``, ``shoulder bag`` or ``suitcase``.
        glasses: ``glasses`` or ``sunglasses``.
        smoke: whether there is a cigarette in the mouth.
        hat: ``cap``, ``hat``, ``beanie`` or ``helmet``.
        cellphone: whether a phone is held to the ear.
        umbrella: its colour.
        gloves: their colour.
        vehicle: ``bicycle`` or ``scooter``.
    """

    age: str
    gender: str
    upper: Garment
    lower: Garment
    hair_length: str
    hair_colour: str
    shoes: str
    skin: int
    build: float
    bag: Thing | None = None
    glasses: str | None = None
    smoke: bool = False
    hat: Thing | None = None
    cellphone: bool = False
    umbrella: str | None = None
    gloves: str | None = None
    vehicle: Thing | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells persons apart: no two identities of a labelled set share it."""
        bag, hat = self.bag and self.bag.kind, self.hat and self.hat.kind
        return (self.age, self.gender, self.upper, self.lower, self.hair_length, bag, hat)


@dataclass(frozen=True)
class Shot:
    """What a single picture shows of its person.

    Attributes:
        action: ``standing``, ``walking``, ``running``, ``waving`` or ``riding``.
        view: ``front``, ``side`` or ``back``.
        facing_left: in a side view, whether the person looks to the left of the picture.
        feet_hidden: whether something stands before the feet.
    """

    action: str
    view: str
    facing_left: bool = False
    feet_hidden: bool = False

    @property
    def face_visible(self) -> bool:
        """Whether glasses and cigarettes can be seen."""
        return self.view != 'back'


def attributes_of(person: Person, shot: Shot) -> dict[str, str | None]:
    """The 14 attributes of a picture as phrases; None where the person has none or the view hides it.

    Args:
        person: who is drawn.
        shot: how.

    Returns:
        A phrase or None for each name of ``ATTRIBUTES``, in that order.
    """
    face = shot.face_visible
    return {
        'age': person.age,
        'gender': person.gender,
        'upper clothes': person.upper.phrase,
        'lower clothes': person.lower.phrase,
        'action': shot.action,
        'hair length': 'a bald head' if person.hair_length == 'bald' else f'{person.hair_length} hair',
        'bag': with_article(person.bag.kind) if person.bag else None,
        'glasses': person.glasses if face else None,
        'smoke': 'a cigarette' if person.smoke and face else None,
        'hat': with_article(person.hat.kind) if person.hat else None,
        'cellphone': 'a cellphone' if person.cellphone else None,
        'umbrella': 'an umbrella' if person.umbrella else None,
        'gloves': 'gloves' if person.gloves else None,
        'vehicle': with_article(person.vehicle.kind) if person.vehicle else None,
    }


def with_article(noun_phrase: str) -> str:
    """Put ``a`` or ``an`` before a phrase: ``an orange skirt``."""
    return f'an {noun_phrase}' if noun_phrase[0] in 'aeiou' else f'a {noun_phrase}'
