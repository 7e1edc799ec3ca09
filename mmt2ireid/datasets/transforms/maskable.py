"""Which token ids may be masked, and what takes their place."""

from __future__ import annotations

import torch
from torch import Tensor

from mmt2ireid.text import Tokenizer


class MaskableTokens:
    """The vocabulary of a tokenizer as transforms that mask captions need it; made at the first use.

    Args:
        tokenizer: it must have a mask token.

    Attributes:
        mask_id: id of the mask token.
        is_ordinary: bool (vocabulary,), True where an id may be masked or drawn: no special token.
        ordinary: int64, the ids of which that is true.
    """

    mask_id: int
    is_ordinary: Tensor
    ordinary: Tensor

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._loaded = False

    def load(self) -> None:
        """Loads the tokenizer and makes the tables.

        Raises:
            ValueError: it has no mask token.
        """
        if self._loaded:
            return
        self.tokenizer.load()
        mask_id = self.tokenizer.mask_id
        if mask_id is None:
            raise ValueError(f'tokenizer must have a mask token, but {type(self.tokenizer).__name__} has none')
        self.mask_id = mask_id
        self.is_ordinary = torch.ones(self.tokenizer.vocab_size, dtype=torch.bool)
        self.is_ordinary[list(self.tokenizer.special_ids)] = False
        self.ordinary = self.is_ordinary.nonzero().squeeze(1)
        self._loaded = True

    def replace(self, ids: Tensor, mask_share: float, random_share: float) -> tuple[Tensor, Tensor]:
        """Draws what becomes of each token, were it chosen. From torch's global CPU generator.

        Args:
            ids: int64 (L,).
            mask_share: share that becomes the mask token.
            random_share: share that becomes a random ordinary token.

        Returns:
            The new ids (L,), and bool (L,), True where an id stays because it belongs to neither share.
        """
        fate = torch.rand(len(ids))
        drawn = self.ordinary[torch.randint(len(self.ordinary), (len(ids),))]
        is_rest = fate >= mask_share + random_share
        replaced = torch.where(is_rest, ids, drawn)
        replaced[fate < mask_share] = self.mask_id
        return replaced, is_rest
