"""What every tokenizer offers, whatever library is behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Tokenizer(ABC):
    """Captions in, token ids out.

    Attributes:
        max_length: most ids of a caption, special tokens included.
        num_truncated: captions that this process had to truncate so far.
    """

    def __init__(self, max_length: int) -> None:
        if not isinstance(max_length, int) or max_length < 3:
            raise ValueError(f'max_length must be an integer of at least 3, but got {max_length!r}')
        self.max_length = max_length
        self.num_truncated = 0

    def __call__(self, captions: Sequence[str]) -> list[list[int]]:
        """Tokenises captions.

        Args:
            captions: texts; none may be empty.

        Returns:
            Per caption its ids, special tokens included, without padding and at most ``max_length`` of them. What is
            too long loses its last words, never its special tokens, and is counted in ``num_truncated``.

        Raises:
            TypeError: a single string was given in place of a list.
            ValueError: a caption holds nothing but white space.
        """
        if isinstance(captions, str):
            raise TypeError(f'captions must be a list of str, but got one str: {captions[:60]!r}')
        encoded = []
        for number, caption in enumerate(captions):
            if not caption.strip():
                raise ValueError(f'caption {number} must hold at least one word, but got {caption!r}')
            ids, truncated = self._encode(caption)
            self.num_truncated += truncated
            encoded.append(ids)
        return encoded

    @abstractmethod
    def load(self) -> None:
        """Loads what the tokenizer needs now rather than at the first call (before worker processes are forked)."""

    @abstractmethod
    def _encode(self, caption: str) -> tuple[list[int], bool]:
        """The ids of one caption and whether it had to be truncated."""

    @abstractmethod
    def word_ids(self, caption: str) -> list[int]:
        """For every id of the caption the number of the word that it belongs to; -1 for special tokens."""

    @property
    @abstractmethod
    def pad_id(self) -> int:
        """Id to pad with."""

    @property
    @abstractmethod
    def mask_id(self) -> int | None:
        """Id of the mask token; None where the vocabulary has none."""

    @property
    @abstractmethod
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text: never masked, never drawn as a random replacement."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """All ids are smaller than this."""
