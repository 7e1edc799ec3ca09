"""Contradictions about who a person is: gender and age."""

from __future__ import annotations

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText
from mmt2ireid.pseudo_text.defects.companions import is_alone, said_pronouns
from mmt2ireid.pseudo_text.defects.kinds import AGE, GENDER
from mmt2ireid.pseudo_text.defects.lexicon import (
    ADVERBS,
    AGE_OF_ADJECTIVE,
    AGE_WORDS,
    ALL_AGES,
    FEMALE,
    MALE,
    MEN,
    WOMEN,
    words,
)
from mmt2ireid.pseudo_text.defects.mentions import Mention, mentions

_AS_PREDICATE = words('is looks seems appears be like as')


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
    genders = {mention.gender for mention in found} - {''}
    he, she = said_pronouns(text)
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
