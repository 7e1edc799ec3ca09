"""A vocabulary of whole words, counted in the training captions (CMMT, METHODS: 0 is PAD, 1 is UNK, lower case)."""

from __future__ import annotations

import json
import os
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.io.json_files import read_json
from mmt2ireid.text.tokenizer_base import Tokenizer

PAD_ID = 0
UNK_ID = 1
FIRST_WORD_ID = 2
WORD_PATTERN = r"[^\W_]+(?:['\u2019][^\W_]+)*"
"""Letters and digits, with an inner apostrophe. Hyphens separate: "t-shirt" and "t shirt" are the same two words."""
_WORD = re.compile(WORD_PATTERN)
_DELETED = dict.fromkeys(map(ord, string.punctuation))


def split_words(caption: str, lower_case: bool = True, delete_punctuation: bool = False) -> list[str]:
    """The words of a caption, without punctuation.

    Args:
        caption: a text.
        lower_case: bring them to lower case.
        delete_punctuation: delete ASCII's punctuation and divide at white space, so that "t-shirt" is the one word
            "tshirt"; by default punctuation divides words.

    Returns:
        The words, in order.

    Example:
        >>> split_words("A T-shirt, blue.")
        ['a', 't', 'shirt', 'blue']
        >>> split_words("A T-shirt, blue.", lower_case=False, delete_punctuation=True)
        ['A', 'Tshirt', 'blue']
    """
    text = caption.lower() if lower_case else caption
    return text.translate(_DELETED).split() if delete_punctuation else _WORD.findall(text)


class WordTokenizer(Tokenizer):
    """One id per word; words outside the vocabulary become UNK.

    There are no special tokens around a caption, unless an ``end_word`` is named, so a caption of w words has
    min(w, max_length) ids.

    Args:
        vocab: the words in the order of their ids (the first gets id 2), or the path of a file that :meth:`save`
            wrote, which is read at the first call.
        max_length: most ids of a caption, the end word's included.
        lower_case: see :func:`split_words`; True by default.
        delete_punctuation: see :func:`split_words`; False by default. With ``lower_case=False`` and
            ``end_word='<END>'`` captions are read as the published network of CMMT (ICCV 2021) does.
        end_word: a word of the vocabulary that is put at the end of every caption; None by default.

    Raises:
        ValueError: an argument does not fit.
    """

    def __init__(
        self,
        vocab: Sequence[str] | str | os.PathLike,
        max_length: int = 100,
        lower_case: bool = True,
        delete_punctuation: bool = False,
        end_word: str | None = None,
    ) -> None:
        super().__init__(max_length)
        if end_word is not None and (not isinstance(end_word, str) or not end_word):
            raise ValueError(f'end_word must be a word or None, but got {end_word!r}')
        self.lower_case, self.delete_punctuation, self.end_word = lower_case, delete_punctuation, end_word
        self.num_added = int(end_word is not None)
        self._path: str | None = None
        self._ids: dict[str, int] = {}
        if isinstance(vocab, (str, os.PathLike)):
            self._path = os.fspath(vocab)
        else:
            self._ids = _number(vocab, 'vocab')

    @classmethod
    def build(cls, captions: Iterable[str], min_count: int = 3, max_length: int = 100, **reading: Any) -> WordTokenizer:
        """Counts the words of the training captions.

        Args:
            captions: texts to count.
            min_count: words seen less often are left to UNK.
            max_length: most ids of a caption.
            **reading: ``lower_case``, ``delete_punctuation`` and ``end_word`` of the tokenizer.

        Returns:
            A tokenizer with frequent words first, words of equal count in alphabetical order.
        """
        if min_count < 1:
            raise ValueError(f'min_count must be at least 1, but got {min_count}')
        end_word = reading.get('end_word')
        styles = {name: value for name, value in reading.items() if name != 'end_word'}
        counts = Counter(word for caption in captions for word in split_words(caption, **styles))
        kept = [word for word, count in counts.items() if count >= min_count]
        if not kept:
            raise ValueError(f'captions must hold a word that occurs {min_count} times, but there is none')
        words = sorted(kept, key=lambda word: (-counts[word], word))
        if end_word is not None and end_word not in words:
            words.insert(0, end_word)
        return cls(words, max_length, **reading)

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
        words = split_words(caption, self.lower_case, self.delete_punctuation)
        # A caption of nothing but punctuation is still a caption: one unknown word.
        ids = [self._ids.get(word, UNK_ID) for word in words] or [UNK_ID]
        room = self.max_length - self.num_added
        end = [] if self.end_word is None else [self._end_id()]
        return ids[:room] + end, len(ids) > room

    def _end_id(self) -> int:
        if self.end_word not in self._ids:
            raise ValueError(f'end_word must be a word of the vocabulary, but {self.end_word!r} is not in it')
        return self._ids[self.end_word]

    def word_ids(self, caption: str) -> list[int]:
        """Every id is a word of its own; -1 for the end word."""
        ids = self._encode(caption)[0]
        return list(range(len(ids) - self.num_added)) + [-1] * self.num_added

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
        """PAD, UNK and the end word, where there is one."""
        self.load()
        return frozenset((PAD_ID, UNK_ID, *(() if self.end_word is None else (self._end_id(),))))

    def reading(self) -> dict[str, Any]:
        """The settings that decide how a caption is divided into words."""
        return dict(lower_case=self.lower_case, delete_punctuation=self.delete_punctuation, end_word=self.end_word)

    @property
    def unknown_ids(self) -> frozenset[int]:
        """UNK."""
        return frozenset((UNK_ID,))

    @property
    def vocab_size(self) -> int:
        """Number of words and two."""
        self.load()
        return len(self._ids) + FIRST_WORD_ID


def _number(words: Sequence[str], source: str) -> dict[str, int]:
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError(f'{source} must be a list of words, none of them empty')
    ids = {word: number for number, word in enumerate(words, start=FIRST_WORD_ID)}
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
