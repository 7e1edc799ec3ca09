"""Position embeddings of image transformers, whose rows say nothing of the grid that they were learnt on."""

from __future__ import annotations

import itertools
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
        mode: how mmpretrain's module interpolates; ``timm`` where its rule holds; ``open_clip:MODE`` of CLIP's towers.
        image_size: (height, width) of the images; None where the module does not say.
    """

    key: str
    grid: tuple[int, int]
    extra: int
    mode: str
    image_size: tuple[int, int] | None = None


def table_of(module: nn.Module) -> PositionTable | None:
    """Describes the position table of an image transformer.

    Args:
        module: an mmpretrain backbone, ``mmpretrain.TIMMBackbone``, or an encoder with a ``position_table`` of its own.

    Returns:
        The table; None where there is none.
    """
    own: Any = getattr(module, 'position_table', None)
    if own is not None:
        return own()
    owner: Any = getattr(module, 'timm_model', module)
    inner: Any = getattr(owner, 'model', owner)  # what timm's features_only wraps around a transformer
    patches = getattr(inner, 'patch_embed', None)
    grid = getattr(patches, 'init_out_size', None) or getattr(patches, 'grid_size', None)
    if not isinstance(getattr(inner, 'pos_embed', None), Tensor) or inner.pos_embed.ndim != 3 or grid is None:
        return None
    mode = 'timm' if owner is not module else getattr(module, 'interpolate_mode', None)
    if mode is None:
        return None
    extra = inner.pos_embed.shape[1] - grid[0] * grid[1]
    named = itertools.chain(module.named_parameters(), module.named_buffers())  # a teacher's weights are buffers
    key = next(name for name, value in named if value is inner.pos_embed)
    size = getattr(inner, 'img_size', None) or getattr(patches, 'img_size', None)
    size = (size, size) if isinstance(size, int) else size
    return PositionTable(key, (grid[0], grid[1]), extra, mode, None if size is None else (size[0], size[1]))


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
    if own.mode.startswith('open_clip'):
        from mmt2ireid.models.clip_towers import resize_grid

        return resize_grid(rows[0], grid, own.grid, own.mode.removeprefix('open_clip:'))[None]
    if own.mode != 'timm':
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
