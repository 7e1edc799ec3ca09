"""Losses in float32 or wider, also inside autocast."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def full_precision(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Decorates a loss so that it computes in float32 or wider.

    Upcasting its inputs is not enough: inside autocast the matrix product of two float32 tensors runs in bfloat16, and
    with a scale of 100 the logits of a contrastive loss would then be wrong by some tenths.
    """

    @functools.wraps(loss)
    def in_full_precision(*args: Any, **kwargs: Any) -> Tensor:
        device = next(value.device.type for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            return loss(*map(_widen, args), **{key: _widen(value) for key, value in kwargs.items()})

    return in_full_precision


def _widen(value: Any) -> Any:
    narrow = isinstance(value, Tensor) and value.is_floating_point() and value.dtype.itemsize < 4
    return value.float() if narrow else value
