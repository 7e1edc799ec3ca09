"""Defects that need no grammar: markup, punctuation, words and sentences said twice, ends that lead nowhere."""

from __future__ import annotations

import re
from operator import eq

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule
from mmt2ireid.pseudo_text.defects.kinds import DANGLING, DOUBLED, MARKUP, PUNCTUATION, REPEATED
from mmt2ireid.pseudo_text.defects.lexicon import (
    ARTICLES,
    COLOURS,
    DETERMINERS,
    FINITE,
    MODIFIERS,
    NOUNS,
    PARTICIPLES,
    PREPOSITIONS,
    RELATIVES,
    STOPS,
    words,
)
from mmt2ireid.pseudo_text.defects.lexicon import PUNCTUATION as MARKS

_SUSPECT = re.compile(r'[<>{}\[\]()_&%|$#\\*@`\ufffd\x00-\x08\x0b-\x1f]|://')
_MARKUP = re.compile(
    r'<(?!\s*\d)[^<>]*>?|(?<!-)>|\{[^{}]*\}?|\}|\[[^\[\]]*\]?|\]|_+|&(?:[a-z]+|#\d+);|%[sd(]|\$[a-z{(]|##|\\|\*\*|@@|```'
    r'|\(\s*\)|\ufffd|[\x00-\x08\x0b-\x1f]|\w*://\S*|%[a-z]+%|(?<=[a-z])\|(?=[a-z])',
    re.IGNORECASE,
)
_SMILEY = re.compile(r'[:;]-?[()]')
_DOUBLE_MARK = re.compile(r'[,.;:!?\uff0c\u3002]\s*[,.;:\uff0c\u3002]|[,.;:]\s*[!?]')
_DOTS = re.compile(r'\.{3,}|…|\. ?\. ?\.(?: ?\.)*')
ABBREVIATED = re.compile(r'\b(?:[a-z]|etc|inc|approx|vs|jr|sr|no|st|co|dr|ft|cm|lbs?|yrs?)\.$', re.IGNORECASE)
_NULL = frozenset(('nan', 'null', 'undefined', 'unk', 'none', 'nonetype'))
_MAY_DOUBLE = words('had very really so many much far no')
_BEFORE_CLAUSE = DETERMINERS | MARKS | {'he', 'she', 'they', 'it', 'is', 'are'}
# These want something after them.
_OBJECT_WANTED = words(
    """wearing wears carrying carries holding holds has having is are was with of dressed clad clothed"""
)


def check_markup(text: CaptionText) -> None:
    """Finds blanks that nobody filled (``<age>``, ``[MASK]``, ``____``), HTML and brackets without partner."""
    raw = text.raw
    if _SUSPECT.search(raw):
        for match in _MARKUP.finditer(raw):
            text.report(MARKUP, repr(match.group().strip() or match.group()))
        plain = _SMILEY.sub('', raw)
        depth = 0
        for mark in re.findall('[()]', plain):
            depth += 1 if mark == '(' else -1
            if depth < 0:
                break
        if depth:
            text.report(MARKUP, 'a bracket without its partner')
    if not text.words.isdisjoint(_NULL):
        _check_null(text)


def _check_null(text: CaptionText) -> None:
    for place, word in enumerate(text.tokens):
        if word not in _NULL:
            continue
        before, cased = text.at(place - 1), text.cased_tokens[place]
        filler = before in ARTICLES or before in ('wearing', 'wears', 'carrying', 'carries', 'with', 'in', 'has')
        if word == 'undefined':
            found = filler and text.at(place + 1) in MARKS | {'and'}
        elif word == 'none':
            found = text.at(place + 1) != 'of' and (filler or (cased == 'None' and before not in STOPS))
        elif word == 'nan':
            found = cased == 'NaN' or before not in ('his', 'her', 'their', 'the')
        else:
            found = True
        if found:
            text.report(MARKUP, f'{cased!r} in place of a phrase')


def check_punctuation(text: CaptionText) -> None:
    """Finds marks that a vanished clause left: ``, ,``, ``. .``, a comma at the beginning or the end."""
    raw = text.raw.strip()
    if raw[0] in ',.;:!?)' and not raw.startswith('..') and not raw[:2].lstrip('.').isdigit():
        text.report(PUNCTUATION, f'{raw[0]!r} at the beginning')
    if raw[-1] in ',;:':
        text.report(PUNCTUATION, f'{raw[-1]!r} at the end')
    if _DOUBLE_MARK.search(raw) is None:
        return
    plain = _DOTS.sub(' ', raw)
    for match in _DOUBLE_MARK.finditer(plain):
        shortened = match.group()[0] == '.' and ABBREVIATED.search(plain[: match.start() + 1])
        if not shortened or match.group()[-1] == '.':
            text.report(PUNCTUATION, repr(match.group()))


def check_doubled(text: CaptionText) -> None:
    """Finds words and short groups of words said twice in a row: ``hair hair``, ``wearing a wearing a``."""
    tokens = text.tokens
    for size in range(1, 6):
        shifted = tokens[size:]
        same = sum(map(eq, tokens, shifted))
        if same >= size:
            _doubled_groups(text, size)
        if same >= size - 1 > 1:
            _doubled_after_comma(text, size - 1)


def _doubled_groups(text: CaptionText, size: int) -> None:
    tokens = text.tokens
    for start in range(len(tokens) - 2 * size + 1):
        group = tokens[start : start + size]
        if group != tokens[start + size : start + 2 * size] or not all(word[0].isalnum() for word in group):
            continue
        if size == 1 and (group[0] in _MAY_DOUBLE or _is_sound_double(text, start)):
            continue
        legit = {'by', 'to', 'or', 'and'} & set(group)
        if size == 2 and legit and (legit != {'and'} or set(group) & (COLOURS | {'more', 'on', 'over'})):
            continue
        if len(set(group)) == 1 and size > 1:
            continue  # three times the same word: reported as a word
        text.report(DOUBLED, f'"{" ".join(group)}" twice')


def _is_sound_double(text: CaptionText, place: int) -> bool:
    """``that that man``, ``gives her her bag``."""
    if text.tokens[place] == 'that':
        return text.at(place + 2) not in _BEFORE_CLAUSE
    return text.tokens[place] == 'her' and text.at(place - 1) in ('gives', 'giving', 'gave', 'handing')


def _doubled_after_comma(text: CaptionText, size: int) -> None:
    """``short hair, short hair.``: the same words around a comma, and nothing more."""
    tokens = text.tokens
    for start in range(len(tokens) - 2 * size):
        middle, group = start + size, tokens[start : start + size]
        if tokens[middle] != ',' or tokens[middle + 1 : middle + 1 + size] != group:
            continue
        following = text.at(middle + 1 + size)
        ends = following in MARKS or (size > 1 and following == 'and')
        if ends and all(word[0].isalnum() for word in group):
            text.report(DOUBLED, f'"{" ".join(group)}" twice')


def check_repeated(text: CaptionText) -> None:
    """Finds a sentence that is said twice."""
    raw = text.raw.replace('!', '.').replace('?', '.')
    if raw.count('.') < 2 and raw.rstrip()[-1] == '.':
        return
    sentences = [' '.join(part.split()).lower() for part in raw.split('.')]
    sentences = [sentence for sentence in sentences if ' ' in sentence]
    if len(set(sentences)) < len(sentences):
        again = next(sentence for number, sentence in enumerate(sentences) if sentence in sentences[:number])
        text.report(REPEATED, f'"{again}"')


def check_article_end(text: CaptionText, place: int) -> bool:
    """Finds an article without noun: ``wearing a .``, ``the and``, ``A is walking``; tells whether it did."""
    following = text.at(place + 1)
    if following not in _AFTER_NO_ARTICLE or (text.tokens[place] == 'a' and is_letter(text, place)):
        return False
    text.report(DANGLING, text.quote(place, place + 2))
    return True


_AFTER_NO_ARTICLE = MARKS | words(
    """is are was were has have wears carries holds wearing and or but with of who which he she they"""
)


def is_letter(text: CaptionText, place: int) -> bool:
    """Whether an ``a`` is the letter: ``the letter A``, ``grade A``."""
    before = text.at(place - 1)
    initials = before == '.' and place > 1 and len(text.at(place - 2)) == 1
    return initials or before in ('letter', 'letters', 'capital', 'grade', 'type', 'plan', 'an', '"', "'", 'size')


def check_conjunction_end(text: CaptionText, place: int) -> None:
    """Finds ``and .``, ``and ,``: what it joined has vanished."""
    word, following = text.tokens[place], text.at(place + 1)
    if following in ('or', 'but') and following != word:
        found = (word, following) != ('and', 'or')
    else:
        found = following in MARKS and not (following == ',' and _has_second_comma(text, place + 1))
    if found:
        text.report(DANGLING, text.quote(place, place + 2))


def _has_second_comma(text: CaptionText, comma: int) -> bool:
    """``and, on her back, a bag``: a remark between commas."""
    first = text.at(comma + 1)
    remark = first in PREPOSITIONS or first in PARTICIPLES or first in ('it', 'if', 'while', 'when', 'because')
    return (remark or first.endswith('ly')) and ',' in text.tokens[comma + 1 : text.sentence_end(comma)]


def check_object_end(text: CaptionText, place: int) -> None:
    """Finds ``with .``, ``wearing ,``, ``is .``, ``wearing and black jeans``: what was to follow has vanished."""
    following, word = text.at(place + 1), text.tokens[place]
    if following in MARKS:
        if _has_antecedent(text, place) or (following == ',' and _has_second_comma(text, place + 1)):
            return
        if word in ('has', 'is', 'are', 'was') and text.at(place - 1) in ('and', 'it', 'so'):
            return
        if word in ('holding', 'holds', 'dressed', 'clothed') and following == ',':
            return
        if (following == ':' and text.at(place + 2) not in MARKS) or text.at(place + 2) in _LIKEWISE:
            return  # "wearing: a hat", "and his left shoe is, too"
        text.report(DANGLING, text.quote(place, place + 2))
    elif following == 'and' and word not in _DRESSED | _BEFORE_AND:
        after = text.at(place + 2)
        if after in DETERMINERS or ((after in MODIFIERS or after in NOUNS) and after not in ('off', 'back')):
            text.report(DANGLING, text.quote(place, place + 3))
    elif following == 'in' and word in _DRESSED and text.at(place + 2) in MARKS and not _has_antecedent(text, place):
        text.report(DANGLING, text.quote(place, place + 3))


def _has_antecedent(text: CaptionText, place: int) -> bool:
    """Whether nothing is missing: ``the bag that she walks with``, ``the bag she is carrying``, ``one to talk to``."""
    start = text.sentence_start(place)
    said = text.tokens[start:place]
    if 'so' in said or ' '.join(text.tokens[place - 1 : place + 1]) == 'that is':
        return True
    # "who she is with" has its object, "who is wearing" has not.
    if any(word in RELATIVES and text.at(number + 1) not in FINITE for number, word in enumerate(said, start)):
        return True
    for number, word in enumerate(said[1:], start + 1):
        before = text.tokens[number - 1]
        if word in ('he', 'she', 'they', "he's", "she's", 'to') and (before in NOUNS or before in _INDEFINITE):
            return True
        if word in ('the', 'his', 'her', 'this') and before in NOUNS and text.at(number + 1) in NOUNS:
            return True
    return text.tokens[place] == 'with' and text.at(place - 1) in ('to', 'come', 'came', 'goes')


_LIKEWISE = frozenset(('too', 'also', 'either', 'as'))
_DRESSED = frozenset(('dressed', 'clothed', 'clad'))
_BEFORE_AND = frozenset(('is', 'are', 'was', 'has', 'holding', 'holds'))
_INDEFINITE = words('someone something somebody one person thing things people anything way direction')
RULES: dict[str, Rule] = {
    **dict.fromkeys(_OBJECT_WANTED, check_object_end),
    **dict.fromkeys(('and', 'or', 'but'), check_conjunction_end),
}
