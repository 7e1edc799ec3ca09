"""Captions as sentences of lower-case words and marks, in the spellings of the lexicon."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from mmt2ireid.text.phrases.lexicon import Lexicon

_STOPS = frozenset('.!?;')
_QUOTES = str.maketrans({'\u2018': "'", '\u2019': "'", '`': "'", '\u201c': '"', '\u201d': '"', '\u2013': '-',
                         '\u2014': ' - ', '\u2010': '-', '\u2011': '-'})  # fmt: skip
_ENDING = re.compile(r"(?<=.)(?:n't|'(?:s|re|ve|ll|d|m))$")
_WITH = re.compile(r'\bw/(o\b)?(?=\W|\w{2})')
# Fractions and decimals are one word: "a 3/4 sleeve".
_TOKEN = re.compile(r"\d+(?:[./]\d+)+(?:-[^\W_]+)*|[^\W_]+(?:[-'][^\W_]+)*|[-.,;:!?()\"/&]")


def sentences(caption: str, lexicon: Lexicon) -> list[tuple[str, ...]]:
    """Splits a caption.

    Args:
        caption: any text; Unicode variants of letters, quotes and hyphens are folded.
        lexicon: whose spellings are taken: ``t shirt`` and ``t - shirt`` are ``t-shirt``.

    Returns:
        Sentences, none of them empty, of words, endings such as ``'s``, and marks other than full stops.
    """
    text = unicodedata.normalize('NFKC', caption).translate(_QUOTES).lower()
    text = _WITH.sub(lambda match: 'without ' if match.group(1) else 'with ', text)
    tokens = _in_right_spelling(list(_split_endings(_TOKEN.findall(text))), lexicon)
    found: list[tuple[str, ...]] = []
    current: list[str] = []
    for token in [*tokens, '.']:
        if token not in _STOPS:
            current.append(token)
        elif current:
            found.append(tuple(current))
            current = []
    return found


def _split_endings(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        if token in '/&':
            yield 'and'
        elif (ending := _ENDING.search(token)) is not None:
            yield token[: ending.start()]
            yield ending.group()
        else:
            yield token


def _in_right_spelling(tokens: list[str], lexicon: Lexicon) -> list[str]:
    spellings, found, at = lexicon.spellings, [], 0
    while at < len(tokens):
        for size in (3, 2, 1):
            part = tuple(tokens[at : at + size])
            if len(part) == size and part in spellings:
                found.append(spellings[part])
                break
            if size == 3 and part[1:2] == ('-',) and len(part) == 3 and (joined := ''.join(part)) in lexicon:
                found.append(joined)
                break
        else:
            found.append(tokens[at])
            size = 1
        at += size
    return found
