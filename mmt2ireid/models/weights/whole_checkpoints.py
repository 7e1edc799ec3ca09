"""Position embeddings of a whole checkpoint that was trained on images of another size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from mmt2ireid.compat import read_config_text
from mmt2ireid.models.weights.positions import PositionTable, resize_positions, table_of

TOLERANCE = 1.5
"""By how much the shape of a grid may differ from that of the images: patches that do not fit are cut off."""


def adapt_positions(encoder: nn.Module, state: dict[str, Any], meta: Any, label: str, prefix: str) -> list[str]:
    """Resizes a checkpoint's position embeddings of images to an encoder's grid.

    The grid that they were learned on is the one that the checkpoint names (``meta['grid']``), or that follows from the
    size of the images in its own config. mmpretrain, which would resize them when it loads, takes every grid for a
    square: 16 x 4 patches for 8 x 8.

    Args:
        encoder: the image encoder that is to be loaded.
        state: of the whole model; changed in place.
        meta: of the checkpoint; anything else than a dict tells nothing.
        label: what to call the checkpoint.
        prefix: of the encoder's names in ``state``, such as ``image_encoder.``.

    Returns:
        What was resized, one line each.

    Raises:
        ValueError: the number of positions is another, and nothing says which grid they were learned on.
    """
    lines = []
    for name, table in _tables(encoder):
        key = f'{prefix}{name}{table.key}'
        rows = state.get(key)
        if not isinstance(rows, Tensor) or rows.ndim not in (2, 3):
            continue
        batched = rows if rows.ndim == 3 else rows[None]
        count = batched.shape[1] - table.extra
        grid = learned_grid(meta, count, table.grid, f'{key} of {label}')
        if grid is None or grid == table.grid:
            continue
        resized = resize_positions(batched, table, grid, label)
        state[key] = resized if rows.ndim == 3 else resized[0]
        lines.append(f'{key} from {grid[0]} x {grid[1]} to {table.grid[0]} x {table.grid[1]} patches')
    return lines


def image_size_of(encoder: nn.Module) -> tuple[int, int] | None:
    """The size of the images that an encoder's position embeddings are made for.

    Args:
        encoder: any image encoder.

    Returns:
        (height, width), or None where it has no such embeddings, or does not say.
    """
    sizes = {table.image_size for _, table in _tables(encoder)}
    return sizes.pop() if len(sizes) == 1 else None


def learned_grid(meta: Any, count: int, own: tuple[int, int], label: str) -> tuple[int, int] | None:
    """Finds the grid that a checkpoint's position embeddings were learned on.

    Args:
        meta: of the checkpoint.
        count: number of its patches.
        own: (rows, columns) of the model.
        label: what to call the embeddings.

    Returns:
        (rows, columns); None where the number is not that of an image transformer's patches at all.

    Raises:
        ValueError: it is not known, or what is known does not fit the number.
    """
    meta = meta if isinstance(meta, Mapping) else {}
    if count < 1:
        return None
    if meta.get('grid') is not None:
        rows, columns = (int(side) for side in meta['grid'])
        return rows, columns
    model = read_config_text(meta.get('cfg')).get('model')
    encoders = list(_image_encoders(model))
    sizes = {size for encoder in encoders for size in _sizes(encoder)}
    if len(sizes) == 1:
        return _grid_like(count, sizes.pop(), label)
    side = math.isqrt(count)
    if encoders and not sizes and side * side == count:
        return side, side  # the default of every library
    if own[0] * own[1] == count:
        return own
    raise ValueError(
        f'{label}: the size of the images that its {count} positions were learned on must be known to resize them to '
        f'the {own[0]} x {own[1]} of the model, but the checkpoint does not hold its config. Use it with the size that '
        'it was trained with, or give its image encoder alone by '
        "init_cfg=dict(type='mmt2ireid.BackbonePretrained', checkpoint=FILE, grid=(ROWS, COLUMNS))"
    )


def _tables(encoder: nn.Module) -> Iterator[tuple[str, PositionTable]]:
    """Prefix and table of each transformer in an encoder, as in a LoRA wrapper."""
    found: list[str] = []
    for name, module in encoder.named_modules():
        if any(name.startswith(outer) for outer in found):
            continue
        table = table_of(module)
        if table is not None:
            found.append(f'{name}.' if name else '')
            yield found[-1], table


def _grid_like(count: int, size: tuple[int, int], label: str) -> tuple[int, int]:
    """The grid of so many patches whose shape is nearest to that of the images."""
    wanted = size[0] / size[1]
    grids = [(rows, count // rows) for rows in range(1, count + 1) if count % rows == 0]
    grid = min(grids, key=lambda grid: abs(math.log(grid[0] / grid[1] / wanted)))
    if abs(math.log(grid[0] / grid[1] / wanted)) > math.log(TOLERANCE):
        raise ValueError(
            f'{label}: the number of positions must fit images of {size[0]} x {size[1]}, the size in the config of the '
            f'checkpoint, but got {count}'
        )
    return grid


def _image_encoders(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict):
        for key, value in config.items():
            if key == 'image_encoder' and isinstance(value, dict):
                yield value
            else:
                yield from _image_encoders(value)


def _sizes(config: Any) -> Iterator[tuple[int, int]]:
    """The ``img_size`` or ``image_size`` of an image encoder; where it has none, those of its parts."""
    if not isinstance(config, dict):
        return
    for key in ('img_size', 'image_size'):
        value = config.get(key)
        sides = value if isinstance(value, (list, tuple)) else (value, value)
        if len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides):
            yield (sides[0], sides[1])
            return
    for value in config.values():
        yield from _sizes(value)
