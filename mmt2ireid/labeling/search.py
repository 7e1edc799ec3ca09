"""Search for the other rows with the largest inner products: candidates, in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmt2ireid.labeling.features import Progress, blocks, full_precision

_MAX_TILE = {'cpu': 4096}
_MAX_TILE_GPU = 16384
_FAISS_ROWS = 4096
_EXACT_ROWS = 256


def search_torch(unit: Tensor, k: int, tile: int | None, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Float32 cosines (N, k), descending, and int64 indices (N, k) of the nearest other rows."""
    best = unit.new_full((len(unit), k), -torch.inf)
    index = torch.zeros((len(unit), k), dtype=torch.int64, device=unit.device)
    # Half of a tile on the diagonal is computed twice: tiles should be many.
    size = tile or min(max(len(unit) // 16, 512), _MAX_TILE.get(unit.device.type, _MAX_TILE_GPU))
    parts = list(blocks(len(unit), size))
    memory = unit.new_empty(min(size, len(unit)) ** 2)
    with full_precision(), torch.autocast(unit.device.type, enabled=False):
        for number, rows in enumerate(parts):
            for columns in parts[number:]:
                shape = (rows.stop - rows.start, columns.stop - columns.start)
                scores = torch.mm(unit[rows], unit[columns].T, out=memory[: shape[0] * shape[1]].view(shape))
                if rows == columns:
                    scores.fill_diagonal_(-torch.inf)
                else:
                    _take_better(best[columns], index[columns], scores, rows.start, dim=0)
                _take_better(best[rows], index[rows], scores, columns.start, dim=1)
            progress('neighbours', 1 - ((len(unit) - rows.stop) / len(unit)) ** 2)
    return best.cpu().numpy(), index.cpu().numpy()


def _take_better(best: Tensor, index: Tensor, scores: Tensor, offset: int, dim: int) -> None:
    """Puts those of the scores that are among the k best of their row (dim 1) or column (dim 0) into the lists.

    A list holds smaller indices than the scores that come, so that ties need no care beyond stable sorts. The scores
    come in pieces as long as what was seen before: a few per list are then better than the worst of it, and only they
    are sorted.
    """
    length, start = scores.size(dim), 0
    seen = offset
    while start < length:
        piece = min(length - start, max(seen, 2 * best.size(1)))
        _merge(best, index, scores.narrow(dim, start, piece), offset + start, dim)
        start += piece
        seen += piece


def _merge(best: Tensor, index: Tensor, scores: Tensor, offset: int, dim: int) -> None:
    worst = best[:, -1]
    found = _flat_nonzero(scores > (worst[:, None] if dim == 1 else worst))
    if not len(found):
        return
    places = (found // scores.size(1), found % scores.size(1))
    values = scores[places]
    owner, item = places[1 - dim], places[dim] + offset
    if dim == 0:  # they come row by row, and the lists belong to columns
        owner, order = owner.sort(stable=True)
        item, values = item[order], values[order]
    counts = torch.bincount(owner, minlength=len(best))
    slot = torch.arange(len(owner), device=owner.device) - (counts.cumsum(0) - counts)[owner]
    # Lists with few newcomers are not padded to the length of those with many.
    limit = 2 * best.size(1)
    few = counts[owner] <= limit
    for chosen, lists in ((few, (counts > 0) & (counts <= limit)), (~few, counts > limit)):
        rows = lists.nonzero()[:, 0]
        if not len(rows):
            continue
        width = int(counts[rows].max())
        place = torch.zeros_like(counts)
        place[rows] = torch.arange(len(rows), device=rows.device)
        where = (place[owner[chosen]], slot[chosen])
        new_values = best.new_full((len(rows), width), -torch.inf).index_put_(where, values[chosen])
        new_items = index.new_zeros((len(rows), width)).index_put_(where, item[chosen])
        merged, order = torch.cat([best[rows], new_values], 1).sort(dim=1, descending=True, stable=True)
        best[rows] = merged[:, : best.size(1)]
        index[rows] = torch.cat([index[rows], new_items], 1).gather(1, order[:, : best.size(1)])


def _flat_nonzero(mask: Tensor) -> Tensor:
    mask = mask.contiguous().view(-1)
    if mask.device.type == 'cpu':  # numpy's search is several times faster than torch's
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.nonzero()[:, 0]


def search_faiss(unit: np.ndarray, k: int, probes: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`search_torch`; with ``probes`` above 0 in an inverted file."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError("backend='faiss' needs faiss: pip install 'mmt2ireid[faiss]'") from error
    count, width = unit.shape
    searched: Any = faiss.IndexFlatIP(width)
    if probes:
        lists = max(1, min(round(4 * count**0.5), count // 39))  # faiss wants 39 rows to learn a list from
        searched = faiss.IndexIVFFlat(searched, width, lists, faiss.METRIC_INNER_PRODUCT)
        searched.nprobe = min(probes, lists)
        searched.train(unit)
    searched.add(unit)
    best = np.empty((count, k), dtype=np.float32)
    index = np.empty((count, k), dtype=np.int64)
    for part in blocks(count, _FAISS_ROWS):
        own = np.arange(part.start, part.stop)
        found, nearest = searched.search(unit[part], k + 1)
        best[part], index[part] = _without_self(found, nearest, own)
        progress('neighbours', part.stop / count)
    short = np.flatnonzero((index < 0).any(1))
    for part in blocks(len(short), _EXACT_ROWS):
        rows = short[part]
        scores = torch.from_numpy(unit[rows] @ unit.T)
        scores[np.arange(len(rows)), rows] = -torch.inf
        top = scores.topk(k, dim=1)
        best[rows], index[rows] = top.values.numpy(), top.indices.numpy()
    return best, index


def _without_self(scores: np.ndarray, index: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Takes each row's own index out of its list, or its last entry where equals have crowded it out."""
    is_self = index == own[:, None]
    is_self[~is_self.any(1), -1] = True
    shape = (len(own), index.shape[1] - 1)
    return scores[~is_self].reshape(shape), index[~is_self].reshape(shape)
