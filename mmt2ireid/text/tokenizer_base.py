"""What every tokenizer offers, whatever library is behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Tokenizer(ABC):
    """Captions in, token ids out.

    Attributes:
        max_length: most ids of a caption, special tokens included.
        num_truncated: captions that this process had to truncate so far.
        num_tokens: ids of captions that this process has given so far, without those around every caption.
        num_unknown: those among them that stand for text that the vocabulary does not know.
        num_added: special tokens that are put around every caption.
    """

    num_added: int = 0

    def __init__(self, max_length: int) -> None:
        if not isinstance(max_length, int) or max_length < 3:
            raise ValueError(f'max_length must be an integer of at least 3, but got {max_length!r}')
        self.max_length = max_length
        self.num_truncated = self.num_tokens = self.num_unknown = 0

    def __call__(self, captions: Sequence[str]) -> list[list[int]]:
        """Tokenises captions.

        Args:
            captions: texts; none may be empty.

        Returns:
            Per caption its ids, special tokens included, without padding and at most ``max_length`` of them. What is
            too long loses its last words, never its special tokens, and is counted in ``num_truncated``; unknown tokens
            are counted in ``num_unknown``.

        Raises:
            TypeError: a single string was given in place of a list.
            ValueError: a caption holds nothing but white space.
        """
        if isinstance(captions, str):
            raise TypeError(f'captions must be a list of str, but got one str: {captions[:60]!r}')
        encoded, unknown_ids = [], self.unknown_ids
        for number, caption in enumerate(captions):
            if not caption.strip():
                raise ValueError(f'caption {number} must hold at least one word, but got {caption!r}')
            ids, truncated = self._encode(caption)
            self.num_truncated += truncated
            self.num_tokens += len(ids) - self.num_added
            self.num_unknown += sum(token in unknown_ids for token in ids)
            encoded.append(ids)
        return encoded

    def unknown_share(self, captions: Sequence[str]) -> float:
        """Share of the tokens of some captions that the vocabulary does not know; nothing is counted.

        Args:
            captions: texts; none may be empty.

        Returns:
            From 0 to 1; 0 of no captions.
        """
        counts = self.num_truncated, self.num_tokens, self.num_unknown
        self.num_tokens = self.num_unknown = 0
        try:
            self(captions)
            return self.num_unknown / max(1, self.num_tokens)
        finally:
            self.num_truncated, self.num_tokens, self.num_unknown = counts

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
    def unknown_ids(self) -> frozenset[int]:
        """Ids that stand for text that the vocabulary does not know."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """All ids are smaller than this."""
