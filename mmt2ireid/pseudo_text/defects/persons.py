"""Contradictions about who a person is: gender and age."""

from __future__ import annotations

from dataclasses import dataclass

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, is_modifier
from mmt2ireid.pseudo_text.defects.kinds import AGE, GENDER
from mmt2ireid.pseudo_text.defects.lexicon import (
    ADVERBS,
    AGE_OF_ADJECTIVE,
    AGE_OF_NOUN,
    AGE_WORDS,
    ALL_AGES,
    ARTICLES,
    CHILD,
    FEMALE,
    FINITE,
    HE_WORDS,
    MALE,
    MEN,
    MIDDLE,
    NOUNS,
    OTHERS,
    PARTICIPLES,
    PERSONS,
    SHE_WORDS,
    SMALL,
    STOPS,
    WOMEN,
    words,
)

_SUBJECT_PLACES = STOPS | words(
    """, : and while but is are was be as like who then so where that what which meanwhile"""
)
_PICTURES = frozenset(('picture', 'photo', 'image', 'print'))  # printed on clothes: "with a picture of a girl"
_YEARS = words('year years yr yrs month months')
_AS_PREDICATE = words('is looks seems appears be like as')


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
    """

    start: int
    place: int
    noun: str
    gender: str
    ages: frozenset[str]
    indefinite: bool


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
        gender = 'male' if word in MEN else 'female' if word in WOMEN else _adjective_gender(tokens[start:place])
        found.append(Mention(start, place, word, gender, ages, tokens[start] in ('a', 'an', 'one', 'some')))
    return found


_DETERMINERS = ARTICLES | words('this that one some')


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


def is_alone(text: CaptionText, found: list[Mention]) -> bool:
    """Whether a caption speaks of one person only, as far as words can tell."""
    if not text.words.isdisjoint(OTHERS):
        return False
    for word in text.words & _PICTURES:
        place = text.tokens.index(word)
        if text.at(place + 1) == 'of' and text.at(place - 2) in ('with', 'has', 'shows', 'and'):
            return False
    for number, mention in enumerate(found):
        before = text.at(mention.start - 1)
        if number and (before not in _SUBJECT_PLACES or _is_joined(text, mention)):
            return False
        if _is_beside_someone(text, mention.place):
            return False
        # "a woman's coat" may hang over a man's arm.
        owner = mention.noun != text.tokens[mention.place]
        if mention.indefinite and (mention.start if owner else number and before not in _AS_PREDICATE):
            return False
    return True


def _is_joined(text: CaptionText, mention: Mention) -> bool:
    """``the man in a suit and the woman are``, ``as tall as the woman``: before the phrase there is no sentence."""
    before = text.at(mention.start - 1)
    if before == 'as':
        return 'as' in text.tokens[max(mention.start - 4, 0) : mention.start - 1]
    said = text.tokens[text.sentence_start(mention.start) : mention.start]
    return before == 'and' and (text.at(mention.start - 2) in PERSONS or FINITE.isdisjoint(said))


def _is_beside_someone(text: CaptionText, noun: int) -> bool:
    """``the woman next to him``, and ``Next to her is a man``."""
    sentence = text.sentence_start(noun)
    for place in (noun + 1 + (text.at(noun + 1) in FINITE or text.at(noun + 1) in PARTICIPLES), sentence):
        if text.at(place) in ('next', 'beside', 'behind', 'near') and (place > noun or noun - place <= 6):
            after = place + 1 + (text.at(place + 1) == 'to')
            if text.at(after) in ('him', 'her') and not is_modifier(text.at(after + 1)):
                return True
    return False


def check_persons(text: CaptionText) -> None:
    """Finds ``male woman``, ``elderly boy``, and ``she`` for the only man of a caption."""
    words = text.words
    mixed = not words.isdisjoint(MALE) and not words.isdisjoint(FEMALE)
    aged = not words.isdisjoint(AGE_WORDS)
    if not mixed and not aged:
        return
    if mixed:
        _check_neighbours(text)
    found = mentions(text)
    if aged:
        for mention in found:
            if not mention.ages:
                text.report(AGE, text.quote(mention.start, mention.place + 1))
    if not is_alone(text, found):
        return
    if mixed:
        _check_gender(text, found)
    if aged:
        _check_age(text, found)


def _check_neighbours(text: CaptionText) -> None:
    tokens = text.tokens
    for place in range(len(tokens) - 1):
        pair = tokens[place], tokens[place + 1]
        if (pair[0] in MEN and pair[1] in WOMEN) or (pair[0] in WOMEN and pair[1] in MEN):
            text.report(GENDER, text.quote(place, place + 2))


def _check_gender(text: CaptionText, found: list[Mention]) -> None:
    words = text.words
    genders = {mention.gender for mention in found} - {''}
    he, she = words & HE_WORDS, words & SHE_WORDS
    if genders == {'male', 'female'}:
        nouns = {mention.gender: mention.noun for mention in found}
        text.report(GENDER, f'"{nouns["male"]}" and "{nouns["female"]}"')
    elif (genders == {'male'} and she) or (genders == {'female'} and he):
        wrong = sorted(she if genders == {'male'} else he)[0]
        noun = next(mention.noun for mention in found if mention.gender)
        text.report(GENDER, f'"{wrong}" for a "{noun}"')
    elif not genders and he and she:
        text.report(GENDER, f'"{min(he)}" and "{min(she)}"')


def _check_age(text: CaptionText, found: list[Mention]) -> None:
    ages = ALL_AGES
    for mention in found:
        if mention.ages:
            ages &= mention.ages
    for place, word in enumerate(text.tokens):
        if word in ('elderly', 'middle-aged') and text.at(place - 1) in _AS_PREDICATE | ADVERBS:
            ages &= AGE_OF_ADJECTIVE[word]
    if not ages:
        said = [' '.join(text.tokens[mention.start : mention.place + 1]) for mention in found]
        text.report(AGE, ' and '.join(f'"{phrase}"' for phrase in dict.fromkeys(said)))
