"""Phrases that count as the same: equivalence classes from a table, and from WordNet on wish."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from mmt2ireid.text.phrases.data_folder import DATA
from mmt2ireid.text.phrases.lemmas import Lemmatizer, shared_lemmatizer
from mmt2ireid.text.yaml_files import digest_of, read_yaml

TABLE = DATA / 'synonyms.yaml'
Words = tuple[str, ...]


class SynonymTable:
    """Brings phrases to one form; phrases are synonymous if and only if their forms are equal.

    Equality of forms is an equivalence relation, so that intersections and unions of sets of phrases are well defined
    (CMMT eq. 10 with "the same noun phrases and the synonymous noun phrases"). A form is found in four steps: words
    become lemmas; words that are entries become the first single word of their class; from left to right the longest
    entries, reworded in the same way, become the name of their class, unless a single word that describes would become
    several; all words but the last, which is the noun that
    the others describe, are sorted, so that their order and repetition do not count.

    Args:
        classes: lists of words or phrases; the first is the name of the class. Classes that share an entry are one
            class, named as the earliest of them.
        version: of the table.
        source: named in errors.
        lemmatizer: the package's own when None.

    Raises:
        ValueError: a class is no list of two strings or more.
    """

    def __init__(
        self,
        classes: Iterable[Sequence[str]],
        *,
        version: int = 0,
        source: str = 'classes',
        lemmatizer: Lemmatizer | None = None,
    ) -> None:
        self._lemmatizer = lemmatizer or shared_lemmatizer()
        self.version = version
        self._given = [list(entries) for entries in classes]
        for number, entries in enumerate(self._given):
            if len(entries) < 2 or not all(isinstance(entry, str) and entry.split() for entry in entries):
                raise ValueError(f'{source}: class {number} must list at least two words or phrases, but got {entries}')
        entries_of = [[self._lemmas(entry.split()) for entry in entries] for entries in self._given]
        self._word_of = _word_names(entries_of)
        self._name_of = self._names(entries_of)
        self._longest = max(map(len, self._name_of), default=0)

    @classmethod
    def read(cls, path: str | os.PathLike = TABLE) -> SynonymTable:
        """Reads a YAML file with ``version`` (int) and ``classes`` (list of lists of strings).

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else.
        """
        content = read_yaml(os.fspath(path))
        version, classes = content.get('version'), content.get('classes')
        if isinstance(version, bool) or not isinstance(version, int):
            raise ValueError(f'{path}: version must be an integer, but got {version!r}')
        if not isinstance(classes, list) or not all(isinstance(entries, list) for entries in classes):
            raise ValueError(f'{path}: classes must be a list of lists of words, but it is not')
        return cls(classes, version=version, source=os.fspath(path))

    @property
    def digest(self) -> str:
        """Identifies the classes and the lemmas."""
        return digest_of([self.version, self._given, self._lemmatizer.digest])

    def canonical(self, phrase: Sequence[str]) -> str:
        """The form of a phrase.

        Args:
            phrase: its words, in lower case, at least one.

        Returns:
            Words with blanks between them: of ``('white', 'grey', 'tees')`` it is ``'gray white t-shirt'``.
        """
        *describing, noun = self._renamed(self._reworded(self._lemmas(phrase)))
        return ' '.join([*sorted(set(describing)), noun])

    def extended(self, classes: Iterable[Sequence[str]]) -> SynonymTable:
        """A table with further classes, joined to those of this one where they share an entry."""
        return SynonymTable([*self._given, *classes], version=self.version, lemmatizer=self._lemmatizer)

    def relemmatized(self, lemmatizer: Lemmatizer) -> SynonymTable:
        """The same classes with another lemmatiser."""
        return SynonymTable(self._given, version=self.version, lemmatizer=lemmatizer)

    def lemma(self, word: str) -> str:
        """The singular of a word."""
        return self._lemmatizer.lemma(word)

    def _lemmas(self, words: Sequence[str]) -> Words:
        return tuple(self._lemmatizer.lemma(word) for word in words)

    def _reworded(self, words: Words) -> Words:
        return tuple(self._word_of.get(word, word) for word in words)

    def _names(self, entries_of: list[list[Words]]) -> dict[Words, Words]:
        """Entries, reworded, and the name of their class as it is written: a bow tie is none of the neckties."""
        written: dict[Words, Words] = {}
        for entry in (entry for entries in entries_of for entry in entries):
            written.setdefault(self._reworded(entry), entry)
        joined = _join([[self._reworded(entry) for entry in entries] for entries in entries_of])
        return {entry: written[name] for entry, name in joined.items()}

    def _renamed(self, words: Words) -> Words:
        found: list[str] = []
        at = 0
        while at < len(words):
            for size in range(min(self._longest, len(words) - at), 0, -1):
                name = self._name_of.get(words[at : at + size])
                # "polo" alone is a polo shirt, a "polo sweater" is none.
                if name is not None and (at + size == len(words) or len(name) <= size):
                    found += name
                    break
            else:
                size = 1
                found.append(words[at])
            at += size
        return tuple(found)


def _join(classes: list[list[Words]]) -> dict[Words, Words]:
    """Union-find over entries; the root of a class is its earliest entry, which names it."""
    order: dict[Words, int] = {}
    for entries in classes:
        for entry in entries:
            order.setdefault(entry, len(order))
    parent = {entry: entry for entry in order}

    def root(entry: Words) -> Words:
        while parent[entry] != entry:
            parent[entry] = parent[parent[entry]]
            entry = parent[entry]
        return entry

    for entries in classes:
        for entry in entries[1:]:
            first, second = sorted((root(entries[0]), root(entry)), key=order.__getitem__)
            parent[second] = first
    return {entry: root(entry) for entry in order}


def _word_names(classes: list[list[Words]]) -> dict[str, str]:
    """Single-word entries and the earliest single word of their class."""
    names: dict[Words, str] = {}
    found = {}
    for entry, root in _join(classes).items():
        if len(entry) == 1:
            found[entry[0]] = names.setdefault(root, entry[0])
    return found


def build_synonyms(synonyms: SynonymTable | str | os.PathLike | None = 'table') -> SynonymTable:
    """The table that an argument names.

    Args:
        synonyms: ``table`` is the package's own, None has no classes (but lemmas), a path is a YAML file in the same
            format, and a table is returned as it is.
    """
    if isinstance(synonyms, SynonymTable):
        return synonyms
    if synonyms is None:
        return SynonymTable([])
    return SynonymTable.read(TABLE if synonyms == 'table' else synonyms)
