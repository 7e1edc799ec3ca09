"""Captions to token ids, and masking for masked language modelling."""

from __future__ import annotations

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmt2ireid.datasets.tally import Tally
from mmt2ireid.datasets.transforms.maskable import MaskableTokens
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
        at_least_one: replace the first token that may be chosen by the mask token where chance chose none, as IRRA's
            code does.
    """

    def __init__(
        self, tokenizer: dict, prob: float = 0.15, whole_word: bool = False, at_least_one: bool = False
    ) -> None:
        if not 0 < prob < 1:
            raise ValueError(f'prob must be between 0 and 1, but got {prob}')
        self.tokenizer: Tokenizer = shared_tokenizer(tokenizer)
        self.prob = prob
        self.whole_word, self.at_least_one = whole_word, at_least_one
        self._maskable = MaskableTokens(self.tokenizer)

    def load(self) -> None:
        """Loads the tokenizer.

        Raises:
            ValueError: it has no mask token.
        """
        self._maskable.load()

    def transform(self, results: dict) -> dict:
        """Adds the masked caption to the item."""
        self._maskable.load()
        ids = results['token_ids'][0]
        is_ordinary = self._maskable.is_ordinary[ids]
        chosen = self._choose(ids, results['captions'][0]) & is_ordinary
        replaced, _ = self._maskable.replace(ids, _MASKED, _RANDOM)
        if self.at_least_one and not chosen.any():
            first = is_ordinary.nonzero()[:1, 0]
            chosen[first], replaced[first] = True, self._maskable.mask_id
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
