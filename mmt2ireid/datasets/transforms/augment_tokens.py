"""Captions with tokens masked, replaced and removed."""

from __future__ import annotations

import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmt2ireid.datasets.transforms.maskable import MaskableTokens
from mmt2ireid.registry import TRANSFORMS
from mmt2ireid.text import Tokenizer, shared_tokenizer


@TRANSFORMS.register_module()
class AugmentTokens(BaseTransform):
    """Masks, replaces and removes tokens of every caption for good: the text augmentation of RDE's code (CVPR 2024).

    Each token (no special one) is chosen independently with probability ``prob``. Of the chosen, ``mask_share`` become
    the mask token and ``random_share`` a random one (no special token); the rest is removed. A caption never loses all
    of its tokens. Comes after ``Tokenize``; unlike ``MaskTokens`` it leaves nothing to predict. Draws from torch's
    global CPU generator.

    Args:
        tokenizer: the same as that of ``Tokenize``; it must have a mask token.
        prob: between 0 and 1.
        mask_share: of the chosen tokens.
        random_share: of the chosen tokens.

    Raises:
        ValueError: ``prob`` is not between 0 and 1, or the shares are negative or above 1 together.
    """

    def __init__(self, tokenizer: dict, prob: float = 0.2, mask_share: float = 0.6, random_share: float = 0.2) -> None:
        if not 0 < prob < 1:
            raise ValueError(f'prob must be between 0 and 1, but got {prob}')
        if min(mask_share, random_share) < 0 or mask_share + random_share > 1:
            raise ValueError(
                'mask_share and random_share must not be negative and at most 1 together, but got '
                f'{mask_share} and {random_share}'
            )
        self.tokenizer: Tokenizer = shared_tokenizer(tokenizer)
        self.prob, self.mask_share, self.random_share = prob, mask_share, random_share
        self._maskable = MaskableTokens(self.tokenizer)

    def load(self) -> None:
        """Loads the tokenizer.

        Raises:
            ValueError: it has no mask token.
        """
        self._maskable.load()

    def transform(self, results: dict) -> dict:
        """Changes the token ids of the item."""
        self._maskable.load()
        results['token_ids'] = [self._augment(ids) for ids in results['token_ids']]
        return results

    def _augment(self, ids: Tensor) -> Tensor:
        is_ordinary = self._maskable.is_ordinary[ids]
        chosen = (torch.rand(len(ids)) < self.prob) & is_ordinary
        replaced, is_rest = self._maskable.replace(ids, self.mask_share, self.random_share)
        kept = ~(chosen & is_rest)
        if not (kept & is_ordinary).any():
            kept[:] = True
        return torch.where(chosen, replaced, ids)[kept]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(prob={self.prob}, mask_share={self.mask_share}, random_share={self.random_share})'
        )
