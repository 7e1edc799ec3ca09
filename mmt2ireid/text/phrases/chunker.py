"""Noun phrases of tagged words: adjectives, participles and numbers, then nouns."""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.text.phrases.lexicon import Lexicon
from mmt2ireid.text.phrases.roles import AND, COMMA, MODIFIER, NOUN, roles_of

# To be raised with every change of the code from caption to form (words, roles, chunker, lemmas, synonyms) that changes
# phrases: caches are keyed by it. Word lists and taggers have digests of their own.
VERSION = 3

_LISTED = (COMMA + MODIFIER, COMMA + NOUN)
# What stands before a list of modifiers that describe nothing which follows.
_BEFORE_PREDICATE = frozenset(
    ('is', 'are', 'was', 'were', 'be', 'been', 'being', "'s", 'looks', 'look', 'appears', 'seems', ',')
)


def chunk(words: Sequence[str], tags: Sequence[str], lexicon: Lexicon) -> list[tuple[str, ...]]:
    """Noun phrases of one sentence by the grammar ``{<M>* (<CC> <M>+)* <N>+}``, from left to right, the longest first.

    M are adjectives, numbers and describing participles, N nouns, in the tags of the Penn Treebank. Determiners are
    left out, and so is what only counts: "a pair of black jeans" gives ``('black', 'jeans')``, "a black pair of jeans"
    too. Of "a black and white shirt" both colors are kept, as ``('black', 'white', 'shirt')``, and of "a red, short
    skirt" both modifiers. Taggers that were trained on newspapers mistake "wears" after a noun for a noun and "striped"
    for a verb: of words that have one reading in the lexicon of this domain the lexicon decides, of all others the
    tagger.

    Args:
        words: lower-case words and marks.
        tags: one for each word.
        lexicon: of this domain.

    Returns:
        Phrases in the order of the sentence, words as they stand there.
    """
    roles = roles_of(words, tags, lexicon)
    found: list[tuple[str, ...]] = []
    at, described = 0, tuple[str, ...]()
    while at < len(roles):
        nouns = _end_of_modifiers(words, roles, at, lexicon)
        end = nouns
        while end < len(roles) and roles[end] == NOUN:
            end += 1
        if end == nouns:
            if nouns > at or words[at] not in lexicon.words['determiners']:
                described = ()
            at = max(nouns, at + 1)
            continue
        phrase = tuple(words[i] for i in range(at, end) if roles[i] in (MODIFIER, NOUN))
        if end < len(words) and words[end] == 'of' and words[end - 1] in lexicon.words['partitives']:
            described = _describing(phrase, lexicon)
            at = end + 1
        else:
            found.append((*described, *phrase))
            at, described = end, ()
    return found


def _describing(phrase: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """What "a dark blue pair" says of what is in it."""
    if phrase[-1] in lexicon.words['measures']:
        return ()
    return tuple(word for word in phrase[:-1] if word not in lexicon.words['numbers'] and not word[0].isdigit())


def _end_of_modifiers(words: Sequence[str], roles: str, at: int, lexicon: Lexicon) -> int:
    """Where the modifiers that begin at ``at`` end; a conjunction or a comma counts only between two of them."""
    end, listed = at, False
    while end < len(roles) and roles[end] == MODIFIER:
        end += 1
        if roles[end : end + 2] == AND + MODIFIER:
            end += 1
        elif roles[end : end + 2] in _LISTED and _joins(words, at, end, roles[end + 1], listed, lexicon):
            end, listed = end + 1, True
        elif listed and roles[end : end + 3] == COMMA + AND + MODIFIER:  # "a black, white, and red shirt"
            end += 2
    return end


def _joins(words: Sequence[str], start: int, comma: int, role: str, listed: bool, lexicon: Lexicon) -> bool:
    """Whether what stands before a comma describes what follows it: not in "is red, black pants"."""
    known = lexicon.words
    if not _surely_describes(words[comma - 1], lexicon):
        return False
    before = start - 1
    while before >= 0 and words[before] in known['adverbs']:
        before -= 1
    first = words[before] if before >= 0 else ''
    determined = first != 'all' and first in known['determiners'] | known['possessives']
    if role == NOUN:  # "a black, winter coat", but "it is a light gray, pants are black"
        return listed or (determined and not (first in ('a', 'an') and words[comma + 1].endswith('s')))
    if before < 0 or determined:
        return True
    colors = words[comma - 1] in known['colors'] and words[comma + 1] in known['colors']
    return first not in _BEFORE_PREDICATE and not colors


def _surely_describes(word: str, lexicon: Lexicon) -> bool:
    """Whether a word is no thing itself: not "crew-neck", which taggers take for an adjective, nor "40s"."""
    known = lexicon.words['modifiers'] | lexicon.words['describing_participles']
    if word in lexicon:
        return word in known or word in lexicon.words['parts']
    head = word.rpartition('-')[2]
    return not word[0].isdigit() and (head == word or head in known or head == 'length' or head.endswith('ed'))
