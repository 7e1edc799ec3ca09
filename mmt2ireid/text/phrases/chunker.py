"""Noun phrases of tagged words: adjectives, participles and numbers, then nouns."""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.text.phrases.lexicon import Lexicon

# To be raised with every change of the code from caption to form (words, chunker, lemmas, synonyms) that changes
# phrases: caches are keyed by it. Word lists and taggers have digests of their own.
VERSION = 1

_NOUNS = frozenset(('NN', 'NNS', 'NNP', 'NNPS'))
_ADJECTIVES = frozenset(('JJ', 'JJR', 'JJS', 'CD'))
_PARTICIPLES = frozenset(('VBN', 'VBD'))
_BEFORE_NOUN = frozenset(('DT', 'PRP$', 'POS', 'PDT', 'WP$')) | _ADJECTIVES | _PARTICIPLES
_MODIFIER, _NOUN, _AND, _OTHER = 'M', 'N', '&', ' '


def chunk(words: Sequence[str], tags: Sequence[str], lexicon: Lexicon) -> list[tuple[str, ...]]:
    """Noun phrases of one sentence by the grammar ``{<M>* (<CC> <M>+)* <N>+}``, from left to right, the longest first.

    M are adjectives, numbers and describing participles, N nouns, in the tags of the Penn Treebank. Determiners are
    left out, and so is what only counts: "a pair of black jeans" gives ``('black', 'jeans')``. Of "a black and white
    shirt" both colours are kept, as ``('black', 'white', 'shirt')``. Taggers that were trained on newspapers mistake
    "wears" after a noun for a noun and "striped" for a verb: of words that have one reading in the lexicon of this
    domain the lexicon decides, of all others the tagger.

    Args:
        words: lower-case words and marks.
        tags: one for each word.
        lexicon: of this domain.

    Returns:
        Phrases in the order of the sentence, words as they stand there.
    """
    roles = _roles(words, tags, lexicon)
    found, at = [], 0
    while at < len(roles):
        nouns = _end_of_modifiers(roles, at)
        end = nouns
        while end < len(roles) and roles[end] == _NOUN:
            end += 1
        if end == nouns:
            at = max(nouns, at + 1)
            continue
        if not (end < len(words) and words[end] == 'of' and words[end - 1] in lexicon.words['partitives']):
            found.append(tuple(words[i] for i in range(at, end) if roles[i] != _AND))
        at = end
    return found


def _end_of_modifiers(roles: str, at: int) -> int:
    """Where the modifiers that begin at ``at`` end; a conjunction counts only between two of them."""
    end = at
    while end < len(roles) and roles[end] == _MODIFIER:
        end += 1
        if roles[end : end + 2] == _AND + _MODIFIER:
            end += 1
    return end


def _roles(words: Sequence[str], tags: Sequence[str], lexicon: Lexicon) -> str:
    """One letter for each word; from the right, as a word's role depends on what follows."""
    roles = [_OTHER] * len(words)
    after = beyond = _OTHER
    owners = lexicon.words['possessives']
    for i in range(len(words) - 1, -1, -1):
        # Taggers take the "her" of "on her back" for a pronoun.
        before = 'DT' if i and words[i - 1] in owners else tags[i - 1] if i else ''
        after = roles[i] = _role(words[i], tags[i], before, after, beyond, lexicon)
        # Through a conjunction one sees what follows it: "black and white striped shirt".
        beyond = beyond if after == _AND and beyond == _MODIFIER else after
    return ''.join(roles)


def _role(word: str, tag: str, before: str, after: str, beyond: str, lexicon: Lexicon) -> str:
    """``before`` is the tag of the word before, ``after`` the next role, ``beyond`` the one after an "and"."""
    if tag == 'CC':
        return _AND
    if word in lexicon.sure_others or not word[0].isalnum():
        return _OTHER
    describes = beyond in (_MODIFIER, _NOUN)
    if word in lexicon.sure_modifiers:
        return _MODIFIER if describes else _OTHER
    if word in lexicon.sure_nouns or tag in _NOUNS:
        return _NOUN
    # "a white top and blue jeans", "on her back": nothing follows that it could describe.
    if word in lexicon.words['nouns'] and after not in (_MODIFIER, _NOUN) and before in _BEFORE_NOUN:
        return _NOUN
    if tag in _ADJECTIVES:
        return _MODIFIER
    if tag in _PARTICIPLES:
        return _MODIFIER if describes else _OTHER
    if tag == 'VBG' and describes and before in _BEFORE_NOUN:
        return _MODIFIER
    return _OTHER
