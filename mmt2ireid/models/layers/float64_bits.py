"""float64 numbers as buffers of devices that have no float64, such as Apple's MPS."""

from __future__ import annotations

import torch
from torch import Tensor


def to_bits(numbers: Tensor) -> Tensor:
    """Bits of numbers, which a checkpoint keeps exactly.

    Args:
        numbers: floats (N,).

    Returns:
        int32 (N, 2): their bits as float64.

    Example:
        >>> from_bits(to_bits(torch.tensor([0.1], dtype=torch.float64))).tolist()
        [0.1]
    """
    return numbers.to(torch.float64).view(torch.int32).view(-1, 2)


def from_bits(bits: Tensor) -> Tensor:
    """The numbers again.

    Args:
        bits: of :func:`to_bits`, on any device.

    Returns:
        float64 (N,), on the CPU.
    """
    return bits.cpu().view(torch.float64).flatten()
