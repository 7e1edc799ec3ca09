"""Captions: what a person who looks at a picture writes down."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from mmt2ireid.datasets.toy.attributes import Person, Shot, with_article
from mmt2ireid.datasets.toy.grammar import Clause, Speaker, sentence
from mmt2ireid.datasets.toy.sampling import draw
from mmt2ireid.datasets.toy.styles import STYLES

MIN_WORDS, MAX_WORDS = 12, 40


def write_captions(person: Person, shot: Shot, domain: str, rng: Random, count: int) -> list[str]:
    """Describe a picture several times, each time in other words.

    Args:
        person: who is seen.
        shot: what is seen of the person.
        domain: key of ``STYLES``.
        rng: the captions' own generator.
        count: how many captions.

    Returns:
        Different sentences of 12 to 40 words.
    """
    captions: list[str] = []
    while len(captions) < count:
        text = write_caption(person, shot, domain, rng)
        if MIN_WORDS <= len(text.split()) <= MAX_WORDS and text not in captions:
            captions.append(text)
    return captions


def write_caption(person: Person, shot: Shot, domain: str, rng: Random) -> str:
    """Describe a picture once, at any length. Arguments as in ``write_captions``."""
    style = STYLES[domain]
    speaker = Speaker(person, shot, style, rng)
    clauses, asides = _what_to_say(speaker)
    clauses = _in_order(clauses, draw(rng, style.first), rng)
    sentences: list[str] = []
    noun, opening = speaker.noun(), draw(rng, style.opening)
    while clauses:
        size = min(int(draw(rng, style.per_sentence)), len(clauses))
        part, clauses = clauses[:size], clauses[size:]
        if not sentences:
            sentences.append(_opening(opening, noun, part, speaker))
            continue
        again = rng.random() < 0.2
        subject = f'the {noun.split()[-1]}' if again else speaker.he
        sentences.append(sentence(subject, part, rng, noun=again, fronted=rng.random() < 0.1))
    sentences += [aside.alone or '' for aside in asides]
    return ' '.join(f'{text[0].upper()}{text[1:]}.' for text in sentences)


def _what_to_say(speaker: Speaker) -> tuple[list[Clause], list[Clause]]:
    """Clauses for the sentences, and those that get a sentence of their own."""
    person, shot, rng = speaker.person, speaker.shot, speaker.rng
    worn = [speaker.upper()] + ([speaker.lower()] if speaker.keeps('lower') else [])
    clauses, small = [], []
    if not shot.feet_hidden and speaker.keeps('shoes'):
        shoes = f'{speaker.word(person.shoes)} {speaker.word("shoes")}'
        if rng.random() < 0.6:
            worn.append(shoes)
        else:
            name = shoes.split()[-1]
            is_or_are = 'is' if name == 'footwear' else 'are'
            alone = f'{speaker.his.capitalize()} {name} {is_or_are} {" ".join(shoes.split()[:-1])}'
            small.append(Clause('clothes', f'has {shoes}', None, f'with {shoes}', alone))
    extras = _worn_extras(speaker)
    if extras and rng.random() < 0.35:
        worn += extras
    elif extras:
        clauses.append(speaker.wearing_extras(extras))
    clauses.append(speaker.wearing(worn))
    if speaker.keeps('hair'):
        small.append(speaker.hair())
    if person.bag and speaker.keeps('bag'):
        small.append(speaker.bag())
    if person.umbrella:
        small.append(speaker.umbrella())
    if person.vehicle or speaker.keeps('action'):
        clauses.append(speaker.action())
    if person.cellphone and speaker.keeps('phone'):
        clauses.append(speaker.phone())
    if person.smoke and shot.face_visible and speaker.keeps('smoke'):
        clauses.append(speaker.smoke())
    asides = [clause for clause in small if clause.alone and rng.random() < speaker.style.aside]
    return clauses + [clause for clause in small if clause not in asides], asides


def _worn_extras(speaker: Speaker) -> list[str]:
    """Hat, glasses and gloves as noun phrases."""
    person, extras = speaker.person, []
    if person.hat and speaker.keeps('hat'):
        extras.append(with_article(f'{speaker.word(person.hat.colour)} {speaker.word(person.hat.kind)}'))
    if person.glasses and speaker.shot.face_visible and speaker.keeps('glasses'):
        extras.append(speaker.word(person.glasses))
    if person.gloves and speaker.keeps('gloves'):
        extras.append(f'{speaker.word(person.gloves)} gloves')
    return extras


def _in_order(clauses: list[Clause], first: str, rng: Random) -> list[Clause]:
    """Any order, except that the topic which the style starts with comes first and wearing stays apart."""
    rng.shuffle(clauses)
    clauses.sort(key=lambda clause: clause.topic != first)
    worn = [i for i, clause in enumerate(clauses) if clause.topic == 'clothes']
    # "wears a cap and wears a shirt" is no English: something else goes in between, or the cap goes last.
    for a, b in pairwise(worn):
        if b == a + 1:
            clauses.append(clauses.pop(b))
            break
    return clauses


def _opening(opening: str, noun: str, part: list[Clause], speaker: Speaker) -> str:
    """The first sentence."""
    rng = speaker.rng
    if opening == 'there':
        head = f'there is {with_article(noun)}'
        if len(part) > 1 and part[0].prep:
            return sentence(f'{head} {part[0].prep} who', part[1:], rng, noun=False)
        return sentence(f'{head} who', part, rng, noun=False)
    if opening == 'this':
        text = f'this is {with_article(noun)}'
        if part[0].prep or part[0].participle:
            text, part = f'{text} {part[0].prep or part[0].participle}', part[1:]
        return sentence(f'{text} who', part, rng, noun=False) if part else text
    subject = with_article(noun) if (word := draw(rng, speaker.style.determiner)) == 'a' else f'{word} {noun}'
    return sentence(subject, part, rng, noun=True, fronted=opening == 'fronted')
