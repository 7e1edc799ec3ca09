"""Ranking maths: how well queries find the gallery items of their own identity. Needs numpy and torch only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmt2ireid.evaluation.similarity import ChunkedCosine
from mmt2ireid.evaluation.ties import TiedGroups, expected_hits, expected_penalty, expected_precision

# With more relevant items than this a stable sort of all scores costs less than counting for each item.
_MAX_COUNTED = 64
# Counts are summed in float32, which holds every integer up to here.
_MAX_COUNTED_GALLERY = 2**24
# Bytes per score: counting needs a work matrix and a mask; sorting needs values twice, indices, ranks and scratch.
_COUNTING_BYTES = {torch.float32: 5, torch.float64: 9}
_SORTING_BYTES = 80
_BYTES_PER_RELEVANT = 176
TIES = ('gallery_order', 'expected')


@torch.no_grad()
def retrieval_metrics(
    query_feats: Any,
    gallery_feats: Any,
    query_pids: Any,
    gallery_pids: Any,
    topk: Sequence[int] = (1, 5, 10),
    *,
    device: str | torch.device | None = None,
    max_bytes: int = 2**30,
    allow_missing: bool = False,
    ties: str = 'gallery_order',
    count_ties: bool = False,
) -> dict[str, float]:
    """Ranks the gallery for every query by cosine similarity and measures where the right identity stands.

    A hit is a gallery item with the query's identity. Of gallery items with equal scores the one with the smaller
    index ranks higher, or, with ``ties='expected'``, every order is equally likely and the metrics are their exact
    expectations (:mod:`~mmt2ireid.evaluation.ties`). The ranks r_1 < ... < r_m of a query's m relevant items give

        R{k} = [r_1 <= k],    AP = 1/m sum_j j / r_j,    INP = m / r_m,

    each averaged over the queries. AP is the standard (not the trapezoidal) average precision; INP, the inverse
    negative penalty, is of Ye et al., "Deep Learning for Person Re-identification: A Survey and Outlook", TPAMI 2021.

    Nothing of size Q x G is ever held: chunks of queries are multiplied with the gallery, and the rank of a relevant
    item is counted (items above it, and equal ones before it), which needs no sort. Queries with very many relevant
    items are ranked by a stable sort of their chunk. Both ways give the same ranks.

    Args:
        query_feats: (Q, D) tensor, array or list of rows, of any length and real dtype; computed in float32, or in
            float64 where an input has it.
        gallery_feats: (G, D).
        query_pids: (Q,) identities.
        gallery_pids: (G,) identities.
        topk: which R{k} to report; k may exceed G.
        device: where to compute; None is where ``gallery_feats`` lies. The features are copied there as a whole.
        max_bytes: memory to use beyond the features (and a few numbers per query and gallery item).
        allow_missing: leave queries whose identity is not in the gallery out of the means, and report their number as
            ``num_queries_without_match``, instead of raising.
        ties: 'gallery_order', or 'expected' for the mean over all orders of equal scores.
        count_ties: report as ``num_queries_tied`` how many queries have a relevant and another item with equal scores,
            so that the order of these decides about the metrics.

    Returns:
        ``{'R1': ..., 'R5': ..., 'R10': ..., 'mAP': ..., 'mINP': ...}`` in percent.

    Raises:
        ValueError: shapes that do not fit, NaN or infinite features, queries without a match, ``topk`` below 1, or
            ``max_bytes`` too small for one query.

    Examples:
        >>> retrieval_metrics([[1.0, 0.0]], [[1.0, 0.1], [1.0, 0.2]], [7], [3, 7], topk=(1,))
        {'R1': 0.0, 'mAP': 50.0, 'mINP': 50.0}
    """
    topk = _checked_topk(topk)
    check_ties(ties)
    cosine = ChunkedCosine(query_feats, gallery_feats, device=device, max_bytes=max_bytes)
    relevant = Relevant(
        as_pids(query_pids, cosine.num_queries, 'query_pids'),
        as_pids(gallery_pids, cosine.num_gallery, 'gallery_pids'),
        cosine.device,
    )
    matched = np.flatnonzero(relevant.counts)
    num_missing = cosine.num_queries - len(matched)
    if num_missing and (not allow_missing or not len(matched)):
        raise ValueError(
            f'every query must have its identity in the gallery, but {num_missing} of {cosine.num_queries} have not'
        )
    hits = np.empty((cosine.num_queries, len(topk)))
    precision, penalty, tied = np.empty((3, cosine.num_queries))
    for rows, places in ranks_of_relevant(cosine, relevant):
        counts = relevant.counts[rows]
        groups = TiedGroups.of(counts, *(table.cpu().numpy() for table in (places.above, places.tied)))
        tied[rows] = groups.are_mixed
        if ties == 'expected':
            hits[rows] = expected_hits(groups, topk)
            precision[rows], penalty[rows] = expected_precision(groups), expected_penalty(groups)
        else:
            first, precision[rows], penalty[rows] = _per_query(places.ranks, counts)
            hits[rows] = first[:, None] <= np.array(topk)
    metrics = {f'R{k}': 100.0 * float(np.mean(hits[matched, number])) for number, k in enumerate(topk)}
    metrics['mAP'] = 100.0 * float(np.mean(precision[matched]))
    metrics['mINP'] = 100.0 * float(np.mean(penalty[matched]))
    if allow_missing:
        metrics['num_queries_without_match'] = num_missing
    if count_ties:
        metrics['num_queries_tied'] = int(tied[matched].sum())
    return metrics


@torch.no_grad()
def rank_gallery(
    query_feats: Any,
    gallery_feats: Any,
    topk: int = 10,
    *,
    device: str | torch.device | None = None,
    max_bytes: int = 2**30,
) -> tuple[Tensor, Tensor]:
    """The best gallery items of every query by cosine similarity; equal scores stand in gallery order.

    Args:
        query_feats: (Q, D), as in :func:`retrieval_metrics`.
        gallery_feats: (G, D).
        topk: how many items per query; at most G are returned.
        device: where to compute; None is where ``gallery_feats`` lies.
        max_bytes: memory to use beyond the features and the results.

    Returns:
        cosine similarities (Q, k), descending, and int64 gallery indices (Q, k), both on the computing device, with
        k = min(topk, G).

    Raises:
        ValueError: as in :func:`retrieval_metrics`.
    """
    (topk,) = _checked_topk((topk,))
    cosine = ChunkedCosine(query_feats, gallery_feats, device=device, max_bytes=max_bytes)
    k = min(topk, cosine.num_gallery)
    # Sorting is needed only where equal scores straddle the k-th place, but then perhaps for the whole chunk.
    chunk = cosine.rows_per_chunk(_SORTING_BYTES, 48 * k)
    out, work = cosine.buffers(min(chunk, cosine.num_queries))
    values = torch.empty(cosine.num_queries, k, dtype=cosine.dtype, device=cosine.device)
    indices = torch.empty(cosine.num_queries, k, dtype=torch.int64, device=cosine.device)
    for rows in torch.arange(cosine.num_queries, device=cosine.device).split(chunk):
        scores = cosine.scores(rows, out)
        indices[rows] = best = _stable_topk(scores, k, work[: len(rows)])
        values[rows] = scores.gather(1, best) * cosine.query_scale[rows, None]
    return values, indices


def _stable_topk(scores: Tensor, k: int, work: Tensor) -> Tensor:
    """Indices (n, k) of the highest scores (n, G), equal ones by index."""
    values, indices = scores.topk(k, dim=1)
    last = values[:, -1:]
    straddles = torch.eq(scores, last, out=work).sum(1) > (values == last).sum(1)
    # topk says nothing about the order of equals: sort by index, then stably by score.
    indices = indices.sort(dim=1).values
    order = scores.gather(1, indices).argsort(dim=1, descending=True, stable=True)
    indices = indices.gather(1, order)
    if straddles.any():
        indices[straddles] = scores[straddles].argsort(dim=1, descending=True, stable=True)[:, :k]
    return indices


class Relevant:
    """Which gallery items have a query's identity: lists of gallery indices by identity (CSR).

    Attributes:
        counts: int64 (Q,), number of relevant items per query.
    """

    def __init__(self, query_pids: np.ndarray, gallery_pids: np.ndarray, device: torch.device) -> None:
        pids, inverse = np.unique(gallery_pids, return_inverse=True)
        sizes = np.bincount(inverse, minlength=len(pids))
        slot = np.searchsorted(pids, query_pids).clip(max=len(pids) - 1)
        known = pids[slot] == query_pids
        self.counts = np.where(known, sizes[slot], 0)
        self._starts = torch.from_numpy((np.cumsum(sizes) - sizes)[slot]).to(device)
        self._members = torch.from_numpy(np.argsort(inverse, kind='stable')).to(device)

    def items(self, rows: Tensor, width: int) -> Tensor:
        """Gallery indices (n, width); what exceeds a query's count repeats other items and means nothing."""
        steps = torch.arange(width, device=self._members.device)
        return self._members[(self._starts[rows, None] + steps).clamp_(max=len(self._members) - 1)]


class Places(NamedTuple):
    """Where the relevant items of n queries are, int64 (n, P) each, by ascending ranks; the ends are padding.

    Attributes:
        ranks: from 1; huge numbers as padding.
        above: gallery items with higher scores.
        tied: gallery items with the same score, the item itself included.
    """

    ranks: Tensor
    above: Tensor
    tied: Tensor


def ranks_of_relevant(cosine: ChunkedCosine, relevant: Relevant) -> Iterator[tuple[np.ndarray, Places]]:
    """Yields query numbers (n,) and the places of their relevant items."""
    counts = relevant.counts
    limit = _MAX_COUNTED if cosine.num_gallery < _MAX_COUNTED_GALLERY else 0
    # Queries with about as many relevant items go together, so that little is computed for padding.
    order = np.argsort(counts, kind='stable')
    few = order[(counts[order] > 0) & (counts[order] <= limit)]
    many = order[counts[order] > limit]
    for group, bytes_per_score, rank in (
        (few, _COUNTING_BYTES[cosine.dtype], _ranks_by_counting),
        (many, _SORTING_BYTES, _ranks_by_sorting),
    ):
        if not len(group):
            continue
        chunk = cosine.rows_per_chunk(bytes_per_score, _BYTES_PER_RELEVANT * int(counts[group].max()))
        out, work = cosine.buffers(min(chunk, len(group)))
        for start in range(0, len(group), chunk):
            rows = group[start : start + chunk]
            index = torch.from_numpy(rows).to(cosine.device)
            items = relevant.items(index, int(counts[rows].max()))
            places = rank(cosine.scores(index, out), items, work[: len(rows)])
            padding = torch.arange(items.size(1)) >= torch.from_numpy(counts[rows])[:, None]
            places.ranks.masked_fill_(padding.to(cosine.device), torch.iinfo(torch.int64).max)
            ranks, by_rank = places.ranks.sort(dim=1)
            yield rows, Places(ranks, places.above.gather(1, by_rank), places.tied.gather(1, by_rank))


def _ranks_by_counting(scores: Tensor, items: Tensor, work: Tensor) -> Places:
    """Places of ``items`` (n, P) in ``scores`` (n, G): one and the number of items that go before.

    Comparisons are written as 0.0 and 1.0 to ``work`` because floats are summed several times faster than booleans.
    """
    own = scores.gather(1, items)
    ranks, higher, tied = (torch.empty_like(items) for _ in range(3))
    position = torch.arange(scores.size(1), device=scores.device)
    for column in range(items.size(1)):
        threshold = own[:, column : column + 1]
        above = torch.gt(scores, threshold, out=work).sum(1)
        not_below = torch.ge(scores, threshold, out=work).sum(1)
        higher[:, column], tied[:, column] = above, not_below - above
        if (not_below - above > 1).any():
            ties = torch.eq(scores, threshold, out=work)
            above += ties.masked_fill_(position >= items[:, column : column + 1], 0).sum(1)
        ranks[:, column] = above + 1
    return Places(ranks, higher, tied)


def _ranks_by_sorting(scores: Tensor, items: Tensor, work: Tensor) -> Places:
    """As :func:`_ranks_by_counting`, at a cost that does not depend on the number of ``items``."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    position = torch.arange(1, scores.size(1) + 1, device=scores.device).expand_as(order)
    ranks = torch.empty_like(order).scatter_(1, order, position).gather(1, items)
    ascending = torch.gather(scores, 1, order, out=work).flip(1)
    own = scores.gather(1, items)
    not_below, above = (scores.size(1) - torch.searchsorted(ascending, own, right=right) for right in (False, True))
    return Places(ranks, above, not_below - above)


def _per_query(ranks: Tensor, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First rank, average precision and inverse negative penalty (n,) from ascending padded ranks (n, P)."""
    table = ranks.cpu().numpy()
    step = np.arange(1, table.shape[1] + 1)
    precision = (step / table * (step <= counts[:, None])).sum(1) / counts
    last = table[np.arange(len(table)), counts - 1]
    return table[:, 0], precision, counts / last


def check_ties(ties: str) -> None:
    """Refuse an unknown rule for equal scores.

    Args:
        ties: one of :data:`TIES`.

    Raises:
        ValueError: it is another.
    """
    if ties not in TIES:
        raise ValueError(f'ties must be one of {TIES}, but got {ties!r}')


def _checked_topk(topk: Sequence[int]) -> tuple[int, ...]:
    if any(int(k) != k or k < 1 for k in topk):
        raise ValueError(f'topk must be positive integers, but got {tuple(topk)}')
    return tuple(int(k) for k in topk)


def as_pids(pids: Any, length: int, name: str) -> np.ndarray:
    """Identities as an array ``(length,)``; ValueError where they are of another number."""
    array = pids.detach().cpu().numpy() if isinstance(pids, Tensor) else np.asarray(pids)
    if array.shape != (length,):
        raise ValueError(f'{name} must hold one identity per feature, shape ({length},), but got {array.shape}')
    return array
