"""Nouns that name a person, with the words that belong to them."""

from __future__ import annotations

from dataclasses import dataclass

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, is_modifier
from mmt2ireid.pseudo_text.defects.lexicon import (
    ADVERBS,
    AGE_OF_ADJECTIVE,
    AGE_OF_NOUN,
    ALL_AGES,
    ARTICLES,
    CHILD,
    MEN,
    MIDDLE,
    NOUN_OR_VERB,
    NOUNS,
    PERSONS,
    SMALL,
    STOPS,
    WOMEN,
    words,
)

# After these a noun may be the subject or predicate of a clause.
SUBJECT_PLACES = STOPS | words(
    """, : and while but is are was be as like who then so where that what which meanwhile"""
)
_DETERMINERS = ARTICLES | words('this that one some')
_YEARS = words('year years yr yrs month months')
# "a boy cut", "a girl band"
_IN_THE_MANNER = words('cut cuts style styled look band scout power')


@dataclass(frozen=True)
class Mention:
    """A noun for a person, with what stands before it.

    Attributes:
        start: place of the determiner or first adjective.
        place: place of the noun.
        noun: itself, without the ending of a possessive.
        gender: 'male', 'female' or ''.
        ages: what the words leave possible; empty where they contradict each other.
        indefinite: whether the phrase begins with ``a``, ``an``, ``one`` or ``some``.
        owner: whether it is a possessive, ``the man's``.
    """

    start: int
    place: int
    noun: str
    gender: str
    ages: frozenset[str]
    indefinite: bool
    owner: bool


def mentions(text: CaptionText) -> list[Mention]:
    """All singular nouns for persons, in order."""
    tokens, found = text.tokens, []
    for place, token in enumerate(tokens):
        word = token.removesuffix("'s")
        if word not in PERSONS:
            continue
        following = text.at(place + 1)
        if word == token and (following in PERSONS or (word in ('male', 'female') and following in NOUNS)):
            continue  # an adjective: "male student"
        start = place
        while start and is_modifier(tokens[start - 1]) and tokens[start - 1] not in ADVERBS:
            start -= 1
        ages = _ages(text, start, place, word)
        if start and tokens[start - 1] in _DETERMINERS:
            start -= 1
        if word == token and _names_a_thing(text, start, following):
            continue
        gender = 'male' if word in MEN else 'female' if word in WOMEN else _adjective_gender(tokens[start:place])
        indefinite = tokens[start] in ('a', 'an', 'one', 'some')
        found.append(Mention(start, place, word, gender, ages, indefinite, word != token))
    return found


def _names_a_thing(text: CaptionText, start: int, following: str) -> bool:
    """Whether the noun describes a thing: ``in a man bun``, ``a Spider Man hoodie``, ``has a boy cut``."""
    thing = following in _IN_THE_MANNER or (following in NOUNS and following not in NOUN_OR_VERB)
    return thing and text.at(start - 1) not in SUBJECT_PLACES


def _adjective_gender(words: list[str]) -> str:
    if 'male' in words:
        return 'male'
    return 'female' if 'female' in words else ''


def _ages(text: CaptionText, start: int, noun: int, word: str) -> frozenset[str]:
    tokens = text.tokens
    ages = AGE_OF_NOUN.get(word, ALL_AGES)
    for place in range(start, noun):
        item, before = tokens[place], text.at(place - 1)
        if item == 'aged' and before not in ARTICLES | {'middle', 'this', 'that', '.'}:
            continue  # "a school aged girl"
        if item in ('old', 'aged') and before in _YEARS:
            continue
        if item == 'old' and place + 1 < noun and tokens[place + 1] == 'school':
            continue
        if item == 'aged' and before == 'middle':
            ages &= {MIDDLE}
        elif item in AGE_OF_ADJECTIVE:
            ages &= AGE_OF_ADJECTIVE[item]
        elif item in SMALL and word in ('boy', 'girl', 'kid', 'child'):
            ages &= {CHILD}
        elif item in PERSONS:
            ages &= AGE_OF_NOUN.get(item, ALL_AGES)
    return ages
