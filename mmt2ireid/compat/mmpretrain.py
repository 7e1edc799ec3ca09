"""mmpretrain 1.2.0, beside today's libraries."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmt2ireid.compat.checkpoints import patch_checkpoint_loader


def patch_mmpretrain() -> None:
    """Makes ``import mmpretrain.models`` work, and quiet, beside transformers 5 and mmcv-lite.

    mmpretrain 1.2.0 imports its multi-modal models where pycocotools is installed, and they fail with transformers 5;
    mmcv-lite 2.2.0 warns about an operator that nothing here needs. No release retires either.
    """
    patch_checkpoint_loader()
    pattern = 'Fail to import ``MultiScaleDeformableAttention``'
    warnings.filterwarnings('ignore', message=pattern, category=UserWarning)
    if importlib.util.find_spec('mmpretrain') is not None:
        import mmpretrain.utils.dependency as dependency

        dependency.WITH_MULTIMODAL = False


@contextmanager
def any_number_of_windows() -> Iterator[None]:
    """Inside, mmpretrain's Swin can be exported for batches of any size.

    mmpretrain 1.2.0 computes the size of the batch from the number of windows by ``int`` of a quotient, which torch's
    exporter replaces by the number that it saw; the graph then mixes the pictures of other batches. No release retires
    this.
    """
    if importlib.util.find_spec('mmpretrain') is None:
        yield
        return
    from mmpretrain.models.utils.attention import ShiftWindowMSA

    before = ShiftWindowMSA.__dict__['window_reverse']
    ShiftWindowMSA.window_reverse = staticmethod(_join_windows)
    try:
        yield
    finally:
        ShiftWindowMSA.window_reverse = before


def _join_windows(windows: Any, height: int, width: int, size: int) -> Any:
    """Windows (B h w, size, size, D) back to maps (B, height, width, D)."""
    grid = windows.unflatten(0, (-1, height // size, width // size))
    return grid.transpose(2, 3).flatten(1, 2).flatten(2, 3)
