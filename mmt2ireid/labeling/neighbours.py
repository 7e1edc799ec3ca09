"""Exact nearest neighbours by blocked matrix products, or by faiss."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mmt2ireid.labeling.features import TIE_DECIMALS, Progress, UnitFeatures, blocks, no_progress
from mmt2ireid.labeling.search import search_faiss, search_torch

BACKENDS = ('torch', 'faiss')
# Candidates beyond the k-th, so that those which float32 cannot tell apart are put in order in float64.
_SPARE = 8
_CLOSE = 2e-6
_BLOCK_ROWS = 4096


@torch.no_grad()
def nearest_neighbours(
    features: Any,
    k: int,
    *,
    backend: str = 'torch',
    approximate_from: int | None = None,
    probes: int = 32,
    tile: int | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """The rows nearest to each row by cosine similarity.

    A row is its own first neighbour, also where others equal it. The others stand by decreasing cosine, and those whose
    cosines agree to 12 decimals by index. Candidates come from float32 products; where neighbouring ones are too close
    for float32, they are ordered by their float64 cosines, so that the result depends neither on the device nor on the
    blocks. (Only where more than eight candidates are that close to the k-th may another one of them be chosen.)

    With torch each product of two blocks serves both, so that N^2 D operations are done in place of 2 N^2 D; beyond a
    normalised float32 copy of the features and O(N k) the memory is that of a few tiles.

    Args:
        features: (N, D), as in :class:`UnitFeatures`; on a GPU the search runs there (``'torch'``).
        k: number of neighbours, the row itself included; at most N are returned.
        backend: 'torch', or 'faiss' (extra ``mmt2ireid[faiss]``; on the CPU, with one more copy of the features).
        approximate_from: with faiss, from this N on search an inverted file (IVF), which misses some neighbours; None
            is never. Rows for which it finds too few are searched exactly.
        probes: lists of the inverted file that are looked at, of about 4 sqrt(N).
        tile: rows of a block; None chooses.
        progress: is told about the step 'neighbours'.

    Returns:
        int64 (N, min(k, N)), on the host.

    Raises:
        ValueError: settings out of range, or features as in :class:`UnitFeatures`.
        ImportError: faiss is asked for and not installed.
    """
    if k < 1:
        raise ValueError(f'k must be positive, but got {k}')
    if probes < 1 or (tile is not None and tile < 1):
        raise ValueError(f'probes and tile must be positive, but got {probes} and {tile}')
    check_backend(backend, approximate_from)
    feats = features if isinstance(features, UnitFeatures) else UnitFeatures(features)
    others = min(k, len(feats)) - 1
    wanted = min(others + _SPARE, len(feats) - 1)
    if others < 1:
        return np.arange(len(feats))[:, None]
    if backend == 'faiss':
        approximate = approximate_from is not None and len(feats) >= approximate_from
        scores, index = search_faiss(feats.normalised().cpu().numpy(), wanted, probes if approximate else 0, progress)
    else:
        scores, index = search_torch(feats.normalised(), wanted, tile, progress)
    _settle_close_calls(feats, scores, index)
    progress('neighbours', 1.0)
    return np.concatenate([np.arange(len(feats))[:, None], index[:, :others]], axis=1)


def check_backend(backend: str, approximate_from: int | None) -> None:
    """Refuses what :func:`nearest_neighbours` cannot search with, by ValueError."""
    if backend not in BACKENDS:
        raise ValueError(f'backend must be one of {BACKENDS}, but got {backend!r}')
    if approximate_from is not None and (backend != 'faiss' or approximate_from < 1):
        raise ValueError(
            f"approximate_from must be positive and needs backend 'faiss', but got {approximate_from} with {backend!r}"
        )


def _settle_close_calls(feats: UnitFeatures, scores: np.ndarray, index: np.ndarray) -> None:
    """Reorders, in place, lists in which neighbouring float32 cosines are too close to trust their order."""
    close = np.zeros(len(scores), dtype=bool)
    for part in blocks(len(scores), _BLOCK_ROWS):
        close[part] = (scores[part, :-1] - scores[part, 1:] < _CLOSE).any(1)
    for part in blocks(int(close.sum()), _BLOCK_ROWS):
        rows = np.flatnonzero(close)[part]
        width = index.shape[1]
        cosines = feats.cosines(np.repeat(rows, width), index[rows].ravel()).round(TIE_DECIMALS)
        by_row = np.lexsort((index[rows].ravel(), -cosines, np.repeat(rows, width)))
        index[rows] = index[rows].ravel()[by_row].reshape(-1, width)
