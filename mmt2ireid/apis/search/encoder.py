"""What searches need of a model: pictures and texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mmt2ireid.io.counts import counted

MAX_CHARACTERS = 100_000
"""Longer texts are refused: no description, and reading one would keep others waiting."""


class TextWarning(UserWarning):
    """A text is answered, but not all of it was read or understood."""


@runtime_checkable
class Encoder(Protocol):
    """A model of pictures and texts in one space.

    An encoder may also have ``read_text(text) -> TextReading``, which says how much of a text it understands.

    Attributes:
        dim: D, width of the vectors.
        fingerprint: says which model with which preprocessing it is
            (:func:`~mmt2ireid.apis.search.fingerprint.model_fingerprint`); equal ones give equal vectors.
    """

    dim: int
    fingerprint: str

    def encode_images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encodes pictures.

        Args:
            pictures: N arrays, uint8 RGB (H, W, 3), of any sizes.

        Returns:
            float32 (N, D), rows of unit length.
        """

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Encodes texts.

        Args:
            texts: M texts. What is longer than the model reads is cut; a :class:`TextWarning` says so once, and
                one names each text of which the model knows less than half of the words.

        Returns:
            float32 (M, D), rows of unit length.

        Raises:
            ValueError: a text holds no word, or more than :data:`MAX_CHARACTERS`.
        """


@dataclass(frozen=True)
class TextReading:
    """How much of a text a model understands.

    Attributes:
        num_tokens: how many tokens it reads, special ones included.
        truncated: the text has more than that.
        num_words: words or pieces of words among them.
        num_unknown: words among them that are not in the model's vocabulary.
    """

    num_tokens: int
    truncated: bool
    num_words: int
    num_unknown: int

    @property
    def is_understood(self) -> bool:
        """Whether at least half of the words are in the vocabulary."""
        return self.num_unknown < self.num_words and 2 * self.num_unknown <= self.num_words

    @property
    def notes(self) -> list[str]:
        """What a user should know, in sentences; empty if all was read and something understood."""
        notes = []
        if self.truncated:
            notes.append(f'The text is too long for the model: it reads the first {counted(self.num_tokens, "token")}.')
        if self.num_unknown >= self.num_words:
            notes.append('The model knows none of these words, so the answer says little. Try English words.')
        elif not self.is_understood:
            notes.append('The model knows few of these words, so the answer says little. Try English words.')
        elif self.num_unknown:
            notes.append(f'The model does not know {self.num_unknown} of the {counted(self.num_words, "word")}.')
        return notes


def clean_text(text: str) -> str:
    """A text as tokenizers can take it: halves of letters become the replacement sign.

    Args:
        text: what a user wrote.

    Raises:
        ValueError: it is no text, holds nothing but white space, or is longer than :data:`MAX_CHARACTERS`.
    """
    if not isinstance(text, str):
        raise ValueError(f'a text to search for must be a str, but got {type(text).__name__}')
    if not text.strip():
        raise ValueError('a text to search for must hold at least one word, but it is empty')
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f'a text to search for must have at most {MAX_CHARACTERS:,} characters, but has {len(text):,}')
    return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')


def check_pictures(pictures: Sequence[np.ndarray]) -> None:
    """Checks pictures before they are encoded.

    Args:
        pictures: arrays.

    Raises:
        ValueError: one of them is not uint8 of shape (H, W, 3) with at least one pixel.
    """
    for number, picture in enumerate(pictures):
        kind = getattr(picture, 'dtype', type(picture).__name__)
        shape = getattr(picture, 'shape', ())
        if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f'picture {number} must be uint8 RGB of shape (H, W, 3), but got {kind} of shape {shape}')
