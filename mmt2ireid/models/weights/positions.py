"""Position embeddings of image transformers, whose rows say nothing of the grid that they were learnt on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class PositionTable:
    """A module's table of position embeddings (1, extra + rows * columns, D).

    Attributes:
        key: its name in the module's state dict.
        grid: (rows, columns) of patches.
        extra: leading rows that are no patches.
        mode: how mmpretrain's module interpolates; '' where timm's rule holds.
    """

    key: str
    grid: tuple[int, int]
    extra: int
    mode: str


def table_of(module: nn.Module) -> PositionTable | None:
    """The position table of an mmpretrain backbone or of ``mmpretrain.TIMMBackbone``; None where it has none."""
    owner: Any = getattr(module, 'timm_model', module)
    inner: Any = getattr(owner, 'model', owner)  # what timm's features_only wraps around a transformer
    patches = getattr(inner, 'patch_embed', None)
    grid = getattr(patches, 'init_out_size', None) or getattr(patches, 'grid_size', None)
    if not isinstance(getattr(inner, 'pos_embed', None), Tensor) or inner.pos_embed.ndim != 3 or grid is None:
        return None
    extra = inner.pos_embed.shape[1] - grid[0] * grid[1]
    key = next(name for name, value in module.named_parameters() if value is inner.pos_embed)
    return PositionTable(key, (grid[0], grid[1]), extra, '' if owner is not module else module.interpolate_mode)


def resize_positions(rows: Tensor, own: PositionTable, grid: tuple[int, int] | None, label: str) -> Tensor:
    """Brings a checkpoint's position embeddings to a module's grid.

    mmpretrain does it when it loads, but takes every grid for a square one: 16 x 8 it cannot read, and for 16 x 4
    patches it would take those of 8 x 8 as they are.

    Args:
        rows: (1, extra + rows * columns, D), with the module's number of extra rows.
        own: the module's table.
        grid: (rows, columns) that they were learnt on. None: the module's own where the number fits, or a square; to
            be given where these are two, or none.
        label: what to call the checkpoint.

    Returns:
        (1, extra + rows' * columns', D).

    Raises:
        ValueError: the grid does not fit the number of rows, or must be given.
    """
    count = rows.shape[1] - own.extra
    grid = _guess(count, own, label) if grid is None else grid
    if grid[0] * grid[1] != count:
        raise ValueError(
            f'grid of {label} must hold the {count} patches of its position embeddings, but got {grid[0]} x {grid[1]}'
        )
    if grid == own.grid:
        return rows
    if own.mode:
        from mmpretrain.models.utils import resize_pos_embed

        return resize_pos_embed(rows, grid, own.grid, own.mode, own.extra)
    from timm.layers import resample_abs_pos_embed

    return resample_abs_pos_embed(rows, list(own.grid), list(grid), num_prefix_tokens=own.extra)


def _guess(count: int, own: PositionTable, label: str) -> tuple[int, int]:
    side = math.isqrt(max(count, 0))
    fitting = {own.grid} if own.grid[0] * own.grid[1] == count else set()
    if count > 0 and side * side == count:
        fitting.add((side, side))
    if len(fitting) == 1:
        return fitting.pop()
    why = 'may be ' + ' or '.join(f'{h} x {w}' for h, w in sorted(fitting)) if fitting else 'are no square'
    half = upright_grid(count)
    example = f', {half} if they are those of pictures twice as high as wide' if half else ''
    raise ValueError(
        f'grid of {label} must be given as (rows, columns) of patches: its {count} position embeddings {why}, and the '
        f'model has {own.grid[0]} x {own.grid[1]}{example}'
    )


def upright_grid(count: int) -> tuple[int, int] | None:
    """The grid of so many patches that is twice as high as wide; None where there is none."""
    width = math.isqrt(max(count, 0) // 2)
    return (2 * width, width) if count > 0 and 2 * width * width == count else None
