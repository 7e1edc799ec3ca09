"""How similar matching and other pairs are: a histogram counted chunk by chunk. Needs numpy and torch only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mmt2ireid.evaluation.retrieval import Relevant, as_pids
from mmt2ireid.evaluation.similarity import ChunkedCosine

# A bin's number (int64) and what it is computed from, per score.
_BIN_BYTES = 16
# Number of an item, its bin and whether it counts, per relevant item of a query.
_RELEVANT_BYTES = 40


@dataclass(frozen=True)
class SimilarityHistogram:
    """Cosine similarities of pairs, counted in bins of equal width from -1 to 1.

    Attributes:
        edges: float64 (bins + 1,), from -1 to 1. A bin holds its lower edge; the last one holds 1 too.
        matching: int64 (bins,), pairs of one identity.
        other: int64 (bins,), pairs of two identities.
    """

    edges: np.ndarray
    matching: np.ndarray
    other: np.ndarray


@torch.no_grad()
def similarity_histogram(
    query_feats: Any,
    gallery_feats: Any,
    query_pids: Any,
    gallery_pids: Any,
    *,
    bins: int = 200,
    device: str | torch.device | None = None,
    max_bytes: int = 2**28,
    progress: Callable[[int], None] | None = None,
) -> SimilarityHistogram:
    """Counts the cosine similarities of all pairs of a query and a gallery item.

    Nothing of size Q x G is held: chunks of queries are multiplied with the gallery, and only counts are kept.

    Args:
        query_feats: (Q, D) tensor, array or list of rows.
        gallery_feats: (G, D).
        query_pids: (Q,) identities.
        gallery_pids: (G,) identities.
        bins: how many.
        device: where to compute; None is where ``gallery_feats`` lies.
        max_bytes: memory to use beyond the features.
        progress: is told how many queries a step has counted.

    Returns:
        The counts, Q * G in all.

    Raises:
        ValueError: ``bins`` below 1, shapes that do not fit, NaN or infinite features, or ``max_bytes`` too small for
            one query.
    """
    if bins < 1:
        raise ValueError(f'bins must be at least 1, but got {bins}')
    cosine = ChunkedCosine(query_feats, gallery_feats, device=device, max_bytes=max_bytes)
    relevant = Relevant(
        as_pids(query_pids, cosine.num_queries, 'query_pids'),
        as_pids(gallery_pids, cosine.num_gallery, 'gallery_pids'),
        cosine.device,
    )
    widest = int(relevant.counts.max())
    chunk = cosine.rows_per_chunk(cosine.dtype.itemsize + _BIN_BYTES, _RELEVANT_BYTES * widest)
    out, work = cosine.buffers(min(chunk, cosine.num_queries))
    counts = torch.from_numpy(relevant.counts).to(cosine.device)
    everything, matching = torch.zeros(2, bins, dtype=torch.int64, device=cosine.device)
    for rows in torch.arange(cosine.num_queries, device=cosine.device).split(chunk):
        scores = cosine.scores(rows, out)
        places = torch.mul(scores, cosine.query_scale[rows, None], out=work[: len(rows)])
        # Rounding may leave a cosine a little outside of [-1, 1].
        number = places.add_(1).mul_(bins / 2).floor_().clamp_(0, bins - 1).to(torch.int64)
        everything += torch.bincount(number.flatten(), minlength=bins)
        if widest:
            items = relevant.items(rows, widest)
            real = torch.arange(widest, device=cosine.device) < counts[rows, None]
            matching += torch.bincount(number.gather(1, items)[real], minlength=bins)
        if progress is not None:
            progress(len(rows))
    return SimilarityHistogram(
        edges=np.linspace(-1.0, 1.0, bins + 1),
        matching=matching.cpu().numpy(),
        other=(everything - matching).cpu().numpy(),
    )
