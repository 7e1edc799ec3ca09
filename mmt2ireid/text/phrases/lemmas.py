"""Singulars of English nouns, for the words of this domain and by rule for others."""

from __future__ import annotations

import functools
from collections.abc import Callable

from mmt2ireid.text.phrases.data_folder import DATA
from mmt2ireid.text.yaml_files import digest_of, read_yaml

_AFTER_HISS = ('sses', 'shes', 'ches', 'xes', 'zzes')
_NO_PLURAL = ('ss', 'us', 'is')


class Lemmatizer:
    """Plural nouns to their singular; what has no singular (jeans, glasses) stays, and ``pant`` becomes ``pants``.

    Words that are no plurals are returned as they are, so that adjectives pass unharmed. In a word with hyphens the
    last part is changed: ``t-shirts`` -> ``t-shirt``.

    Args:
        dictionary: gives the singular of nouns that are not listed, or None; the rules serve what it does not know.

    Attributes:
        digest: identifies the word lists.
    """

    def __init__(self, dictionary: Callable[[str], str | None] | None = None) -> None:
        content = read_yaml(DATA / 'lemmas.yaml')
        self._dictionary = dictionary
        self.digest = digest_of(content)
        self._as_they_are = frozenset(content['plural_only'].split()) | frozenset(content['singular'].split())
        self._irregular: dict[str, str] = content['irregular']

    def lemma(self, word: str) -> str:
        """The singular of a lower-case word."""
        head, hyphen, last = word.rpartition('-')
        return word if word in self._as_they_are else head + hyphen + self._singular(last)

    def _singular(self, word: str) -> str:
        if word in self._as_they_are:
            return word
        if word in self._irregular:
            return self._irregular[word]
        if self._dictionary and (found := self._dictionary(word)):
            return found
        if word.endswith('men') and len(word) > 5:  # policemen; but not "women" alone, which is listed
            return f'{word[:-3]}man'
        if len(word) < 4 or not word.endswith('s') or word.endswith(_NO_PLURAL):
            return word
        if word.endswith('ies'):
            return f'{word[:-3]}y'
        return word[:-2] if word.endswith((*_AFTER_HISS, 'oes')) else word[:-1]


@functools.cache
def shared_lemmatizer() -> Lemmatizer:
    """The lemmatiser of this process, read once."""
    return Lemmatizer()
