"""A caption cut into words, and the questions that several rules ask about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from mmt2ireid.pseudo_text.defects.lexicon import ADVERBS, MODIFIERS, NOUNS, PERSON_NOUNS, STOPS

_TOKEN = re.compile(r"\d+[/.]\d+(?:-[^\W_]+)*|[^\W_]+(?:['-][^\W_]+)*|[^\w\s]|_+")


class CaptionText:
    """A caption and its tokens.

    Attributes:
        raw: the caption, with straight apostrophes.
        tokens: words (``t-shirt``, ``man's``, ``3/4``) and punctuation marks, in lower case.
        words: the set of the tokens.
        defects: what the rules found, as ``'kind: what'``.
    """

    __slots__ = ('__dict__', 'defects', 'raw', 'tokens', 'words')

    def __init__(self, caption: str) -> None:
        self.raw = caption.replace('\u2019', "'")
        self.tokens: list[str] = _TOKEN.findall(self.raw.lower())
        self.words = set(self.tokens)
        self.defects: list[str] = []

    def report(self, kind: str, what: str) -> None:
        """Writes a defect down, once."""
        text = f'{kind}: {what}'
        if text not in self.defects:
            self.defects.append(text)

    def quote(self, start: int, end: int) -> str:
        """Tokens ``start`` to ``end - 1``, for messages."""
        return f'"{" ".join(self.tokens[max(start, 0) : end])}"'

    def at(self, place: int) -> str:
        """A token; a full stop before the first and after the last one."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else '.'

    @cached_property
    def heads(self) -> list[str]:
        """The tokens, with the noun that ends them in place of words with hyphens: ``shirt`` for ``dress-shirt``."""
        return [head_of(token) for token in self.tokens] if '-' in self.raw else self.tokens

    @cached_property
    def cased_tokens(self) -> list[str]:
        """The tokens as they were written."""
        cased = _TOKEN.findall(self.raw)
        return cased if len(cased) == len(self.tokens) else self.tokens

    def sentence_start(self, place: int) -> int:
        """First place of the sentence that ``place`` is in."""
        while place > 0 and self.tokens[place - 1] not in STOPS:
            place -= 1
        return place

    def sentence_end(self, place: int) -> int:
        """Place of the mark that ends the sentence, or the number of tokens."""
        while place < len(self.tokens) and self.tokens[place] not in STOPS:
            place += 1
        return place

    def phrase_start(self, noun: int) -> int:
        """Where the adjectives and nouns before a noun begin: 2 for ``wears a dark blue shirt`` and its ``shirt``."""
        place = noun
        while place > 0 and (is_modifier(self.tokens[place - 1]) or self._joins(place - 1)):
            place -= 1
        return place

    def _joins(self, place: int) -> bool:
        """Whether an ``and`` or a comma stands between two adjectives: ``a black and white shirt``."""
        return (
            self.tokens[place] in ('and', ',')
            and place > 0
            and self.tokens[place - 1] in MODIFIERS - NOUNS
            and self.tokens[place + 1] in MODIFIERS - NOUNS
        )

    def before(self, place: int, skip: frozenset[str] = ADVERBS) -> int:
        """Place of the nearest token before ``place`` that is no adverb; may be -1."""
        place -= 1
        while place >= 0 and (self.tokens[place] in skip or self.tokens[place].endswith('ly')):
            place -= 1
        return place


def is_modifier(word: str) -> bool:
    """Whether a word may stand between a determiner and its noun."""
    return (
        word in MODIFIERS
        or word in NOUNS
        or word.endswith(("'s", "s'", 'ly'))
        or ('-' in word and len(word) > 1)
        or word[0].isdigit()
    )


def head_of(word: str) -> str:
    """What a word is by its number: ``pants`` for ``cargo-pants``; a word without hyphen or unknown is itself."""
    if '-' not in word or word in NOUNS:
        return word
    joined = word.replace('-', '')
    if joined in NOUNS:
        return joined
    last = word[word.rindex('-') + 1 :]
    return last if last in NOUNS and last not in PERSON_NOUNS else word


Rule = Callable[[CaptionText, int], None]
