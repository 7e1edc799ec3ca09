"""First ranks, CMC curve and histogram against loops over all pairs in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmt2ireid.evaluation import cmc_curve, first_ranks, retrieval_metrics, similarity_histogram


def problem(seed, queries=37, gallery=53, persons=11, width=6, ties=False):
    rng = np.random.default_rng(seed)
    query, items = rng.normal(size=(queries, width)), rng.normal(size=(gallery, width))
    if ties:
        query, items = np.round(query), np.round(items)
        query[(query == 0).all(1)] = items[(items == 0).all(1)] = 1
        items[gallery // 2 :] = items[: gallery - gallery // 2]
    owners = rng.integers(persons, size=gallery)
    return query, items, rng.choice(owners, queries), owners


def cosine(a, b):
    return float(a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)))


def naive_first_ranks(query, items, query_pids, pids):
    ranks = []
    for row, pid in zip(query, query_pids, strict=True):
        scores = [round(cosine(row, item), 12) for item in items]
        order = sorted(range(len(items)), key=lambda number: (-scores[number], number))
        hits = [rank for rank, number in enumerate(order, 1) if pids[number] == pid]
        ranks.append(hits[0] if hits else 0)
    return ranks


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('ties', [False, True])
def test_first_ranks_and_cmc_equal_a_loop(seed, ties):
    given = problem(seed, ties=ties)
    ranks = first_ranks(*given, max_bytes=12_000)
    expected = naive_first_ranks(*given)
    assert ranks.tolist() == expected
    curve = cmc_curve(ranks, 60)
    for k in range(1, 61):
        assert curve[k - 1] == pytest.approx(100 * sum(rank <= k for rank in expected) / len(expected), abs=1e-12)


def test_the_curve_goes_through_the_metrics():
    given = problem(9)
    metrics, curve = retrieval_metrics(*given), cmc_curve(first_ranks(*given), 10)
    assert [curve[k - 1] for k in (1, 5, 10)] == pytest.approx([metrics[f'R{k}'] for k in (1, 5, 10)])


def test_a_query_without_match_has_rank_zero_and_counts_in_no_curve():
    query, items, query_pids, pids = problem(1)
    query_pids[5] = 999
    ranks = first_ranks(query, items, query_pids, pids)
    assert ranks.tolist() == naive_first_ranks(query, items, query_pids, pids) and ranks[5] == 0
    assert (cmc_curve(ranks, 7) == cmc_curve(np.delete(ranks, 5), 7)).all()


@pytest.mark.parametrize('bins', [1, 7, 200])
@pytest.mark.parametrize('persons', [1, 11])
def test_histogram_equals_a_loop(bins, persons):
    query, items, query_pids, pids = problem(2, persons=persons)
    expected = np.zeros((2, bins), dtype=int)
    for row, own in zip(query, query_pids, strict=True):
        for item, pid in zip(items, pids, strict=True):
            place = min(int((cosine(row, item) + 1) * bins / 2), bins - 1)
            expected[int(own != pid), place] += 1
    steps = []
    found = similarity_histogram(query, items, query_pids, pids, bins=bins, max_bytes=20_000, progress=steps.append)
    assert found.matching.tolist() == expected[0].tolist()
    assert found.other.tolist() == expected[1].tolist()
    assert len(steps) > 1 and sum(steps) == len(query)
    assert found.edges[[0, -1]].tolist() == [-1, 1] and len(found.edges) == bins + 1


def test_histogram_holds_no_matrix_of_all_pairs():
    """Within 1 MB, where all pairs would take 36 MB."""
    rng = np.random.default_rng(0)
    feats, pids = rng.normal(size=(3000, 4)).astype(np.float32), np.arange(3000)
    shapes = []
    original = torch.Tensor.to

    def watch(tensor, *args, **kwargs):
        shapes.append(tensor.numel())
        return original(tensor, *args, **kwargs)

    torch.Tensor.to = watch
    try:
        found = similarity_histogram(feats, feats, pids, pids, max_bytes=2**20)
    finally:
        torch.Tensor.to = original
    assert max(shapes) * 8 <= 2**20
    assert found.matching.sum() == 3000 and found.matching[-1] == 3000
    assert found.other.sum() == 3000 * 2999


def test_opposite_and_equal_features_stay_in_the_outermost_bins():
    feats = torch.tensor([[0.1, 0.3, 0.7], [-0.1, -0.3, -0.7]])
    found = similarity_histogram(feats, feats * 3, [0, 1], [0, 1], bins=5)
    assert found.matching.tolist() == [0, 0, 0, 0, 2] and found.other.tolist() == [2, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: cmc_curve([1], 0), 'max_rank must be at least 1, but got 0'),
        (lambda: cmc_curve([0, 0]), 'ranks must be integers'),
        (lambda: cmc_curve([1, -1]), 'ranks must be integers'),
        (lambda: cmc_curve([1.5]), 'ranks must be integers'),
        (lambda: similarity_histogram([[1.0]], [[1.0]], [0], [0], bins=0), 'bins must be at least 1, but got 0'),
        (lambda: similarity_histogram([[1.0]], [[1.0]], [0, 1], [0]), 'query_pids must hold one identity'),
        (lambda: first_ranks([[1.0]], [[float('nan')]], [0], [0]), 'gallery_feats must be finite'),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
