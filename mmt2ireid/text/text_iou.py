"""Text-IoU: how many noun phrases two captions share (CMMT eq. 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

# From this share of ones on a matrix product is faster than sums of rows.
_DENSE = 0.25


@torch.no_grad()
def text_iou(multi_hot: Tensor) -> Tensor:
    """Intersection over union of the phrase sets of every two captions of a batch.

        IoU_ij = |P_i & P_j| / |P_i | P_j|,  IoU_ii = 1

    The diagonal is 1 for captions without any phrase too; with every other caption they have 0. Counts are exact
    (float32 holds integers up to 2^24) in any autocast region.

    Args:
        multi_hot: (B, K), dense of any dtype, where what is not zero says that the caption has the phrase; or sparse
            (COO or CSR), where explicit zeros say that it has not.

    Returns:
        (B, B), symmetric, on the device of the input; float64 where the input is, else float32.

    Raises:
        ValueError: ``multi_hot`` is not two-dimensional.

    Examples:
        >>> text_iou(torch.tensor([[1, 1, 0], [0, 1, 1], [0, 0, 0]]))
        tensor([[1.0000, 0.3333, 0.0000],
                [0.3333, 1.0000, 0.0000],
                [0.0000, 0.0000, 1.0000]])
    """
    if multi_hot.dim() != 2:
        raise ValueError(f'multi_hot must have shape (B, K), but got {tuple(multi_hot.shape)}')
    dtype = torch.float64 if multi_hot.dtype == torch.float64 else torch.float32
    if multi_hot.layout != torch.strided:
        multi_hot = _dense_of_used_columns(multi_hot)
    has = multi_hot if multi_hot.dtype == torch.bool else multi_hot != 0
    if has.device.type == 'cpu':
        shared, sizes = _counts_on_cpu(has, dtype)
    else:
        flags = has.to(dtype)
        with torch.autocast(has.device.type, enabled=False):
            shared, sizes = flags @ flags.T, flags.sum(1)
    either = sizes[:, None] + sizes[None, :] - shared
    return shared.div_(either.clamp_(min=1)).fill_diagonal_(1)


def _counts_on_cpu(has: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """How many phrases every two captions share (B, B), the diagonal left out, and how many each has (B,).

    A caption has a handful of thousands of phrases, and most phrases are of one caption only. So the product is taken
    of shared phrases only: for each caption the sum of the rows of its phrases, which say who has them.
    """
    num_rows, num_columns = has.shape
    row, column = np.divmod(np.flatnonzero(has.numpy()), max(num_columns, 1))
    sizes = torch.from_numpy(np.bincount(row, minlength=num_rows)).to(dtype)
    is_shared = np.bincount(column, minlength=num_columns) > 1
    kept = is_shared[column]
    row, column = row[kept], (np.cumsum(is_shared) - 1)[column[kept]]
    owners = torch.zeros(int(is_shared.sum()), num_rows, dtype=dtype)
    owners[torch.from_numpy(column), torch.from_numpy(row)] = 1
    if len(row) > _DENSE * owners.numel():
        with torch.autocast('cpu', enabled=False):
            return owners.T @ owners, sizes
    starts = torch.from_numpy(np.searchsorted(row, np.arange(num_rows)))
    if not len(row):
        return torch.zeros(num_rows, num_rows, dtype=dtype), sizes
    return embedding_bag(torch.from_numpy(column), owners, starts, mode='sum'), sizes


def multi_hot(
    ids: Sequence[Tensor | np.ndarray | Sequence[int]],
    device: torch.device | str | None = None,
    *,
    num_phrases: int | None = None,
) -> Tensor:
    """Phrase ids of the captions of a batch as rows over the phrases that occur in the batch.

    Columns of two batches mean different phrases: gather ids, not rows, from other ranks, or give ``num_phrases``.

    Args:
        ids: for every caption its phrase ids, at least 0, in any order; a repeated id counts once.
        device: of the result; the work is done on the CPU.
        num_phrases: make one column for each id below this instead.

    Returns:
        bool (B, K). K is the number of different ids of the batch, which may be 0, and the columns are in ascending
        order of ids; or K is ``num_phrases``, and the columns are the ids.

    Raises:
        ValueError: a row is not a list of integers from 0 (to ``num_phrases`` - 1); it is named.

    Examples:
        >>> multi_hot([[7, 3], [], [900, 7]])
        tensor([[ True,  True, False],
                [False, False, False],
                [False,  True,  True]])
    """
    rows = [_checked_row(index, row) for index, row in enumerate(ids)]
    counts = [len(row) for row in rows]
    flat = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    _check_range(rows, flat, num_phrases)
    present, columns = np.unique(flat, return_inverse=True)
    if num_phrases is not None:
        columns = flat
    result = np.zeros((len(rows), len(present) if num_phrases is None else num_phrases), dtype=bool)
    result[np.repeat(np.arange(len(rows)), counts), columns] = True
    return torch.from_numpy(result).to(device)


def _check_range(rows: list[np.ndarray], flat: np.ndarray, num_phrases: int | None) -> None:
    end = np.iinfo(np.int64).max if num_phrases is None else num_phrases
    if not len(flat) or (flat.min() >= 0 and flat.max() < end):
        return
    index, wrong = next((i, value) for i, row in enumerate(rows) for value in row if not 0 <= value < end)
    wanted = 'of at least 0' if num_phrases is None else f'from 0 to {num_phrases - 1}'
    raise ValueError(f'ids[{index}] must hold integers {wanted}, but got {wrong}')


def _checked_row(index: int, row: Tensor | np.ndarray | Sequence[int]) -> np.ndarray:
    array = row.detach().cpu().numpy() if isinstance(row, Tensor) else np.asarray(row)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f'ids[{index}] must be a list of integers, but got {row!r}')
    return array.astype(np.int64, copy=False)


def _dense_of_used_columns(sparse: Tensor) -> Tensor:
    """The columns (B, K') of a sparse matrix in which anything stands, dense."""
    matrix = sparse.to_sparse_coo().coalesce()
    row, column = matrix.indices()[:, matrix.values() != 0]
    used, column = column.unique(return_inverse=True)
    dense = torch.zeros(matrix.size(0), len(used), dtype=matrix.dtype, device=matrix.device)
    return dense.index_put_((row, column), torch.ones((), dtype=matrix.dtype, device=matrix.device))
