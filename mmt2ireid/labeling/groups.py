"""Label vectors and the groups that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

UNCLUSTERED = -1
"""The label of what is in no cluster."""


class Groups:
    """Members of each value of an integer vector, without a matrix.

    Args:
        values: int64 (N,), each -1 (in no group) or a group's number.
        count: how many groups there are; None is the largest value and one.
    """

    def __init__(self, values: np.ndarray, count: int | None = None) -> None:
        self._order = np.argsort(values, kind='stable')
        size = int(values.max(initial=-1)) + 1 if count is None else count
        self._starts = np.searchsorted(values[self._order], np.arange(size + 1))

    def __getitem__(self, number: int) -> np.ndarray:
        """Members of a group, ascending."""
        return self._order[self._starts[number] : self._starts[number + 1]]

    @property
    def sizes(self) -> np.ndarray:
        """Number of members of each group, int64."""
        return np.diff(self._starts)


def as_labels(labels: Any, name: str, length: int | None = None) -> np.ndarray:
    """Checks a label vector.

    Args:
        labels: (N,) integers, -1 = un-clustered; tensor, array or list.
        name: what to call it in errors.
        length: N, if it is known.

    Returns:
        A copy as int64 array.

    Raises:
        ValueError: not a vector of integers from -1 on, or of another length.
    """
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.ndim != 1 or (array.dtype.kind not in 'iu' and array.size):
        raise ValueError(f'{name} must be a vector of integers, but got shape {array.shape} and dtype {array.dtype}')
    if length is not None and len(array) != length:
        raise ValueError(f'{name} must have {length} entries, but got {len(array)}')
    if array.size and array.min() < UNCLUSTERED:
        raise ValueError(f'{name} must be -1 (un-clustered) or more, but got {array.min()} at {int(array.argmin())}')
    return array.astype(np.int64)


def contiguous(labels: np.ndarray) -> np.ndarray:
    """Numbers clusters 0, 1, ... in the order of their numbers so far; -1 stays. int64 (N,)."""
    result = np.full(len(labels), UNCLUSTERED, dtype=np.int64)
    clustered = labels >= 0
    result[clustered] = np.unique(labels[clustered], return_inverse=True)[1]
    return result
