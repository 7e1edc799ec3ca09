"""The table of synonyms: other ways to say the same, at word and at phrase level (UniPT, section 3.1)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmt2ireid.pseudo_text.data_folder import DATA
from mmt2ireid.text.yaml_files import read_yaml


@dataclass(frozen=True)
class Synonyms:
    """A table of synonyms.

    Attributes:
        words: what a word or group of words in a phrase may become.
        compositions: per composed attribute and word of one of its parts, patterns to put the parts together.
        classes: what a mark of a template may become.
        path: the file it was read from, for messages.
    """

    words: Mapping[str, list[str]] = field(default_factory=dict)
    compositions: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    classes: Mapping[str, list[str]] = field(default_factory=dict)
    path: str = ''

    def substitutes(self, text: str) -> Iterator[str]:
        """The text with each of its words as any of its synonyms, in all combinations."""
        pieces = self._pattern.split(text) if self.words else [text]
        yield from map(''.join, itertools.product(*(self.words.get(piece, [piece]) for piece in pieces)))

    @property
    def _pattern(self) -> re.Pattern[str]:
        # The longest first: "sports pants" is not "sports" and "pants"; a hyphen belongs to its word.
        words = sorted(self.words, key=len, reverse=True)
        return re.compile(rf'(?<![\w-])({"|".join(map(re.escape, words))})(?![\w-])')


def load_synonyms(path: str | Path | None = None) -> Synonyms:
    """The synonyms of a file.

    Args:
        path: a YAML file; None for the English ones of this project.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is bad; the message names file, entry and reason.
    """
    path = DATA / 'synonyms.yaml' if path is None else Path(path)
    content = read_yaml(path)
    known = ('words', 'compositions', 'classes')
    if unknown := [key for key in content if key not in known]:
        raise ValueError(f'{path}: fields must be of {known}, but got {unknown[0]!r}')
    compositions = content.get('compositions', {})
    if not isinstance(compositions, dict):
        raise ValueError(f'{path}: compositions must be a mapping, but got {compositions!r}')
    return Synonyms(
        words=_lists(content.get('words', {}), f'{path}, words'),
        compositions={name: _lists(entry, f'{path}, compositions, {name}') for name, entry in compositions.items()},
        classes=_lists(content.get('classes', {}), f'{path}, classes'),
        path=str(path),
    )


def _lists(entry: Any, where: str) -> dict[str, list[str]]:
    if not isinstance(entry, dict):
        raise ValueError(f'{where}: must be a mapping, but got {entry!r}')
    for key, values in entry.items():
        texts = [key, *values] if isinstance(values, list) and values else [None]
        if not all(isinstance(text, str) and text == ' '.join(text.split()) and text for text in texts):
            raise ValueError(f'{where}, {key!r}: must be a list of texts, but got {values!r}')
    return dict(entry)
