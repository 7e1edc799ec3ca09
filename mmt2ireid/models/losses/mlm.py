"""Masked language modelling loss."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS

IGNORE_INDEX = -100


def mlm_loss(logits: Tensor, targets: Tensor) -> Tensor:
    r"""Mean cross-entropy over masked positions, UniPT (ICCV 2023) eq. 2, after BERT.

    .. math:: L = -\frac{1}{|M|} \sum_{i \in M} \log p(x_i | x_{\setminus M})

    Args:
        logits: (..., V), one row per position; preferably masked positions only, (P, V).
        targets: int64 (...), original token ids; rows with -100 do not count.

    Returns:
        Scalar; 0 (with zero gradients) when no position counts.
    """
    return _summed(logits, targets) / (targets != IGNORE_INDEX).sum().clamp(min=1)


@full_precision
def _summed(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORE_INDEX, reduction='sum')


@MODELS.register_module()
class MLMLoss(nn.Module):
    """:func:`mlm_loss` whose mean runs over the masked positions of all ranks.

    Ranks mask different numbers of tokens. Dividing by the joint number makes the gradient that
    DistributedDataParallel averages equal to that of one process on the joint batch.

    Args:
        gather: count the masked positions of all ranks.
    """

    def __init__(self, *, gather: bool = True) -> None:
        super().__init__()
        self.gather = gather

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (P, V) and targets (P,) of this rank."""
        if not self.gather or get_world_size() == 1:
            return mlm_loss(logits, targets)
        count = (targets != IGNORE_INDEX).sum()
        all_reduce(count)
        return _summed(logits, targets) * get_world_size() / count.clamp(min=1)
