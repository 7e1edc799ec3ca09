"""Head of the contrastive loss against the memories of both modalities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers import HybridMemory
from mmt2ireid.models.layers.float64_bits import from_bits, to_bits
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets


@MODELS.register_module()
class MemoryHead(BaseHead):
    """``loss_memory_img`` and ``loss_memory_txt``: CMMT (ICCV 2021) eq. 1, 2.

    Whoever clusters fills :attr:`img_memory`, a row per unique image (``PairTargets.image_ids``), and
    :attr:`txt_memory`, a row per caption (``PairTargets.sample_idx``), before training starts and anew when labels
    change.

    Args:
        num_images: unique images of the training set. None: the clustering hook says how many there are before
            training starts, or a checkpoint does by what it holds.
        num_captions: captions of the training set, likewise.
        dim: width D of the embeddings.
        momentum: weight of the old row in an update.
        temperature: tau.
        loss_weight: its factor.
    """

    _threshold_bits: Tensor

    def __init__(
        self,
        *,
        num_images: int | None = None,
        num_captions: int | None = None,
        dim: int = 1024,
        momentum: float = 0.2,
        temperature: float = 0.05,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        self.img_memory = HybridMemory(num_images, dim, momentum, temperature)
        self.txt_memory = HybridMemory(num_captions, dim, momentum, temperature)
        # What clustering froze at the first epoch with clusters; NaN before. Here, so that it is in the checkpoint; as
        # the bits of float64 numbers, which Apple's MPS has not.
        self.register_buffer('_threshold_bits', to_bits(torch.full((2,), torch.nan, dtype=torch.float64)))
        self._register_load_state_dict_pre_hook(self._take_thresholds)

    @property
    def thresholds(self) -> Tensor:
        """Independence that clusters of images and of captions need to be kept (SpCL), float64 (2,) on the CPU."""
        return from_bits(self._threshold_bits)

    def set_thresholds(self, thresholds: Sequence[float]) -> None:
        """Set :attr:`thresholds`.

        Args:
            thresholds: two numbers; NaN where none is known yet.
        """
        self._threshold_bits.copy_(to_bits(torch.tensor(thresholds, dtype=torch.float64)))

    def set_sizes(self, num_images: int, num_captions: int) -> None:
        """Gives the memories that were built without a size theirs."""
        self.img_memory.set_size(num_images)
        self.txt_memory.set_size(num_captions)

    def _take_thresholds(self, state: dict[str, Any], prefix: str, *others: Any) -> None:
        """Take thresholds, of older checkpoints too, only with the memories on whose training set they were frozen."""
        if f'{prefix}thresholds' in state:
            state[f'{prefix}_threshold_bits'] = to_bits(state.pop(f'{prefix}thresholds').cpu())
        for name, memory in (('img_memory', self.img_memory), ('txt_memory', self.txt_memory)):
            rows = state.get(f'{prefix}{name}.features')
            if rows is None or (memory.num_instances and len(rows) != memory.num_instances):
                state.pop(f'{prefix}_threshold_bits', None)

    def loss(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Losses of the pairs, see :class:`BaseHead`; the memories are updated thereafter."""
        img = self.img_memory.loss(features.img_embed, targets.image_ids)
        txt = self.txt_memory.loss(features.txt_embed, targets.sample_idx)
        return {'loss_memory_img': self.loss_weight * img, 'loss_memory_txt': self.loss_weight * txt}
