"""Whether a caption speaks of somebody else besides the person it describes."""

from __future__ import annotations

from itertools import pairwise

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, is_modifier
from mmt2ireid.pseudo_text.defects.lexicon import (
    AGE_OF_NOUN,
    CHILD,
    FEMALE,
    FINITE,
    HE_WORDS,
    MALE,
    OTHERS,
    PARTICIPLES,
    PERSONS,
    PREPOSITIONS,
    PUNCTUATION,
    SHE_WORDS,
    STOPS,
    WORN_AT,
    words,
)
from mmt2ireid.pseudo_text.defects.mentions import SUBJECT_PLACES, Mention

_PICTURES = frozenset(('picture', 'photo', 'image', 'print'))  # printed on clothes: "with a picture of a girl"
# Not "like" and "as": "dressed like a man" is said of a woman.
_AS_PREDICATE = words('is looks seems appears be')
_OR = frozenset(('or', '/'))
_HOLDING = words('hold holds holding held take takes taking grab grabs grabbing grasps grasping shake shakes shaking')
_AROUND = words('arm arms hand hands')
_AFTER_OBJECT = PUNCTUATION | PREPOSITIONS | FINITE | {'and', 'or', 'but', 'while', 'as', 'who', 'up', 'down', 'away'}
_JUST_A_CHILD = frozenset(noun for noun, ages in AGE_OF_NOUN.items() if ages == {CHILD}) | {'kid'}


def is_alone(text: CaptionText, found: list[Mention]) -> bool:
    """Whether a caption speaks of one person only, as far as words can tell.

    Args:
        text: the caption.
        found: its mentions, all of them.
    """
    if not text.words.isdisjoint(OTHERS):
        return False
    for word in text.words & _PICTURES:
        place = text.tokens.index(word)
        if text.at(place + 1) == 'of' and text.at(place - 2) in ('with', 'has', 'shows', 'and'):
            return False
    if any(_is_somebody_else(text, mention, number > 0) for number, mention in enumerate(found)):
        return False
    if any(_are_two(text, one, other) for one, other in pairwise(found)):
        return False
    return not _touches_other(text, {mention.gender for mention in found} - {''})


def _is_somebody_else(text: CaptionText, mention: Mention, later: bool) -> bool:
    before = text.at(mention.start - 1)
    later = later or not {'he', 'she'}.isdisjoint(text.tokens[: mention.start])
    if later and (before not in SUBJECT_PLACES or _is_joined(text, mention)):
        return True
    if _is_beside_someone(text, mention.place):
        return True
    if not mention.indefinite:
        return False
    if mention.owner:  # "a woman's coat" may hang over a man's arm
        return mention.start > 0
    if before in PREPOSITIONS and not {'his', 'her'}.isdisjoint(text.tokens[: mention.start]):
        return True  # "with his arm around a woman"
    return later and before not in _AS_PREDICATE


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
        if text.at(place) in ('next', 'beside', 'behind', 'near', 'with') and (place > noun or noun - place <= 6):
            after = place + 1 + (text.at(place + 1) == 'to')
            if text.at(after) in ('him', 'her') and not is_modifier(text.at(after + 1)):
                return True
    return False


def _are_two(text: CaptionText, one: Mention, other: Mention) -> bool:
    """Whether ``The woman ... . The man ...`` are two persons, not one who is named wrongly.

    Both are definite subjects. What is said of them cannot go on one body: a dress and a suit, two shirts; or one of
    them is a child, which a grown-up is not called by mistake.
    """
    if one.indefinite or other.indefinite or one.owner or other.owner or one.noun == other.noun:
        return False
    if any(text.at(mention.start - 1) not in STOPS for mention in (one, other)):
        return False
    if (one.noun in _JUST_A_CHILD) != (other.noun in _JUST_A_CHILD):
        return True
    worn = [{WORN_AT[word] for word in text.heads[mention.place : text.sentence_end(mention.place)] if word in WORN_AT}
            for mention in (one, other)]  # fmt: skip
    return not worn[0].isdisjoint(worn[1])


def _touches_other(text: CaptionText, genders: set[str]) -> bool:
    """Whether a pronoun means somebody else: ``He looks at her.``, ``She holds his hand.``, ``her arm in his``."""
    for place, word in enumerate(text.tokens):
        if word not in ('him', 'her', 'his', 'hers'):
            continue
        gender, opposite = ('female', MALE) if word in SHE_WORDS else ('male', FEMALE)
        if text.words.isdisjoint(opposite) or gender in genders:
            continue
        before, following = text.at(place - 1), text.at(place + 1)
        governed = before in PREPOSITIONS or before in FINITE or before in PARTICIPLES
        if governed and (word == 'him' or following in _AFTER_OBJECT):
            return True
        if following in _AROUND and before in _HOLDING:
            return True
        if before in ('around', 'about') and text.at(place - 2) in _AROUND:
            return True
    return False


def said_pronouns(text: CaptionText) -> tuple[set[str], set[str]]:
    """Words of "he" and of "she" that tell a gender: ``he or she`` and ``his/her`` tell none."""
    he, she = set[str](), set[str]()
    for place, word in enumerate(text.tokens):
        group, others = (he, SHE_WORDS) if word in HE_WORDS else (she, HE_WORDS)
        if word not in HE_WORDS and word not in SHE_WORDS:
            continue
        either = (text.at(place + 1) in _OR and text.at(place + 2) in others) or (
            text.at(place - 1) in _OR and text.at(place - 2) in others
        )
        if not either:
            group.add(word)
    return he, she
