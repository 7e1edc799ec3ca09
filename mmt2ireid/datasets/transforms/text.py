"""Captions to token ids, and masking for masked language modelling."""

from __future__ import annotations

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmt2ireid.datasets.tally import Tally
from mmt2ireid.registry import TRANSFORMS
from mmt2ireid.text import Tokenizer, shared_tokenizer

_MASKED, _RANDOM = 0.8, 0.1  # of the chosen tokens; the rest stay as they are

_COUNTED = ('num_truncated', 'num_tokens', 'num_unknown')  # by the tokenizer


@TRANSFORMS.register_module()
class Tokenize(BaseTransform):
    """Turns ``captions`` into ``token_ids``: per caption an int64 tensor (L_c,), not padded.

    Equal ``tokenizer`` configs share one tokenizer within a process.

    Args:
        tokenizer: see :func:`mmt2ireid.text.build_tokenizer`.
    """

    def __init__(self, tokenizer: dict) -> None:
        self.tokenizer: Tokenizer = shared_tokenizer(tokenizer)
        self._counts = {name: Tally() for name in _COUNTED}

    @property
    def num_truncated(self) -> int:
        """Captions truncated so far, over all workers."""
        return self._counts['num_truncated'].total

    @property
    def num_tokens(self) -> int:
        """Tokens so far, over all workers, without those around every caption."""
        return self._counts['num_tokens'].total

    @property
    def num_unknown(self) -> int:
        """Tokens so far, over all workers, of what the vocabulary does not know."""
        return self._counts['num_unknown'].total

    def load(self) -> None:
        """Loads the tokenizer."""
        self.tokenizer.load()

    def transform(self, results: dict) -> dict:
        """Adds the token ids to the item."""
        before = {name: getattr(self.tokenizer, name) for name in _COUNTED}
        try:
            encoded = self.tokenizer(results['captions'])
        except ValueError as error:
            raise ValueError(f'{results.get("img_path")}: {error}') from error
        results['token_ids'] = [torch.tensor(ids, dtype=torch.int64) for ids in encoded]
        for name, tally in self._counts.items():
            new = getattr(self.tokenizer, name) - before[name]
            if new:
                tally.add(new)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(tokenizer={type(self.tokenizer).__name__})'


@TRANSFORMS.register_module()
class MaskTokens(BaseTransform):
    """Masks tokens of the first caption (BERT; UniPT eq. 2).

    Each real token (no special token, no padding) is chosen independently with probability ``prob``. Of the chosen,
    80 % become the mask token, 10 % a random one (no special token), 10 % stay. Sets ``masked_token_ids``, int64
    (L_0,), and ``mask_positions``, int64 (P_0,), the chosen positions in ascending order; P_0 may be 0. Draws from
    torch's global CPU generator.

    Args:
        tokenizer: the same as that of :class:`Tokenize`; it must have a mask token.
        prob: between 0 and 1.
        whole_word: choose words, with all their pieces, rather than tokens. (The paper says tokens, the authors'
            release does words.)
    """

    def __init__(self, tokenizer: dict, prob: float = 0.15, whole_word: bool = False) -> None:
        if not 0 < prob < 1:
            raise ValueError(f'prob must be between 0 and 1, but got {prob}')
        self.tokenizer: Tokenizer = shared_tokenizer(tokenizer)
        self.prob = prob
        self.whole_word = whole_word
        self._mask_id = -1
        self._is_ordinary: Tensor | None = None
        self._ordinary: Tensor | None = None

    def load(self) -> None:
        """Loads the tokenizer.

        Raises:
            ValueError: it has no mask token.
        """
        self.tokenizer.load()
        mask_id = self.tokenizer.mask_id
        if mask_id is None:
            raise ValueError(f'tokenizer must have a mask token, but {type(self.tokenizer).__name__} has none')
        self._mask_id = mask_id

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Which ids may be chosen, bool (vocabulary,), and the list of them."""
        if self._is_ordinary is None or self._ordinary is None:
            self.load()
            self._is_ordinary = torch.ones(self.tokenizer.vocab_size, dtype=torch.bool)
            self._is_ordinary[list(self.tokenizer.special_ids)] = False
            self._ordinary = self._is_ordinary.nonzero().squeeze(1)
        return self._is_ordinary, self._ordinary

    def transform(self, results: dict) -> dict:
        """Adds the masked caption to the item."""
        is_ordinary, ordinary = self._tables()
        ids = results['token_ids'][0]
        chosen = self._choose(ids, results['captions'][0]) & is_ordinary[ids]
        fate = torch.rand(len(ids))
        drawn = ordinary[torch.randint(len(ordinary), (len(ids),))]
        replaced = torch.where(fate < _MASKED + _RANDOM, drawn, ids)
        replaced[fate < _MASKED] = self._mask_id
        results['masked_token_ids'] = torch.where(chosen, replaced, ids)
        results['mask_positions'] = chosen.nonzero().squeeze(1)
        return results

    def _choose(self, ids: Tensor, caption: str) -> Tensor:
        if not self.whole_word:
            return torch.rand(len(ids)) < self.prob
        words = torch.tensor(self.tokenizer.word_ids(caption))
        if len(words) != len(ids):
            raise ValueError(f'tokenizer must be that of Tokenize, but gives {len(words)} ids in place of {len(ids)}')
        # Special tokens are word -1: they look up the last word's draw and are left out by the caller.
        return (torch.rand(int(words.max()) + 2) < self.prob)[words]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob}, whole_word={self.whole_word})'
