"""Subjects of more than one word, and subjects whose verb can stand nowhere: ``he am``, ``the young wears``."""

from __future__ import annotations

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule, is_modifier
from mmt2ireid.pseudo_text.defects.kinds import AGREEMENT, DANGLING
from mmt2ireid.pseudo_text.defects.lexicon import (
    AGE_OF_ADJECTIVE,
    COLOURS,
    DETERMINERS,
    MANY,
    MODALS,
    NOUNS,
    NUMBER,
    PERSONS,
    PLURAL,
    SINGULAR,
    STOPS,
    VERB_NUMBER,
    VERBS,
    words,
)

_HAD = words("has have had having 's 've he's she's they've not never")
_BEFORE_INFINITIVE = MODALS | words('if let lets make makes making have help helps see that and or')
_AGES = AGE_OF_ADJECTIVE.keys() - words('teen adult senior adolescent')
_DRESSING = words('wears wearing carries carrying holds holding has')
_THIRD = frozenset(third for third, _ in VERBS.values())
# Verbs that are nouns as well: only with an object they are verbs for certain.
_TRANSITIVE = {'complete': PLURAL, 'match': PLURAL, 'cover': PLURAL, 'completes': SINGULAR, 'matches': SINGULAR,
               'covers': SINGULAR}  # fmt: skip


def check_bare_verb(text: CaptionText, place: int) -> None:
    """Finds ``he am``, ``she do not``, ``is be walking``, ``the man been``."""
    word, before = text.tokens[place], text.at(place - 1)
    if word == 'been':
        found = before in PERSONS and text.at(place - 2) in DETERMINERS | NOUNS | {'.'} | AGE_OF_ADJECTIVE.keys()
        found = (found or before in ('he', 'she')) and _HAD.isdisjoint(text.tokens[:place])
    elif word == 'be' and before in ('is', 'are'):
        found = True
    else:
        found = before in ('he', 'she') and text.at(place - 2) not in _BEFORE_INFINITIVE
    if found:
        text.report(AGREEMENT, text.quote(place - 1, place + 1))


def check_joined(text: CaptionText, place: int) -> None:
    """Finds ``The man and the woman is``, ``His shirt and pants has``: two subjects with a verb in the singular."""
    if text.at(place + 1) in ('what', 'all', 'how', 'a', 'an'):
        return
    start = text.sentence_start(place)
    joint = _phrase_end(text, start)
    if text.at(joint) == 'and' and joint > start and _phrase_end(text, joint + 1) == place > joint + 1:
        first, last = text.heads[joint - 1], text.heads[place - 1]
        if first in NOUNS and last in NOUNS and text.tokens[start] not in ('each', 'every', 'no'):
            text.report(AGREEMENT, text.quote(start, place + 1))
    elif text.tokens[start] == 'both' and joint == place and NUMBER.get(text.heads[place - 1]) == PLURAL:
        text.report(AGREEMENT, text.quote(start, place + 1))


def _phrase_end(text: CaptionText, place: int) -> int:
    """Place after a noun phrase that begins here."""
    if text.at(place) in DETERMINERS | {'both'}:
        place += 1
    while place < len(text.tokens) and is_modifier(text.tokens[place]):
        place += 1
    return place


def check_far_verb(text: CaptionText, place: int) -> None:
    """Finds ``The man with long hair walk``: a verb in the plural behind a phrase with one person in it."""
    tokens, start = text.tokens, text.sentence_start(place)
    noun = _phrase_end(text, start) - 1
    if noun <= start or tokens[noun] not in PERSONS or tokens[start] not in ('a', 'an', 'the', 'this'):
        return
    if text.at(noun + 1) not in ('in', 'with', 'wearing') or tokens[place - 1] not in NOUNS:
        return
    between = tokens[noun + 2 : place]
    if all((is_modifier(word) or word in ('a', 'an', 'his', 'her')) and word not in PERSONS for word in between):
        text.report(AGREEMENT, f'"{tokens[noun]} ... {tokens[place]}"')


def check_transitive(text: CaptionText, place: int) -> None:
    """Finds ``Black trousers completes his outfit``, ``Her bag match her shoes``."""
    if text.at(place + 1) not in DETERMINERS:
        return
    start = text.sentence_start(place)
    head = text.heads[place - 1] if place else ''
    number = NUMBER.get(head)
    is_subject = head in NOUNS and place > start and _phrase_end(text, start) == place
    if is_subject and number != _TRANSITIVE[text.tokens[place]]:
        text.report(AGREEMENT, text.quote(place - 1, place + 1))


def check_there_is(text: CaptionText, place: int) -> None:
    """Finds ``There is two bags``; not ``there is two-tone``, ``there is many a man``."""
    if text.at(place + 1) not in ('is', 'was') or text.at(place + 2) not in MANY:
        return
    end = place + 3
    while is_modifier(text.at(end)) and NUMBER.get(text.at(end)) != PLURAL:
        end += 1
    if NUMBER.get(text.at(end)) == PLURAL:
        text.report(AGREEMENT, text.quote(place, place + 3))


def check_modal(text: CaptionText, place: int) -> None:
    """Finds ``can walks``, ``does not looks``."""
    after = place + 1 + (text.at(place + 1) == 'not')
    if text.at(after) in _THIRD:
        text.report(AGREEMENT, text.quote(place, after + 1))


def check_lost_noun(text: CaptionText, place: int) -> None:
    """Finds ``The young wears``, ``wears a blue.``, ``wears a red and carries``: the noun has vanished."""
    following, after = text.at(place + 1), text.at(place + 2)
    if following in _AGES and VERB_NUMBER.get(after) == SINGULAR and after not in NOUNS:
        text.report(DANGLING, text.quote(place, place + 3))
        return
    ends = after in STOPS or (after == 'and' and text.at(place + 3) in _DRESSING)
    if ends and text.at(place - 1) in _DRESSING and following in COLOURS - {'denim'}:
        text.report(DANGLING, text.quote(place - 1, place + 3))


RULES: list[dict[str, Rule]] = [
    dict.fromkeys(('am', 'be', 'been', 'do'), check_bare_verb),
    dict.fromkeys(('is', 'has', 'was', 'wears', 'carries'), check_joined),
    dict.fromkeys(('walk', 'stand', 'hold', 'ride', 'run', 'sit', 'talk'), check_far_verb),
    dict.fromkeys(_TRANSITIVE, check_transitive),
    dict.fromkeys(('there', 'here'), check_there_is),
    dict.fromkeys(MODALS - {'do'}, check_modal),
    dict.fromkeys(('a', 'an', 'the'), check_lost_noun),
]
