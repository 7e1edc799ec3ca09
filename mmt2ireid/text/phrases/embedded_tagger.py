"""A tagger for captions of pedestrians that needs no data but this package's: a lexicon, suffixes, neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmt2ireid.text.phrases.lexicon import Lexicon, shared_lexicon

VERSION = 3

# The tag of a word that only one list has; longer lists of open classes come last.
_CLOSED = (
    ('determiners', 'DT'), ('possessives', 'PRP$'), ('pronouns', 'PRP'), ('relatives', 'WP'), ('conjunctions', 'CC'),
    ('auxiliaries', 'VBZ'), ('prepositions', 'IN'), ('numbers', 'CD'),
)  # fmt: skip
_ADJECTIVE_ENDS = (
    'ous', 'ful', 'less', 'ish', 'ive', 'ible', 'able', 'ical', 'ular', 'sized', 'length', 'sleeve', 'style', 'colored',
    'coloured', 'like', 'toned', 'high', 'aged', 'old', 'collar', 'neck', 'up', 'down', 'in',
)  # fmt: skip
_NOUN_ENDS = ('tion', 'sion', 'ness', 'ment', 'ist', 'ity', 'ship', 'hood', 'wear', 'bag', 'band', 'piece', 'string')
_NOUNS = frozenset(('NN', 'NNS'))
_ADJECTIVAL = frozenset(('JJ', 'CD', 'VBN'))
_BEFORE_NOUN = frozenset(('DT', 'PRP$', 'POS', 'IN')) | _ADJECTIVAL
_BEFORE_VERB = frozenset(('PRP', 'WP', 'MD', 'TO', 'RB'))
_NUMBER = re.compile(r'\d+(?:[./]\d+)*(?:th|st|nd|rd|s)?')
_AGE = re.compile(r'.+-years?-old')


class EmbeddedTagger:
    """Tags of the Penn Treebank, as far as noun phrases depend on them: verbs are coarse.

    A word with several readings gets the one that its neighbours allow: "walks" after "he" or a person is a verb,
    "top" before a noun is an adjective, "her" before a noun is possessive. Unknown words are judged by suffix.

    Args:
        lexicon: what is known; the package's own when None.
    """

    name = 'embedded'

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or shared_lexicon()
        words = self._lexicon.words
        self._closed = {word: tag for kind, tag in reversed(_CLOSED) for word in words[kind]}
        self._closed |= {'to': 'TO', 'not': 'RB', "n't": 'RB', "'s": 'POS'}
        self._verbs = words['verbs'] | (words['verb_forms'] - words['gerunds'])

    @property
    def digest(self) -> str:
        """Identifies what the tags depend on."""
        return f'{self.name} {VERSION} {self._lexicon.digest}'

    def tag(self, words: Sequence[str]) -> list[str]:
        """One tag for each lower-case word or mark of a sentence."""
        tags: list[str] = []
        for i in range(len(words)):
            before = tags[-1] if tags else ''
            tags.append(self._tag(words[i], before, words[i + 1] if i + 1 < len(words) else ''))
        return tags

    def _tag(self, word: str, before: str, after: str) -> str:
        if word in ('her', 'that'):
            return self._her_or_that(word, after)
        if word in self._closed:
            return self._closed[word]
        if not word[0].isalnum():
            return 'VBZ' if word[0] == "'" else word
        known = self._lexicon.words
        is_noun, is_verb = word in known['nouns'], word in self._verbs
        if word == 'back' and (before not in _BEFORE_NOUN or before == 'VBN'):
            return 'RB'
        if word in known['modifiers']:
            return 'NN' if is_noun and not self._may_begin_phrase(after) else 'JJ'
        if is_noun and is_verb:
            return self._noun_or_verb(word, before, after)
        if is_noun:
            return _number(word)
        return self._verb_or_unknown(word, before, after)

    def _verb_or_unknown(self, word: str, before: str, after: str) -> str:
        known = self._lexicon.words
        if word in known['participles'] or (word in known['describing_participles'] and not word.endswith('ing')):
            return 'VBN'
        if word in known['describing_participles'] or word in known['gerunds']:
            return 'VBG'
        if word in self._verbs:
            # Known verbs may be nouns: "a walk", "his left turn".
            return 'NN' if before in ('DT', 'PRP$', 'JJ') and not word.endswith(('ed', 'ing')) else 'VBZ'
        if word in known['adverbs']:
            return 'RB'
        if '-' in word and word.rpartition('-')[2] in known['colors']:
            return 'JJ'  # "light-blue"
        return _by_suffix(word, before, self._may_begin_phrase(after))

    def _her_or_that(self, word: str, after: str) -> str:
        """Before a noun "her" is possessive and "that" a determiner; else they are pronouns."""
        owns = self._may_begin_phrase(after)
        if word == 'her':
            return 'PRP$' if owns else 'PRP'
        return 'DT' if owns and after in self._lexicon.words['nouns'] else 'WP'

    def _noun_or_verb(self, word: str, before: str, after: str) -> str:
        if before in _BEFORE_VERB:
            return 'VBZ'
        if before in _BEFORE_NOUN or not before:
            return _number(word)
        # "the man heads home", but "polka dress, watch and belt".
        governs = self._closed.get(after) in ('DT', 'PRP$', 'IN', 'TO', 'PRP')
        return 'VBZ' if before in _NOUNS and governs else _number(word)

    def _may_begin_phrase(self, word: str) -> bool:
        """Whether a noun phrase without its determiner may begin with (or go on with) the word."""
        if not word or not word[0].isalnum() or word in self._closed:
            return word in self._lexicon.words['numbers']
        known = self._lexicon.words
        if word in known['nouns'] or word in known['modifiers']:
            return True
        return word not in self._lexicon.sure_others and not word.endswith(('ly', 'ing'))


def _number(word: str) -> str:
    return 'NNS' if word.endswith('s') and not word.endswith('ss') else 'NN'


def _by_suffix(word: str, before: str, goes_on: bool) -> str:
    if _NUMBER.fullmatch(word):
        return 'CD'
    if _AGE.fullmatch(word):
        return 'JJ'
    if word.endswith('ly'):
        return 'RB'
    if word.endswith('ing'):
        return 'VBG' if before not in _BEFORE_NOUN or goes_on else 'NN'
    if word.endswith('ed') and len(word) > 4:
        return 'VBN'
    if word.endswith(_NOUN_ENDS):
        return 'NN'
    if word.endswith(_ADJECTIVE_ENDS) and ('-' in word or goes_on):
        return 'JJ'
    if before in _BEFORE_VERB and word.endswith('s') and not word.endswith('ss'):
        return 'VBZ'
    return _number(word)
