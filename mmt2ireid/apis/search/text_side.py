"""What all encoders do with texts: read them, say what was not understood, and encode them in batches."""

from __future__ import annotations

import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from mmt2ireid.apis.search.encoder import TextReading, TextWarning, clean_text


class TextSide(ABC):
    """The text side of an :class:`~mmt2ireid.apis.search.encoder.Encoder`; safe to call from several threads.

    Attributes:
        dim: D, width of the vectors.
        batch_size: texts that are encoded at a time.
    """

    dim: int
    batch_size: int

    def __init__(self) -> None:
        self._warned = False
        self._warning = threading.Lock()

    @abstractmethod
    def _read(self, text: str) -> tuple[list[int], TextReading]:
        """Token ids of a clean text, special ones included, and how much of it they say."""

    @abstractmethod
    def _encode_batch(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors float32 (n, D) of n texts, one at least, given by their token ids."""

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Encodes texts; see :class:`~mmt2ireid.apis.search.encoder.Encoder`.

        Args:
            texts: M texts.

        Returns:
            float32 (M, D), rows of unit length.

        Raises:
            ValueError: a text holds no word, or is far too long.
        """
        if isinstance(texts, str):
            raise ValueError(f'texts must be a list of str, but got one str: {texts[:60]!r}')
        readings = [self._read(clean_text(text)) for text in texts]
        for text, (_, reading) in zip(texts, readings, strict=True):
            self._warn(text, reading)
        return self.encode_ids([ids for ids, _ in readings])

    def read_text(self, text: str) -> TextReading:
        """How much of a text the model understands.

        Args:
            text: what a user wrote.

        Raises:
            ValueError: it holds no word, or is far too long.
        """
        return self._read(clean_text(text))[1]

    def encode_ids(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Encodes texts by their token ids.

        Args:
            ids: per text at least one, special tokens included.

        Returns:
            float32 (M, D), rows of unit length.
        """
        features = np.zeros((len(ids), self.dim), dtype=np.float32)
        # Texts of like length together: less padding.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for start in range(0, len(ids), self.batch_size):
            rows = order[start : start + self.batch_size]
            features[rows] = self._encode_batch([ids[row] for row in rows])
        return features

    def _warn(self, text: str, reading: TextReading) -> None:
        """Warn of a text that is cut, once, and of every text that is not understood."""
        with self._warning:
            is_new = reading.truncated and not self._warned
            self._warned |= reading.truncated
        if not reading.is_understood:
            warnings.warn(f'{text[:60]!r}: {" ".join(reading.notes)}', TextWarning, stacklevel=3)
        elif is_new:
            warnings.warn(' '.join(reading.notes), TextWarning, stacklevel=3)
