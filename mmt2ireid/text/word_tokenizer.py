"""A vocabulary of whole words, counted in the training captions (CMMT, METHODS: 0 is PAD, 1 is UNK, lower case)."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from mmt2ireid.compat import write_atomically
from mmt2ireid.io.json_files import read_json
from mmt2ireid.text.tokenizer_base import Tokenizer

PAD_ID = 0
UNK_ID = 1
_FIRST_WORD_ID = 2
WORD_PATTERN = r"[^\W_]+(?:['\u2019][^\W_]+)*"
"""Letters and digits, with an inner apostrophe. Hyphens separate: "t-shirt" and "t shirt" are the same two words."""
_WORD = re.compile(WORD_PATTERN)


def split_words(caption: str) -> list[str]:
    """The lower-case words of a caption, punctuation dropped."""
    return _WORD.findall(caption.lower())


class WordTokenizer(Tokenizer):
    """One id per word; words outside the vocabulary become UNK.

    There are no special tokens around a caption, so a caption of w words has min(w, max_length) ids.

    Args:
        vocab: the words in the order of their ids (the first gets id 2), or the path of a file that :meth:`save`
            wrote, which is read at the first call.
        max_length: most ids of a caption.
    """

    def __init__(self, vocab: Sequence[str] | str | os.PathLike, max_length: int = 100) -> None:
        super().__init__(max_length)
        self._path: str | None = None
        self._ids: dict[str, int] = {}
        if isinstance(vocab, (str, os.PathLike)):
            self._path = os.fspath(vocab)
        else:
            self._ids = _number(vocab, 'vocab')

    @classmethod
    def build(cls, captions: Iterable[str], min_count: int = 3, max_length: int = 100) -> WordTokenizer:
        """Counts the words of the training captions.

        Args:
            captions: texts to count.
            min_count: words seen less often are left to UNK.
            max_length: most ids of a caption.

        Returns:
            A tokenizer with frequent words first, words of equal count in alphabetical order.
        """
        if min_count < 1:
            raise ValueError(f'min_count must be at least 1, but got {min_count}')
        counts = Counter(word for caption in captions for word in split_words(caption))
        kept = [word for word, count in counts.items() if count >= min_count]
        if not kept:
            raise ValueError(f'captions must hold a word that occurs {min_count} times, but there is none')
        return cls(sorted(kept, key=lambda word: (-counts[word], word)), max_length)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the vocabulary as JSON, whole or not at all."""
        content = json.dumps({'words': self.words}, ensure_ascii=False, indent=0)
        write_atomically(path, content.encode())

    def load(self) -> None:
        """Reads the vocabulary file, if one was named and it has not been read."""
        if not self._ids and self._path is not None:
            self._ids = _number(_read(self._path), self._path)

    @property
    def words(self) -> list[str]:
        """The vocabulary in the order of the ids, without PAD and UNK."""
        self.load()
        return list(self._ids)

    def _encode(self, caption: str) -> tuple[list[int], bool]:
        self.load()
        # A caption of nothing but punctuation is still a caption: one unknown word.
        ids = [self._ids.get(word, UNK_ID) for word in split_words(caption)] or [UNK_ID]
        return ids[: self.max_length], len(ids) > self.max_length

    def word_ids(self, caption: str) -> list[int]:
        """Every id is a word of its own."""
        return list(range(len(self._encode(caption)[0])))

    @property
    def pad_id(self) -> int:
        """0."""
        return PAD_ID

    @property
    def mask_id(self) -> None:
        """There is no mask token."""
        return None

    @property
    def special_ids(self) -> frozenset[int]:
        """PAD and UNK."""
        return frozenset((PAD_ID, UNK_ID))

    @property
    def unknown_ids(self) -> frozenset[int]:
        """UNK."""
        return frozenset((UNK_ID,))

    @property
    def vocab_size(self) -> int:
        """Number of words and two."""
        self.load()
        return len(self._ids) + _FIRST_WORD_ID


def _number(words: Sequence[str], source: str) -> dict[str, int]:
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError(f'{source} must be a list of words, none of them empty')
    ids = {word: number for number, word in enumerate(words, start=_FIRST_WORD_ID)}
    if len(ids) != len(words):
        twice = next(word for word, count in Counter(words).items() if count > 1)
        raise ValueError(f'{source} must hold every word once, but {twice!r} is there more than once')
    return ids


def _read(path: str) -> list[str]:
    try:
        content = read_json(path, 'a word vocabulary in JSON')
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'no word vocabulary at {path}: write it with tools/build_vocabulary.py CONFIG, or from Python with '
            'WordTokenizer.build(captions).save(...)'
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get('words'), list):
        raise ValueError(f"{path} must be a JSON object with a list 'words', but it is another kind of file")
    return content['words']
