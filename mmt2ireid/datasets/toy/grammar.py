"""Phrases about a person, and sentences from phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from mmt2ireid.datasets.toy.attributes import SKIRTS, Garment, Person, Shot, with_article
from mmt2ireid.datasets.toy.sampling import draw
from mmt2ireid.datasets.toy.styles import WORDS, Style


@dataclass(frozen=True)
class Clause:
    """Something said about a person, in the forms in which it fits a sentence.

    Attributes:
        topic: what it is about: ``clothes``, ``hair``, ``action`` or ``thing``.
        finite: third person singular, such as ``wears a hat``.
        participle: such as ``wearing a hat``; None where there is none.
        prep: such as ``with a hat``, to stand after a noun; None where there is none.
        alone: a whole sentence of its own without its full stop; None where there is none.
    """

    topic: str
    finite: str
    participle: str | None = None
    prep: str | None = None
    alone: str | None = None


def listing(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return items[0] if len(items) == 1 else f'{", ".join(items[:-1])} and {items[-1]}'


class Speaker:
    """Someone who describes one picture.

    Args:
        person: who is seen.
        shot: what is seen of the person.
        style: how the speaker talks.
        rng: the caption's own generator.
    """

    def __init__(self, person: Person, shot: Shot, style: Style, rng: Random) -> None:
        self.person = person
        self.shot = shot
        self.style = style
        self.rng = rng
        self.man = person.gender == 'man'
        self.he, self.his = ('he', 'his') if self.man else ('she', 'her')

    def word(self, notion: str) -> str:
        """One of the speaker's words for a notion; a notion without entry is its own word."""
        return draw(self.rng, self.style.words.get(notion) or WORDS.get(notion) or {notion: 1.0})

    def keeps(self, fact: str) -> bool:
        """Whether the speaker mentions a fact."""
        return self.rng.random() < self.style.keep[fact]

    def noun(self) -> str:
        """``young man``; age may be left out."""
        return self.word(f'{self.person.age} {self.person.gender}')

    def upper(self) -> str:
        """The upper garment: ``a blue striped shirt``, ``a blue shirt with white stripes``."""
        garment = self.person.upper
        name, colour = self.word(garment.kind), self.word(garment.colour)
        # "a long blue coat", not "a blue long coat"
        size = next((f'{word} ' for word in ('long', 'open') if name.startswith(f'{word} ')), '')
        name = name.removeprefix(size)
        if garment.second is None:
            return with_article(f'{self.word("plain")}{size}{colour} {name}')
        second = self.word(garment.second) if self.keeps('second colour') else None
        return with_article(size + self._patterned(garment, name, colour, second))

    def _patterned(self, garment: Garment, name: str, colour: str, second: str | None) -> str:
        pattern = self.word(garment.pattern)
        if garment.pattern == 'color block':
            forms = [f'{colour} {pattern} {name}']
            if second:
                forms = [f'{colour} and {second} {name}', f'{colour} {name} that is {second} {self.word("shoulders")}']
            return self.rng.choice(forms)
        marks = self.word({'striped': 'stripes', 'plaid': 'checks', 'dotted': 'dots'}[garment.pattern])
        forms = [f'{colour} {pattern} {name}', f'{pattern} {colour} {name}', f'{colour} {name} with {marks}']
        if second:
            forms = [f'{colour} {name} with {second} {marks}', f'{colour} and {second} {pattern} {name}']
        return self.rng.choice(forms)

    def lower(self) -> str:
        """The lower garment: ``black jeans``, ``a pair of black jeans``, ``a red skirt``."""
        garment = self.person.lower
        words = self.word(garment.kind).split()
        # "a long red skirt", but "red sports pants"
        name = ' '.join([*words[:-1], self.word(garment.colour), words[-1]]) if words[0] in ('long', 'short') else None
        name = name or f'{self.word(garment.colour)} {" ".join(words)}'
        if garment.kind in SKIRTS:
            return with_article(name)
        return f'a pair of {name}' if self.rng.random() < 0.2 else name

    def wearing(self, items: Sequence[str]) -> Clause:
        """A clause of wearing garments."""
        finite, participle = draw(self.rng, self.style.wear).split('|')
        what = listing(items)
        return Clause('clothes', f'{finite} {what}', f'{participle} {what}', f'in {what}')

    def wearing_extras(self, items: Sequence[str]) -> Clause:
        """A clause of wearing a hat, glasses or gloves: nobody is dressed in a hat."""
        finite = self.rng.choice(('wears', 'is wearing', 'has on'))
        what = listing(items)
        return Clause('clothes', f'{finite} {what}', f'wearing {what}', f'with {what}')

    def hair(self) -> Clause:
        """A clause about the hair."""
        person = self.person
        if person.hair_length == 'bald':
            head = 'bald head'
            return Clause('hair', 'is bald', None, f'with a {head}', f'{self.his.capitalize()} head is bald')
        length = self.word(person.hair_length)
        colour = self.word('hair red') if person.hair_colour == 'red' else self.word(person.hair_colour)
        words = f'{length} {colour}' if self.keeps('hair colour') else length
        alone = f'{self.his.capitalize()} hair is {" and ".join(words.split())}'
        return Clause('hair', f'has {words} hair', None, f'with {words} hair', alone if '-' not in length else None)

    def bag(self) -> Clause:
        """A clause about the bag."""
        bag = self.person.bag
        assert bag is not None
        name = self.word(bag.kind)
        thing = with_article(f'{self.word(bag.colour)} {name}' if self.keeps('bag colour') else name)
        finite, participle = draw(self.rng, self.style.carry).split('|')
        if bag.kind == 'suitcase':
            verb = self.rng.choice(('pulls|pulling', 'is pulling|pulling', 'has|with'))
            finite, participle = verb.split('|')
        place = {'backpack': f'on {self.his} back', 'handbag': f'in {self.his} hand',
                 'shoulder bag': f'over {self.his} shoulder', 'suitcase': f'beside {self.him}'}[bag.kind]  # fmt: skip
        placed = finite in ('carries', 'is carrying', 'has', 'has got') and self.rng.random() < 0.35
        tail = f' {place}' if placed else ''
        alone = f'There is {thing} {place}'
        return Clause('thing', f'{finite} {thing}{tail}', f'{participle} {thing}{tail}', f'with {thing}', alone)

    @property
    def him(self) -> str:
        """Object pronoun."""
        return 'him' if self.man else 'her'

    def umbrella(self) -> Clause:
        """A clause about the umbrella."""
        colour = self.word(self.person.umbrella or '')
        thing = with_article(f'{colour} {self.word("umbrella")}')
        verb = self.rng.choice(('holds|holding', 'is holding|holding', 'is under|under', 'carries|carrying'))
        finite, participle = verb.split('|')
        alone = f'{self.his.capitalize()} {self.word("umbrella")} is {colour}'
        return Clause('thing', f'{finite} {thing}', f'{participle} {thing}', f'with {thing}', alone)

    def phone(self) -> Clause:
        """A clause about the phone."""
        name = self.word('phone')
        verb = self.rng.choice((
            f'talks on a {name}|talking on a {name}', f'is talking on the {name}|talking on the {name}',
            f'holds a {name} to {self.his} ear|holding a {name} to {self.his} ear',
        ))  # fmt: skip
        finite, participle = verb.split('|')
        return Clause('thing', finite, participle, f'with a {name} at {self.his} ear')

    def smoke(self) -> Clause:
        """A clause about the cigarette."""
        verb = self.rng.choice(('is smoking|smoking', 'smokes a cigarette|smoking a cigarette'))
        finite, participle = verb.split('|')
        return Clause('thing', finite, participle, f'with a cigarette in {self.his} mouth')

    def action(self) -> Clause:
        """A clause about what the person does or rides."""
        vehicle = self.person.vehicle
        if vehicle:
            thing = with_article(f'{self.word(vehicle.colour)} {self.word(vehicle.kind)}')
            finite = 'is riding' if self.rng.random() < self.style.progressive else 'rides'
            return Clause('action', f'{finite} {thing}', f'riding {thing}', f'on {thing}')
        verb = self.word(self.shot.action)
        simple = {'standing': 'stands', 'running': 'runs', 'jogging': 'jogs', 'waving': 'waves'}.get(verb, 'walks')
        finite = f'is {verb}' if self.rng.random() < self.style.progressive else simple
        return Clause('action', f'{finite}{self._direction()}', f'{verb}{self._direction()}')

    def _direction(self) -> str:
        action, view = self.shot.action, self.shot.view
        if not self.keeps('direction'):
            return {'waving': ' with one hand', 'standing': ' still'}.get(action, ' along')
        if action in ('walking', 'running'):
            return {'front': ' towards the camera', 'back': ' away from the camera', 'side': ' past the camera'}[view]
        if action == 'waving':
            return ' at someone'
        turned = {'front': ' and facing the camera', 'back': ' with the back to the camera', 'side': ' sideways'}
        return turned[view].replace(' and facing', ' facing')


def sentence(subject: str, clauses: Sequence[Clause], rng: Random, *, noun: bool, fronted: bool = False) -> str:
    """A sentence without its full stop.

    Args:
        subject: such as ``the man`` or ``she``.
        clauses: one to three, to be said in this order.
        rng: the caption's own generator.
        noun: the subject is a noun, which may carry ``with ...`` behind it.
        fronted: put a participle first where there is one: ``Wearing a hat, the man ...``.
    """
    first, rest = clauses[0], list(clauses[1:])
    if rest and fronted and (first.participle or first.prep):
        return f'{first.participle or first.prep}, {subject} {predicate(rest, rng)}'
    if rest and noun and first.prep and rng.random() < 0.5:
        return f'{subject} {first.prep} {predicate(rest, rng)}'
    return f'{subject} {predicate(clauses, rng)}'


def predicate(clauses: Sequence[Clause], rng: Random) -> str:
    """The clauses as one predicate: ``wears a hat and carries a bag``, ``walks along, wearing a hat``."""
    first, last = clauses[0], clauses[-1]
    if len(clauses) == 1:
        return first.finite
    parts = [clause.finite for clause in clauses[:-1]]
    if last.participle and rng.random() < 0.5:
        return f'{" and ".join(parts)}, {last.participle}'
    if last.topic == 'thing' and last.prep and first.topic != 'hair' and rng.random() < 0.25:
        return f'{" and ".join(parts)}, {last.prep}'
    return f'{", ".join(parts)}{"," if len(parts) > 1 or " and " in parts[0] else ""} and {last.finite}'
