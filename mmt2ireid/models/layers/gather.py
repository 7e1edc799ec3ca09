"""Gathering across ranks with gradients."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor


class _GatherWithGrad(torch.autograd.Function):
    """All-gather along dimension 0 whose backward sums the gradients of all ranks for the local slice."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous()
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x)
        ctx.batch = x.shape[0]
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        # A copy: autograd may hand the very same tensor to other branches of the graph.
        grad = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(grad)
        start = dist.get_rank() * ctx.batch
        return grad[start : start + ctx.batch]


def gather_with_grad(x: Tensor) -> Tensor:
    """Concatenates ``x`` of all ranks, in rank order; ``mmengine.dist.all_gather`` carries no gradient.

    When every rank computes the same loss on the gathered tensor, the gradient that arrives here is summed over the W
    ranks, and DistributedDataParallel then averages parameter gradients over W: the two cancel, so that loss and
    gradients equal those of one process on the joint batch.

    Args:
        x: (B, ...), of the same shape on every rank.

    Returns:
        (W * B, ...); ``x`` itself outside distributed training.
    """
    return _GatherWithGrad.apply(x) if get_world_size() > 1 else x


def gather(x: Tensor) -> Tensor:
    """Concatenates ``x`` (B, ...) of all ranks without gradient, e.g. labels."""
    if get_world_size() == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(get_world_size())]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)
