"""Verbs that do not agree with their subject, verb forms that do not fit together, pronouns in the wrong case."""

from __future__ import annotations

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule, is_modifier
from mmt2ireid.pseudo_text.defects.kinds import AGREEMENT, PRONOUN
from mmt2ireid.pseudo_text.defects.lexicon import (
    ADVERBS,
    AFTER_BE,
    BE,
    CLEAR_THIRD,
    DETERMINERS,
    ENDS,
    FINITE,
    MANY,
    MODALS,
    NOUN_OR_VERB,
    NOUNS,
    NUMBER,
    OTHERS,
    PARTICIPLES,
    PERSONS,
    PLURAL,
    PREPOSITIONS,
    PUNCTUATION,
    SINGULAR,
    STOPS,
    VERB_NUMBER,
    VERBS,
    words,
)

_HE = frozenset(('he', 'she'))
_FORMS_OF_VERBS = frozenset(VERBS) | {third for third, _ in VERBS.values()}
_SUBJECTS = frozenset(('he', 'she', 'the', 'this'))
_PERSON_PLURALS = frozenset(PERSONS.values())
# Words that a subject may go on with before its verb comes.
_LINKS = words('in with wearing dressed of holding carrying a an on')


def check_verb(text: CaptionText, place: int) -> None:
    """Compares a verb with the noun or pronoun right before it: ``he are``, ``his pants is``, ``the man wear``."""
    tokens = text.tokens
    if place == 0:
        return
    subject = tokens[place - 1]
    if subject in ADVERBS or subject.endswith('ly'):
        before = text.before(place)
        if before < 0:
            return
    else:
        before = place - 1
    number = NUMBER.get(text.heads[before])
    if number is None:
        _check_far_subject(text, before, place)
    elif number != VERB_NUMBER[tokens[place]] and _is_subject(text, before, place):
        text.report(AGREEMENT, text.quote(before, place + 1))
    elif text.tokens[before] not in ('he', 'she', 'it', 'they'):
        _check_far_subject(text, before, place)


def _is_subject(text: CaptionText, noun: int, verb: int) -> bool:
    """Whether a noun or pronoun right before a verb that does not agree with it is the verb's whole subject."""
    tokens, word = text.tokens, text.tokens[noun]
    if word in ('he', 'she', 'it', 'they', 'we'):
        return _is_pronoun_subject(text, noun, verb)
    if text.at(verb + 1) in ('what', 'all', 'how') or (word == 'people' and text.at(verb + 1) == 'a'):
        return False
    start = text.phrase_start(noun)
    if start and tokens[start - 1] in DETERMINERS | MANY | {'whose', 'another', 'each', 'every', 'no', 'some'}:
        start -= 1
    if start and tokens[start - 1] in ('these', 'those', 'the', 'his', 'her') and tokens[start] in MANY:
        start -= 1
    if tokens[start] == 'both':
        return False
    return begins_clause(text, start)


def _is_pronoun_subject(text: CaptionText, place: int, verb: int) -> bool:
    word, before = text.tokens[place], text.at(place - 1)
    if before in MODALS or before in ('if', 'though', 'let', 'make', 'makes', 'making', 'have', 'help', 'see'):
        return False
    if before == 'or' and text.at(place - 2) in ('he', 'she'):
        return True
    if before in ('and', 'or') and (text.at(place - 2) in NUMBER or text.at(place - 2) in ('he', 'she', 'him', 'her')):
        # "his friend and she are": but "wears a cap and she are" has its verb before
        return text.at(place - 2) not in PERSONS and text.at(place - 2) not in ('he', 'she', 'him', 'her')
    if word == 'it':
        # "behind it are two stripes", "make it look"
        return text.tokens[verb] in ('are', 'have', 'were') and before not in PREPOSITIONS | PARTICIPLES
    return before not in BE


def begins_clause(text: CaptionText, start: int) -> bool:
    """Whether a noun phrase that begins here is the subject of a clause, not the end of one: ``in his pants``."""
    before = text.at(start - 1)
    if start == 0 or before in STOPS:
        return True
    sentence = text.sentence_start(start)
    if start - 1 == sentence and before in _OPENERS:
        return True
    said = text.tokens[sentence : start - 1]
    has_verb = not FINITE.isdisjoint(said)
    if before in ('while', 'but', 'because', 'since', 'although', 'whereas', 'that') and has_verb:
        return before != 'that'
    if before == ',':
        return bool(said) and _fronts(said[0]) and ',' not in said and 'who' not in said
    if before == 'and' and has_verb and not {'who', 'that', 'which', 'whose', 'what'} & set(said):
        if said[-1] == ',':
            commas = [place for place, word in enumerate(said[:-1]) if word == ',']
            part = said[commas[-1] + 1 if commas else 0 : -1]
            return not FINITE.isdisjoint(part) or bool(part and _fronts(part[0]))
        # "is black and his hat are", but "wears his cap and his hat", "a drink and a phone are"
        return said[-1] not in NOUNS and said[-2] not in DETERMINERS
    return False


def _fronts(word: str) -> bool:
    """Whether a word begins a phrase that is no subject: ``wearing a hat``, ``in a coat``."""
    return word in PARTICIPLES or word in ('in', 'with', 'dressed', 'clad', 'clothed', 'on')


_OPENERS = words('here there currently meanwhile besides clearly today now then')


def _check_far_subject(text: CaptionText, before: int, verb: int) -> None:
    """Compares with the head of a sentence's first noun phrase: ``The man in black pants are walking``."""
    tokens, wanted = text.heads, VERB_NUMBER[text.tokens[verb]]
    word = tokens[verb]
    if word not in BE and word not in ('has', 'have', 'wears', 'wear', 'carries', 'carry'):
        return
    start = text.sentence_start(verb)
    place = start + (tokens[start] in DETERMINERS)
    while place < verb and is_modifier(tokens[place]) and tokens[place] not in NOUNS:
        place += 1
    while place + 1 < verb and tokens[place + 1] in NOUNS:
        place += 1
    if place >= verb or tokens[place] not in NOUNS or NUMBER[tokens[place]] == wanted:
        return
    between = tokens[place + 1 : verb]
    if len(between) > 2 and between[0] in ('that', 'which') and between[-1] in CLEAR_THIRD and between[1] in _SUBJECTS:
        text.report(AGREEMENT, f'"{" ".join(tokens[start : place + 1])} ... {word}"')
        return
    if not between or between[0] not in ('in', 'with', 'wearing', 'dressed', 'on', 'of', 'who', 'holding', 'carrying'):
        return
    if between[0] == 'who' and len(between) > 1:
        return
    if 'and' in between and NUMBER[tokens[place]] == PLURAL:
        return
    rest = between[1:] if between[0] == 'who' else between
    known = all((is_modifier(item) or item in _LINKS or item == 'and') and item not in PERSONS for item in rest)
    if known and not any(item in PERSONS.values() for item in rest):
        text.report(AGREEMENT, f'"{" ".join(tokens[start : place + 1])} ... {word}"')


def check_after_be(text: CaptionText, place: int) -> None:
    """Finds ``is go``, ``is wears``, ``are carry``: a finite verb after a form of "be"."""
    following, after = text.at(place + 1), place + 1
    if following in ADVERBS or following.endswith('ly'):
        following, after = text.at(place + 2), place + 2
    if following not in _FORMS_OF_VERBS or text.at(place - 1) in MODALS | {'doing', 'done'}:
        return
    if following in AFTER_BE and not (following == 'run' and text.at(after + 1) not in _AFTER_RUN):
        return
    if following in ('have', 'has', 'do', 'does') and text.tokens[place] != 'is' and text.at(after + 1) in PUNCTUATION:
        return
    text.report(AGREEMENT, text.quote(place, after + 1))


def check_has(text: CaptionText, place: int) -> None:
    """Finds ``has wearing``, ``has wears``, ``have carries``."""
    following = text.at(place + 1)
    if following in ('wearing', 'carrying', 'holding', 'wears', 'carries', 'wear', 'carry', 'goes'):
        text.report(AGREEMENT, text.quote(place, place + 2))


def check_infinitive(text: CaptionText, place: int) -> None:
    """Finds ``to wears``, ``does carries``, ``can has``."""
    if text.at(place + 1) in CLEAR_THIRD:
        text.report(AGREEMENT, text.quote(place, place + 2))


def check_and(text: CaptionText, place: int) -> None:
    """Finds ``She wears glasses and carry a bag``: after "and" another number than before."""
    if text.at(place + 1) not in ('wear', 'carry', 'have', 'hold', 'are', 'stand', 'walk', 'ride'):
        return
    said = text.tokens[text.sentence_start(place) : place]
    singular = any(VERB_NUMBER.get(word) == SINGULAR for word in said)
    other = any(VERB_NUMBER.get(word) == PLURAL or word in _PERSON_PLURALS for word in said)
    unlike = {'to', 'they', 'that', 'which', 'whose', 'who', 'between'} & set(said)
    if singular and not other and not unlike and MODALS.isdisjoint(said):
        text.report(AGREEMENT, text.quote(place, place + 2))


def check_nominative(text: CaptionText, place: int) -> None:
    """Finds ``He leggings are``, ``she long hair``, ``he wearing``, ``with he``."""
    tokens, word, before = text.tokens, text.tokens[place], text.at(place - 1)
    following, end = text.at(place + 1), place + 1
    if following in PARTICIPLES and before not in BE and not (before in ADVERBS and text.at(place - 2) in BE):
        if word in _HE and before not in FINITE:
            text.report(AGREEMENT, text.quote(place, place + 2))
        return
    while is_modifier(text.at(end)) and tokens[end] not in NOUNS and not tokens[end].endswith('ly'):
        end += 1
    noun = text.heads[end] if end < len(tokens) else '.'
    if noun in NOUNS and before not in MODALS and noun not in PERSONS:
        first = tokens[place + 1]
        is_verb = first in NOUN_OR_VERB or first in _ADJECTIVE_OR_VERB or first in _FORMS_OF_VERBS
        if not is_verb and not (word not in _HE and f'{first}s' in NOUN_OR_VERB):
            text.report(PRONOUN, text.quote(place, end + 1))
    elif before in ('with', 'behind', 'beside', 'near', 'on', 'for') and following in PUNCTUATION | {'and'}:
        text.report(PRONOUN, text.quote(place - 1, place + 1))


_ADJECTIVE_OR_VERB = words('sports sport dress top back open slim tan')
_AFTER_RUN = words('by down over through into off')
_BODY = words('back hand hands head shoulder shoulders hair face feet ear mouth arm arms waist neck')


def check_objective(text: CaptionText, place: int) -> None:
    """Finds ``Him is wearing``, ``on him back``, ``carries him bag``."""
    before, following = text.at(place - 1), text.at(place + 1)
    starts = place == 0 or before in STOPS or (before == ',' and text.sentence_start(place) == place - 2)
    if following in ADVERBS and starts:
        following = text.at(place + 2)
    joined = before in ('and', 'while', 'but') and 'between' not in text.words
    joined = joined and not FINITE.isdisjoint(text.tokens[text.sentence_start(place) : place])
    if (starts or joined) and following in FINITE:
        text.report(PRONOUN, text.quote(place, place + 2))
    elif text.at(place + 2) in PUNCTUATION | ENDS and (
        (before in ('on', 'in', 'over') and following in _BODY)
        or (before in ('carries', 'carrying', 'wears', 'wearing') and following in NOUNS)
    ):
        text.report(PRONOUN, text.quote(place - 1, place + 2))
    elif starts and following in NOUNS and text.tokens[place] != 'it':
        text.report(PRONOUN, text.quote(place, place + 2))


def check_possessive(text: CaptionText, place: int) -> None:
    """Finds ``His is wearing``, ``her wears``: a possessive where a subject belongs."""
    before, following = text.at(place - 1), text.at(place + 1)
    if following in ADVERBS:
        following = text.at(place + 2)
    if following not in FINITE:
        return
    if place and before not in STOPS and before not in ('and', 'while', 'but', ','):
        return
    if before == ',' and text.tokens[place] == 'her':
        return
    wrong_verb = following in CLEAR_THIRD or following in ('stands', 'walks', 'rides', 'holds')
    if wrong_verb or (following in BE and text.at(place + 2) in PARTICIPLES):
        if before in ('and', ',') and (FINITE.isdisjoint(text.tokens[text.sentence_start(place) : place])
                                       or 'between' in text.words or 'beside' in text.words):  # fmt: skip
            return
        text.report(PRONOUN, text.quote(place, place + 3))


def check_who(text: CaptionText, place: int) -> None:
    """Finds ``a man who wear``, ``people who is``, ``The lady with long hair who are``."""
    number = VERB_NUMBER.get(text.at(place + 1))
    if number is None:
        return
    said = text.tokens[text.sentence_start(place) : place]
    persons = [word for word in said if word in PERSONS or word in OTHERS]
    if len(persons) != 1 or persons[0] not in NOUNS or NUMBER[persons[0]] == number:
        return
    if NUMBER[persons[0]] == PLURAL and (said[-1] != persons[0] or 'of' in said):
        return
    text.report(AGREEMENT, f'"{persons[0]} ... who {text.at(place + 1)}"')


def check_there(text: CaptionText, place: int) -> None:
    """Finds ``There are a man``, ``Here are a woman``; not ``there are a few``, ``there are a man and a woman``."""
    if text.at(place + 1) not in ('are', 'were') or text.at(place + 2) not in ('a', 'an'):
        return
    rest = text.tokens[place + 3 : text.sentence_end(place)]
    persons = [word for word in rest if word in PERSONS]
    until = rest.index(persons[0]) if persons else 0
    if len(persons) == 1 and all(map(is_modifier, rest[:until])) and rest[until + 1 : until + 2] != ['and']:
        text.report(AGREEMENT, text.quote(place, place + 3))


_VERB_RULES: dict[str, Rule] = dict.fromkeys(VERB_NUMBER, check_verb)
RULES: list[dict[str, Rule]] = [
    _VERB_RULES,
    dict.fromkeys(BE - {"isn't", "aren't", "wasn't", "weren't"}, check_after_be),
    dict.fromkeys(('has', 'have'), check_has),
    dict.fromkeys(MODALS | {'to'}, check_infinitive),
    {'and': check_and, 'who': check_who, 'there': check_there, 'here': check_there},
    dict.fromkeys(('he', 'she', 'they'), check_nominative),
    dict.fromkeys(('him', 'them', 'me'), check_objective),
    dict.fromkeys(('his', 'her'), check_possessive),
]
