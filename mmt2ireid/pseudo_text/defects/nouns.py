"""Determiners: ``a`` or ``an`` by sound, and the number of the noun that follows."""

from __future__ import annotations

import re

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule, is_modifier
from mmt2ireid.pseudo_text.defects.kinds import ARTICLE, NUMBER
from mmt2ireid.pseudo_text.defects.lexicon import (
    ADVERBS,
    ARTICLES,
    ENDS,
    HALVES,
    MANY,
    MASS,
    MODIFIERS,
    NOUNS,
    ONE,
    PERSONS,
    PLURAL,
    PUNCTUATION,
    SINGULAR,
    VERB_NUMBER,
    words,
)
from mmt2ireid.pseudo_text.defects.lexicon import (
    NUMBER as NUMBER_OF,
)
from mmt2ireid.pseudo_text.defects.run_ons import report_joined_things
from mmt2ireid.pseudo_text.defects.surface import check_article_end, is_letter

# "a uniform", "a one-piece", "a european", but "an unidentified"; "an hour", "an heir".
_CONSONANT_SOUND = re.compile(
    r'uni(?!dent|m|n)|us[eau](?!g)|usi|u[tk][ieu]|uk\b|eu|ew|one|once|ubiq|ura|uv|ufo|u-|ouija'
)
_VOWEL_SOUND = re.compile(r'hour|honest|honou?r|heir|8|11\b|18\b|1[18]th\b|11-|18-|[fhlmnrsx]-|xray')
# Said either way, or letter by letter.
_EITHER = re.compile(
    r'[bcdfghj-np-tv-xz]{2,5}$|h$|[flmnrsux]$|h-|herb|histor|hispanic|hotel|urban'
    r'|(?:suv|led|nba|mp3|mp4|fbi|atm|sos|ups|usa|usb|la|nasa|unicef)$|\W'
)
_DETERMINED = words('a an the his their its my your this these those')
_PERSON_PLURALS = frozenset(PERSONS.values())


def check_article(text: CaptionText, place: int) -> None:
    """Finds ``a orange``, ``an shirt``, ``the a``, and articles that nothing follows."""
    tokens = text.tokens
    if place + 1 >= len(tokens):
        check_article_end(text, place)
        return
    word, following = tokens[place], tokens[place + 1]
    if following in _DETERMINED and not (following == 'a' and text.at(place + 2) in PUNCTUATION):
        text.report(ARTICLE, text.quote(place, place + 2))
        return
    if check_article_end(text, place) or word == 'the' or not following[0].isalnum():
        return
    if not fits(word, following) and not _is_acronym(text, place + 1) and not (word == 'a' and is_letter(text, place)):
        text.report(ARTICLE, text.quote(place, place + 2))
    check_number(text, place)


def check_owner(text: CaptionText, place: int) -> None:
    """Finds ``his a shirt``: a determiner after a possessive."""
    following, before = text.at(place + 1), text.at(place - 1)
    if following in ARTICLES and (text.tokens[place] != 'her' or before in ('wears', 'wearing', 'carries', 'in', 'of')):
        text.report(ARTICLE, text.quote(place, place + 2))


def fits(article: str, word: str) -> bool:
    """Whether ``a`` or ``an`` may stand before a word in lower case."""
    if _VOWEL_SOUND.match(word):
        return article == 'an'
    if _EITHER.match(word):
        return True
    vowel = word[0] in 'aeiou' and not _CONSONANT_SOUND.match(word)
    return (article == 'an') == vowel


def _is_acronym(text: CaptionText, place: int) -> bool:
    """Capitals may be read letter by letter (``an SUV``) or as a word (``a NASA shirt``)."""
    cased = text.cased_tokens[place]
    return len(cased) > 1 and cased.isupper() and not text.raw.isupper()


def check_number(text: CaptionText, place: int) -> None:
    """Finds ``a jeans``, ``two bag``, ``these shirt``: a determiner whose noun has the wrong number."""
    tokens = text.tokens
    word = tokens[place]
    noun, end = _head(text.heads, place + 1)
    number = NUMBER_OF.get(noun, 0) if noun else 0
    wanted = SINGULAR if word in ONE else PLURAL
    if not number or number == wanted or noun in MASS:
        return
    if _goes_on(text, noun, end):
        return
    if word == 'this' and place and tokens[place - 1] in ('like', 'in', 'of') and end == place + 1:
        return
    if not report_joined_things(text, place, end):
        text.report(NUMBER, text.quote(place, end))


# "a black and white shoes" has one noun; "a white front, black sleeves" and "a man's and black leggings" have two.
_ADJECTIVES = MODIFIERS - words(
    """front back rear left right middle other hand shoulder messenger travel plastic paper laptop sport sports
    dress track cargo running tennis tank baseball summer winter work rain wind sun mini maxi cell mobile smart
    platform male female"""
)


def _head(tokens: list[str], place: int) -> tuple[str, int]:
    """The noun that a phrase ends with and the place after it; '' if it ends with something else."""
    end = len(tokens)
    noun = ''
    while place < end:
        word = tokens[place]
        if word in NOUNS:
            noun = word
        elif is_modifier(word) or word in ADVERBS:
            noun = ''
        elif (
            word in ('and', ',')
            and not noun
            and tokens[place - 1] in _ADJECTIVES
            and place + 1 < end
            and (is_modifier(tokens[place + 1]))
        ):
            pass
        else:
            break
        place += 1
    return noun, place


def _goes_on(text: CaptionText, noun: str, end: int) -> bool:
    """Whether the phrase may have a later head: ``a jeans wearing man``, ``a sandals-and-socks look``."""
    following = text.at(end)
    if following in PUNCTUATION:
        return False
    if following == 'wearing' and noun not in _PERSON_PLURALS:
        return any(text.at(end + ahead) in PERSONS for ahead in (1, 2))
    return not (following in ENDS or (noun in _PERSON_PLURALS and (following in VERB_NUMBER or following == 'dressed')))


def check_many(text: CaptionText, place: int) -> None:
    """Finds ``two bag``, but not ``two-tone``, ``both hat and bag`` or ``one of two``."""
    tokens = text.tokens
    before = text.at(place - 1)
    if tokens[place] == 'both':
        _, end = _head(text.heads, place + 1)
        if text.at(end) in ('and', '&', ','):
            return
    if before in ARTICLES and tokens[place] not in ('few', 'many'):
        if before in ('a', 'an'):
            _check_a_many(text, place)
        return  # "a two piece", "the two man team"
    if text.at(place + 1) in ('and', ','):
        return
    check_number(text, place)


def _check_a_many(text: CaptionText, place: int) -> None:
    """Finds ``a two handbags``."""
    noun, end = _head(text.heads, place + 1)
    if NUMBER_OF.get(noun) == PLURAL and not _goes_on(text, noun, end):
        text.report(NUMBER, text.quote(place - 1, end))


def check_pair(text: CaptionText, place: int) -> None:
    """Finds ``pair of shoe``: half of a pair."""
    if text.at(place + 1) != 'of':
        return
    noun, end = _head(text.heads, place + 2)
    last = text.heads[end - 1]
    if (noun in HALVES or last in HALVES) and (text.at(end) in PUNCTUATION or text.at(end) in ENDS):
        text.report(NUMBER, text.quote(place, end))


RULES: dict[str, Rule] = {
    **dict.fromkeys(('a', 'an', 'the'), check_article),
    **dict.fromkeys(('this', 'each', 'every', 'another'), check_number),
    **dict.fromkeys(MANY, check_many),
    **dict.fromkeys(('his', 'her', 'their', 'its'), check_owner),
    **dict.fromkeys(('pair', 'pairs', 'couple'), check_pair),
}
