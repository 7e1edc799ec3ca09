"""The depth of a parameter in its encoder, for learning rates by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ['layer_depth']


def layer_depth(name: str, *, stem: Sequence[str], block: str, num_blocks: int, first: int = 0) -> tuple[int, int]:
    """Depth of a parameter in an encoder of a stem, numbered blocks and a last part, as mmpretrain counts.

    Args:
        name: of the parameter, as the encoder names it.
        stem: what names of the stem begin with.
        block: what names in blocks begin with, up to the number.
        num_blocks: number of the blocks.
        first: number of the first block.

    Returns:
        The depth, 0 in the stem and ``num_layers - 1`` after the blocks, and ``num_layers``, blocks and 2.

    Example:
        >>> layer_depth('layer.3.weight', stem=('embed',), block='layer.', num_blocks=12)
        (4, 14)
    """
    found = re.match(rf'{re.escape(block)}(\d+)\.', name)
    if found:
        return int(found[1]) - first + 1, num_blocks + 2
    return (0 if name.startswith(tuple(stem)) else num_blocks + 1), num_blocks + 2
