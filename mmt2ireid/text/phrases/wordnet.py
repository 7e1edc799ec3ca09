"""WordNet's singulars and synonyms, where NLTK and its corpus are installed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any


class WordNet:
    """Nouns of Princeton WordNet through NLTK.

    Attributes:
        digest: identifies the data.

    Raises:
        ImportError: NLTK is not installed.
        FileNotFoundError: the corpus is not there.
    """

    def __init__(self) -> None:
        try:
            from nltk.corpus import wordnet
        except ImportError as error:
            raise ImportError("synonyms 'table+wordnet' need NLTK: pip install 'mmt2ireid[cmmt]'") from error
        try:
            wordnet.ensure_loaded()
        except LookupError as error:
            raise FileNotFoundError(
                "synonyms 'table+wordnet' need NLTK's corpus wordnet, but it is not installed: run python -m "
                'nltk.downloader wordnet, or put it at corpora/wordnet in a folder that NLTK_DATA names'
            ) from error
        self._reader: Any = wordnet
        content = hashlib.sha256()
        for name in ('index.noun', 'noun.exc'):
            with wordnet.open(name) as file:
                content.update(file.read().encode())
        self.digest = content.hexdigest()

    def singular(self, noun: str) -> str | None:
        """The noun's base form; None where WordNet does not know it."""
        return self._reader.morphy(noun, 'n')

    def classes(self, nouns: Iterable[str]) -> list[list[str]]:
        """Those of the nouns that mean the same in their only sense; each list is sorted, and so are they.

        Nouns of several senses are left out: WordNet cannot tell which one a caption means (its first "bike" is a
        motorcycle, its first "hood" a punk), and classes are transitive.
        """
        by_sense: defaultdict[str, list[str]] = defaultdict(list)
        for noun in sorted(set(nouns)):
            senses = self._reader.synsets(noun, 'n')
            if len(senses) == 1:
                by_sense[senses[0].name()].append(noun)
        return sorted(group for group in by_sense.values() if len(group) > 1)
