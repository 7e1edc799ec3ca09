"""Rows of features, checked once and compared in two precisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

_BLOCK_ELEMENTS = 2**20
_MIN_LENGTH = 1e-12
# What agrees so far counts as equal: far above the rounding of float64, far below what features can tell.
TIE_DECIMALS = 12

Progress = Callable[[str, float], None]
"""Is told a step's name and the share of it that is done, several times and at last 1.0."""


class UnitFeatures:
    """Features whose rows count as vectors of length one.

    Many cosines are taken in float32 by matrix products, whose rounding depends on the library and on the shape of the
    blocks. Where a decision hangs on the last digits, :meth:`cosines` gives those of single pairs in float64, which are
    the same on every machine but for a few units in the last place.

    Args:
        features: (N, D), tensor or array of any real dtype, not necessarily normalised. A row of zeros is at cosine 0
            from all others. A tensor is computed with where it lies.
        name: what to call the features in errors.

    Raises:
        ValueError: not a matrix, no rows or columns, or NaN or infinite values; the first such row is named.
    """

    def __init__(self, features: Any, name: str = 'features') -> None:
        self._rows = _as_matrix(features, name)
        self._scale = torch.empty(len(self), dtype=torch.float64, device=self.device)
        for part in blocks(len(self), self._block_rows()):
            wide = self._rows[part].double()
            finite = torch.isfinite(wide).all(1)
            if not finite.all():
                row = part.start + int((~finite).nonzero()[0, 0])
                raise ValueError(f'{name} must be finite, but row {row} of {len(self)} holds NaN or infinite values')
            self._scale[part] = torch.linalg.vector_norm(wide, dim=1).clamp_(min=_MIN_LENGTH).reciprocal_()

    def __len__(self) -> int:
        return self._rows.size(0)

    @property
    def device(self) -> torch.device:
        """Where the features lie."""
        return self._rows.device

    def normalised(self) -> Tensor:
        """A normalised copy in float32, (N, D)."""
        unit = torch.empty(self._rows.shape, dtype=torch.float32, device=self.device)
        for part in blocks(len(self), self._block_rows()):
            unit[part] = (self._rows[part].double() * self._scale[part, None]).float()
        return unit

    def cosines(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Cosines of pairs of rows in float64.

        Args:
            first: int (P,).
            second: int (P,).

        Returns:
            float64 (P,).
        """
        size, width = min(self._block_rows(), max(len(first), 1)), self._rows.size(1)
        one, two = (torch.empty((size, width), dtype=self._rows.dtype, device=self.device) for _ in range(2))
        product = torch.empty((size, width), dtype=torch.float64, device=self.device)
        # Results are written in place: small tensors that outlive large ones would pin the heap between them.
        cosines = np.empty(len(first))
        for part in blocks(len(first), size):
            left, right = (torch.from_numpy(rows[part].astype(np.int64)).to(self.device) for rows in (first, second))
            count = len(left)
            torch.index_select(self._rows, 0, left, out=one[:count])
            torch.index_select(self._rows, 0, right, out=two[:count])
            dots = product[:count].copy_(one[:count]).mul_(two[:count]).sum(1)
            cosines[part] = dots.mul_(self._scale[left]).mul_(self._scale[right]).cpu().numpy()
        return cosines

    def _block_rows(self) -> int:
        return max(1, _BLOCK_ELEMENTS // self._rows.size(1))


def blocks(total: int, size: int) -> Iterator[slice]:
    """Slices of ``size`` that cover ``range(total)``; the last may be shorter."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def no_progress(step: str, share: float) -> None:
    """Tells nobody."""


def ragged_ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """``[start, start + count)`` for each start, one after the other, int64."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 matrix products without TF32 or bfloat16 shortcuts inside; the caller's settings come back."""
    backends: list[Any] = [torch.backends.cuda.matmul]
    if hasattr(torch.backends.mkldnn, 'matmul'):
        backends.append(torch.backends.mkldnn.matmul)
    if all(hasattr(backend, 'fp32_precision') for backend in backends):
        before = [backend.fp32_precision for backend in backends]
        try:
            for backend in backends:
                backend.fp32_precision = 'ieee'
            yield
        finally:
            for backend, value in zip(backends, before, strict=True):
                backend.fp32_precision = value
    else:  # torch before 2.9
        precision = torch.get_float32_matmul_precision()
        try:
            torch.set_float32_matmul_precision('highest')
            yield
        finally:
            torch.set_float32_matmul_precision(precision)


def _as_matrix(features: Any, name: str) -> Tensor:
    if isinstance(features, Tensor):
        rows = features.detach()
    else:
        array = np.ascontiguousarray(features)
        if array.dtype.kind not in 'fiub':
            raise ValueError(f'{name} must be real numbers, but got dtype {array.dtype}')
        rows = torch.from_numpy(array if array.flags.writeable else array.copy())
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f'{name} must be a matrix (rows, width) that is not empty, but got shape {tuple(rows.shape)}')
    if rows.is_complex():
        raise ValueError(f'{name} must be real numbers, but got dtype {rows.dtype}')
    return rows if rows.is_floating_point() else rows.double()
