"""Where the first right answer stands: first ranks and the CMC curve. Needs numpy and torch only."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mmt2ireid.evaluation.retrieval import Relevant, as_pids, ranks_of_relevant
from mmt2ireid.evaluation.similarity import ChunkedCosine


@torch.no_grad()
def first_ranks(
    query_feats: Any,
    gallery_feats: Any,
    query_pids: Any,
    gallery_pids: Any,
    *,
    device: str | torch.device | None = None,
    max_bytes: int = 2**30,
) -> np.ndarray:
    """The rank of the best-placed gallery item of every query's own identity.

    Ranked as in :func:`~mmt2ireid.evaluation.retrieval_metrics`, ties and precision included.

    Args:
        query_feats: (Q, D) tensor, array or list of rows.
        gallery_feats: (G, D).
        query_pids: (Q,) identities.
        gallery_pids: (G,) identities.
        device: where to compute; None is where ``gallery_feats`` lies.
        max_bytes: memory to use beyond the features.

    Returns:
        int64 (Q,), from 1; 0 where the gallery does not hold the identity.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite features, or ``max_bytes`` too small for one query.
    """
    cosine = ChunkedCosine(query_feats, gallery_feats, device=device, max_bytes=max_bytes)
    relevant = Relevant(
        as_pids(query_pids, cosine.num_queries, 'query_pids'),
        as_pids(gallery_pids, cosine.num_gallery, 'gallery_pids'),
        cosine.device,
    )
    first = np.zeros(cosine.num_queries, dtype=np.int64)
    for rows, places in ranks_of_relevant(cosine, relevant):
        first[rows] = places.ranks[:, 0].cpu().numpy()
    return first


def cmc_curve(ranks: Any, max_rank: int = 50) -> np.ndarray:
    """The cumulative match characteristic: how many queries have a right answer among the best k.

    CMC(k) = 100/Q sum_q [r_q <= k], of the queries that have one at all; CMC(k) is R{k} of the metrics.

    Args:
        ranks: integers (Q,), the rank of each query's first right answer (:func:`first_ranks`); 0 is left out.
        max_rank: the largest k.

    Returns:
        float64 (max_rank,), percent for k = 1, 2, ..., max_rank; rises or stays.

    Raises:
        ValueError: ``max_rank`` below 1, negative ranks, or none above 0.

    Examples:
        >>> cmc_curve([1, 3, 3, 9], 4).tolist()
        [25.0, 25.0, 75.0, 75.0]
    """
    array = np.asarray(ranks)
    if max_rank < 1:
        raise ValueError(f'max_rank must be at least 1, but got {max_rank}')
    if array.ndim != 1 or array.dtype.kind not in 'iu' or (array < 0).any() or not array.any():
        raise ValueError(f'ranks must be integers (Q,) from 0, some above 0, but got {array.dtype} {array.shape}')
    array = array[array > 0]
    counts = np.bincount(np.minimum(array, max_rank + 1), minlength=max_rank + 2)
    return 100.0 * np.cumsum(counts[1 : max_rank + 1]) / len(array)
