"""Contradictions about what a person looks like, has and does."""

from __future__ import annotations

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, is_modifier
from mmt2ireid.pseudo_text.defects.companions import is_alone
from mmt2ireid.pseudo_text.defects.kinds import ATTRIBUTES
from mmt2ireid.pseudo_text.defects.lexicon import (
    ACTIONS,
    ADVERBS,
    FINITE,
    NOUNS,
    PERSONS,
    PUNCTUATION,
    STOPS,
    THING_CLASSES,
    words,
)
from mmt2ireid.pseudo_text.defects.mentions import mentions

_LENGTHS = frozenset(('short', 'long', 'bald', 'short-haired', 'long-haired'))
_HAIR = frozenset(('hair', 'short-haired', 'long-haired', 'haircut', 'hairstyle'))
# Part of the hair may be long and the rest short.
_PARTS = words(
    """sides side top crown bangs fringe beard facial part parts nape ends one almost nearly balding partially partly
    half spot longer shorter but except strands ponytail tail patch not no without isn't neither"""
)
_NEGATIVE = words("without no not isn't doesn't nor never don't aren't")
_CONTRAST = words('but except only other instead although though however yet')
_POSSESSING = words(
    """has wears wearing carries carrying with holds holding in on using uses having and , sports under rides"""
)
_BEFORE_THING = words('a an his her their the some any pair of')
_NOT_SURE = words(
    """or if about appears seems possibly maybe perhaps probably like then before after while while when either ready
    starting stops stopped between"""
)
# Nobody takes one of these for another.
_CLEAR_COLOURS = words('black white red green blue yellow pink purple orange brown')
_POSTURE = words('up upright straight tall out on in with over between next beside by at')


def check_attributes(text: CaptionText) -> None:
    """Finds contradictions within the caption of one person."""
    words = text.words
    hair = len({word[:4] for word in words & _LENGTHS}) > 1 and not words.isdisjoint(_HAIR) and words.isdisjoint(_PARTS)
    without = not words.isdisjoint(_NEGATIVE) and words.isdisjoint(_CONTRAST)
    doing = {ACTIONS[word] for word in words & ACTIONS.keys()} if len(words & ACTIONS.keys()) > 1 else ()
    coloured = len(words & _CLEAR_COLOURS) > 1
    if not hair and not without and len(doing) < 2 and not coloured:
        return
    if not is_alone(text, mentions(text)):
        return
    if hair:
        _check_hair(text)
    if without:
        _check_without(text)
    if len(doing) > 1:
        _check_actions(text)
    if coloured:
        _check_colours(text)


def _check_hair(text: CaptionText) -> None:
    lengths = set()
    for place, word in enumerate(text.tokens):
        if word == 'bald' and text.at(place + 1) not in ('on', 'patch', 'spot'):
            lengths.add('bald')
        elif word in ('short-haired', 'long-haired'):
            lengths.add(word.removesuffix('-haired'))
        elif word in ('hair', 'haircut', 'hairstyle'):
            lengths |= _lengths_of(text, place)
    if 'long' in lengths and len(lengths) > 1:
        text.report(ATTRIBUTES, f'{" and ".join(sorted(lengths))} hair')


def _lengths_of(text: CaptionText, hair: int) -> set[str]:
    """``long``, ``short`` of ``long black hair`` or ``hair is black and short``."""
    tokens = text.tokens
    found = _LENGTHS.intersection(tokens[text.phrase_start(hair) : hair])
    place = hair + 1
    if text.at(place) in ('is', 'was', 'looks', 'cut', 'worn'):
        place += 1
        while text.at(place) in ADVERBS or text.at(place) in ('and', ',', 'cut') or is_modifier(text.at(place)):
            if text.at(place) in NOUNS:
                break
            found |= _LENGTHS & {tokens[place]}
            place += 1
    return set(found)


def _check_without(text: CaptionText) -> None:
    for things in THING_CLASSES:
        said = text.words.intersection(things)
        if not said:
            continue
        places = [place for place, word in enumerate(text.tokens) if word in said]
        denied = {text.tokens[place] for place in places if _is_denied(text, place)}
        owned = {text.tokens[place] for place in places if _is_owned(text, place)}
        if denied & owned or (owned and things[0] in denied):
            thing = min(denied & owned or denied)
            text.report(ATTRIBUTES, f'with and without "{thing}"')


def _leader(text: CaptionText, place: int) -> int:
    """Place of what stands before the phrase that ends here."""
    place = text.phrase_start(place)
    while place and text.tokens[place - 1] in _BEFORE_THING:
        place -= 1
    return place - 1


def _is_denied(text: CaptionText, place: int) -> bool:
    if text.at(place + 1) in NOUNS:
        return False
    leader = _leader(text, place)
    if leader < 0:
        return False
    if text.tokens[leader] in ('without', 'no'):
        return True
    return text.tokens[leader] in ('wearing', 'carrying', 'holding', 'have', 'wear', 'carry', 'hold') and (
        text.at(leader - 1) in ('not', "isn't", "doesn't", "don't", "aren't", 'never')
    )


def _is_owned(text: CaptionText, place: int) -> bool:
    following = text.at(place + 1)
    if following in NOUNS or following in ('strap', 'straps', 'handle'):
        return False
    leader = _leader(text, place)
    if leader < 0 or text.tokens[leader] not in _POSSESSING:
        return False
    start = max(text.sentence_start(place), place - 8)
    # "without a bag carries a handbag": the verb ends what "without" denies, "not" and "never" stand beside it.
    verbs = [number for number in range(start, place) if text.tokens[number] in FINITE]
    return _NEGATIVE.isdisjoint(text.tokens[max(start, verbs[-1] - 1) if verbs else start : place])


def _check_colours(text: CaptionText) -> None:
    """``in black jeans``, and later ``his jeans are blue``: one colour and nothing more, of a thing said twice."""
    tokens, first = text.tokens, dict[str, str]()
    for place, noun in enumerate(tokens):
        if noun not in NOUNS or tokens.count(noun) != 2:
            continue
        before = text.at(place - 1)
        if before in _CLEAR_COLOURS and text.at(place - 2) in ('a', 'an', 'in', 'wears', 'wearing', 'carries'):
            first.setdefault(noun, before)
        elif noun in first and before in ('his', 'her') and text.at(place + 1) in ('is', 'are'):
            colour = text.at(place + 2)
            if colour in _CLEAR_COLOURS - {first[noun]} and text.at(place + 3) in STOPS:
                text.report(ATTRIBUTES, f'{first[noun]} and {colour} {noun}')


def _check_actions(text: CaptionText) -> None:
    if not text.words.isdisjoint(_NOT_SURE):
        return
    doing: dict[str, str] = {}
    for place, word in enumerate(text.tokens):
        if word in ACTIONS and _is_main_action(text, place):
            doing.setdefault(ACTIONS[word], word)
    if len(doing) > 1:
        text.report(ATTRIBUTES, ' and '.join(f'"{word}"' for word in doing.values()))


def _is_main_action(text: CaptionText, place: int) -> bool:
    """Whether a verb says what the person does: ``he walks``, ``is standing still``, not ``standing on one leg``."""
    word, following = text.tokens[place], text.at(place + 1)
    if ACTIONS[word] in ('standing', 'sitting') and following in _POSTURE:
        return False
    before = text.before(place)
    last = text.at(before)
    if word.endswith('ing'):
        fronted = (before < 0 or last in PUNCTUATION) and following in PUNCTUATION | {'still', 'along', 'forward'}
        return last == 'is' or (last == 'and' and following not in NOUNS) or fronted
    if last in ('he', 'she') or last in PERSONS:
        return True
    return last == 'and' and following in PUNCTUATION | {'still', 'along', 'and', 'forward'}
