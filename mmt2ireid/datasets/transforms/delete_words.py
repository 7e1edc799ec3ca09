"""Captions with words left out."""

from __future__ import annotations

import torch
from mmcv.transforms import BaseTransform

from mmt2ireid.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DeleteWords(BaseTransform):
    """Leaves words out of every caption, each with probability ``prob`` and never all of them.

    The random deletion of *EDA* (Wei and Zou, EMNLP 2019), as TBPS-CLIP (AAAI 2024) uses it; comes before
    ``Tokenize``. Words are what white space parts. Draws from torch's global CPU generator.

    Args:
        prob: between 0 and 1.
    """

    def __init__(self, prob: float = 0.05) -> None:
        if not 0 < prob < 1:
            raise ValueError(f'prob must be between 0 and 1, but got {prob}')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Shortens the captions of the item."""
        results['captions'] = [self._shorten(caption) for caption in results['captions']]
        return results

    def _shorten(self, caption: str) -> str:
        words = caption.split()
        if len(words) < 2:
            return caption
        draws = torch.rand(len(words))
        kept = [word for word, draw in zip(words, draws.tolist(), strict=True) if draw >= self.prob]
        return ' '.join(kept) if kept else words[int(draws.argmax())]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
