from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from mmt2ireid.evaluation import rank_gallery, retrieval, retrieval_metrics, similarity


def naive_metrics(query, gallery, query_pids, gallery_pids, topk=(1, 5, 10)):
    """One query after the other in float64, with a full stable sort."""
    query, gallery = np.asarray(query, np.float64), np.asarray(gallery, np.float64)
    lengths = np.maximum(np.sqrt((gallery**2).sum(1)), 1e-12)
    hits_at, precisions, penalties = {k: [] for k in topk}, [], []
    for feat, pid in zip(query, query_pids, strict=True):
        order = np.argsort(-((gallery @ feat) / lengths), kind='stable')
        ranks = [rank for rank, item in enumerate(order, 1) if gallery_pids[item] == pid]
        for k in topk:
            hits_at[k].append(ranks[0] <= k)
        precisions.append(np.mean([found / rank for found, rank in enumerate(ranks, 1)]))
        penalties.append(len(ranks) / ranks[-1])
    metrics = {f'R{k}': 100 * np.mean(values) for k, values in hits_at.items()}
    return {**metrics, 'mAP': 100 * np.mean(precisions), 'mINP': 100 * np.mean(penalties)}


def make_split(num_queries=37, num_gallery=53, num_pids=9, width=16, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(num_pids, width))
    gallery_pids = np.concatenate([np.arange(num_pids), rng.integers(num_pids, size=num_gallery - num_pids)])
    query_pids = rng.integers(num_pids, size=num_queries)
    query = centres[query_pids] + noise * rng.normal(size=(num_queries, width))
    gallery = centres[gallery_pids] + noise * rng.normal(size=(num_gallery, width))
    return query, gallery, query_pids, gallery_pids


def make_ties(seed=0):
    """Features of two values and a square number of entries: scores are exact in any arithmetic, and most tie."""
    rng = np.random.default_rng(seed)
    _, _, query_pids, gallery_pids = make_split(seed=seed)
    signs = [rng.choice([-1.0, 1.0], size=(len(pids), 4)) for pids in (query_pids, gallery_pids)]
    return signs[0], signs[1], query_pids, gallery_pids


@pytest.fixture(params=['counting', 'sorting'])
def path(request, monkeypatch):
    monkeypatch.setattr(retrieval, '_MAX_COUNTED', 10**6 if request.param == 'counting' else 0)


@pytest.mark.parametrize('seed', range(4))
def test_equals_naive_loop(path, seed):
    split = make_split(seed=seed)
    assert retrieval_metrics(*split) == pytest.approx(naive_metrics(*split), abs=1e-9)
    as_float32 = [torch.from_numpy(split[0]).float(), torch.from_numpy(split[1]).float(), *split[2:]]
    assert retrieval_metrics(*as_float32) == pytest.approx(naive_metrics(*split), abs=1e-4)


@pytest.mark.parametrize('seed', range(4))
def test_ties_are_broken_by_gallery_order(path, seed):
    split = make_ties(seed)
    assert retrieval_metrics(*split) == pytest.approx(naive_metrics(*split), abs=1e-9)


@pytest.mark.parametrize('num_queries', [1, 2, 7])
def test_repeated_rows_tie_whatever_the_matrix_product_rounds(path, num_queries):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(5, 333)).astype(np.float32)
    rows[rows < -2] = 0
    gallery = rows[np.arange(203) % 5]
    gallery[100:][gallery[100:] == 0] = -0.0
    query = rng.normal(size=(num_queries, 333)).astype(np.float32)
    gallery_pids = rng.permutation(203)
    query_pids = gallery_pids[np.arange(num_queries) * 29]
    # In integers: the naive reference is free of rounding too.
    of_row = (query.astype(np.float64) @ rows.T.astype(np.float64)) / np.linalg.norm(rows.astype(np.float64), axis=1)
    order = np.argsort(-of_row[:, np.arange(203) % 5], axis=1, kind='stable')
    ranks = [list(gallery_pids[line]).index(pid) + 1 for line, pid in zip(order, query_pids, strict=True)]
    found = retrieval_metrics(query, gallery, query_pids, gallery_pids)
    assert found['mAP'] == pytest.approx(100 * np.mean(1 / np.array(ranks)), abs=1e-9)
    np.testing.assert_array_equal(rank_gallery(query, gallery, 203)[1], order)


def test_repeated_rows_are_found():
    rows = [[0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0]]
    for dtype in (torch.float16, torch.float32, torch.float64):
        cosine = similarity.ChunkedCosine(torch.ones(1, 2), torch.tensor(rows, dtype=dtype))
        assert (cosine._repeated.tolist(), cosine._originals.tolist()) == ([2, 3, 5], [0, 1, 1])


def test_known_answer():
    query, gallery = [[1.0, 0.0]], [[9.0, 1.0], [1.0, 0.0], [0.0, 5.0], [1.0, 1.0]]
    found = retrieval_metrics(query, gallery, [4], [4, 0, 4, 1], topk=(1, 2))
    assert found == pytest.approx({'R1': 0.0, 'R2': 100.0, 'mAP': 100 * (1 / 2 + 2 / 4) / 2, 'mINP': 100 * 2 / 4})


def test_chunk_size_does_not_matter(path):
    for split in (make_split(), make_ties()):
        expected = retrieval_metrics(*split)
        assert retrieval_metrics(*split, max_bytes=9000) == pytest.approx(expected, abs=1e-12)


def test_small_budget_makes_small_chunks(monkeypatch):
    seen = []
    original = similarity.ChunkedCosine.scores
    monkeypatch.setattr(
        similarity.ChunkedCosine, 'scores', lambda self, rows, out: seen.append(len(rows)) or original(self, rows, out)
    )
    retrieval_metrics(*make_split(), max_bytes=9000)
    assert len(seen) > 3 and sum(seen) == 37
    with pytest.raises(ValueError, match='max_bytes must be at least'):
        retrieval_metrics(*make_split(), max_bytes=500)


def test_order_of_queries_does_not_matter():
    query, gallery, query_pids, gallery_pids = make_split()
    order = np.random.default_rng(5).permutation(len(query))
    shuffled = retrieval_metrics(query[order], gallery, query_pids[order], gallery_pids)
    assert shuffled == pytest.approx(retrieval_metrics(query, gallery, query_pids, gallery_pids), abs=1e-12)


def test_one_identity_and_one_query(path):
    query, gallery, *_ = make_split()
    found = retrieval_metrics(query, gallery, [5] * 37, [5] * 53)
    assert found == {'R1': 100.0, 'R5': 100.0, 'R10': 100.0, 'mAP': 100.0, 'mINP': 100.0}
    split = make_split(num_queries=1)
    assert retrieval_metrics(*split) == pytest.approx(naive_metrics(*split), abs=1e-9)
    assert retrieval_metrics([[1.0]], [[1.0]], [0], [0], topk=(1, 50))['R50'] == 100.0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    query, gallery, query_pids, gallery_pids = make_split(width=64)
    halves = [torch.from_numpy(query).to(dtype), torch.from_numpy(gallery).to(dtype)]
    expected = retrieval_metrics(halves[0].float(), halves[1].float(), query_pids, gallery_pids)
    assert retrieval_metrics(*halves, query_pids, gallery_pids) == pytest.approx(expected, abs=1e-12)
    small = retrieval_metrics(*halves, query_pids, gallery_pids, max_bytes=10_000)  # the gallery in blocks
    assert small == pytest.approx(expected, abs=1e-12)


def test_autocast_and_fast_matmul_are_off_and_come_back():
    query, gallery, *_ = make_split(width=64)
    features = torch.from_numpy(query).float(), torch.from_numpy(gallery).float()
    expected = rank_gallery(*features, 53)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('medium')
    try:
        with torch.autocast('cpu', dtype=torch.bfloat16):
            scores, indices = rank_gallery(*features, 53)
            assert torch.is_autocast_enabled('cpu')
        assert torch.get_float32_matmul_precision() == 'medium'
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(scores, expected[0]) and torch.equal(indices, expected[1])


def test_length_of_features_does_not_matter():
    query, gallery, query_pids, gallery_pids = make_split()
    expected = naive_metrics(query, gallery, query_pids, gallery_pids)
    scale = 10.0 ** np.linspace(-8, 25, len(gallery))[:, None]
    found = retrieval_metrics(
        torch.from_numpy(query).float() * 1e20, torch.from_numpy(gallery * scale).float(), query_pids, gallery_pids
    )
    assert found == pytest.approx(expected, abs=1e-4)
    gallery[3] = 0
    assert np.isfinite(rank_gallery(query, gallery, 53)[0]).all()


def test_accepts_lists_arrays_tensors_and_leaves_them_alone():
    query, gallery, query_pids, gallery_pids = make_split()
    expected = retrieval_metrics(query, gallery, query_pids, gallery_pids)
    tensors = torch.from_numpy(query.copy()).requires_grad_(), torch.from_numpy(gallery.copy())
    assert retrieval_metrics(*tensors, torch.from_numpy(query_pids), torch.from_numpy(gallery_pids)) == expected
    assert np.array_equal(tensors[0].detach().numpy(), query) and np.array_equal(tensors[1].numpy(), gallery)
    assert retrieval_metrics(query.tolist(), list(tensors[1]), list(query_pids), list(gallery_pids)) == expected
    query.flags.writeable = False
    assert retrieval_metrics(query, gallery[::-1], query_pids, gallery_pids[::-1]) == pytest.approx(expected)


def test_queries_without_match():
    query, gallery, query_pids, gallery_pids = make_split()
    query_pids[[2, 5]] = [77, -3]
    with pytest.raises(ValueError, match='2 of 37'):
        retrieval_metrics(query, gallery, query_pids, gallery_pids)
    found = retrieval_metrics(query, gallery, query_pids, gallery_pids, allow_missing=True)
    kept = np.delete(np.arange(37), [2, 5])
    assert found.pop('num_queries_without_match') == 2
    assert found == pytest.approx(naive_metrics(query[kept], gallery, query_pids[kept], gallery_pids), abs=1e-9)
    with pytest.raises(ValueError, match='37 of 37'):
        retrieval_metrics(query, gallery, query_pids + 1000, gallery_pids, allow_missing=True)


def test_bad_input_is_named():
    query, gallery, query_pids, gallery_pids = make_split()
    bad = gallery.copy()
    bad[[1, 4, 9], 2] = [np.nan, np.inf, -np.inf]
    with pytest.raises(ValueError, match='gallery_feats must be finite, but got 3 of 53 rows'):
        retrieval_metrics(query, bad, query_pids, gallery_pids)
    with pytest.raises(ValueError, match='equally wide, but got 16 and 15'):
        retrieval_metrics(query, gallery[:, 1:], query_pids, gallery_pids)
    with pytest.raises(ValueError, match='query_pids must hold one identity per feature'):
        retrieval_metrics(query, gallery, query_pids[1:], gallery_pids)
    with pytest.raises(ValueError, match='query_feats must be a matrix'):
        retrieval_metrics(query[0], gallery, query_pids, gallery_pids)
    with pytest.raises(ValueError, match='not empty'):
        retrieval_metrics(query, gallery[:0], query_pids, gallery_pids[:0])
    with pytest.raises(ValueError, match='topk must be positive integers'):
        retrieval_metrics(query, gallery, query_pids, gallery_pids, topk=(0, 5))


@pytest.mark.parametrize('topk', [1, 7, 53, 99])
def test_rank_gallery_is_a_stable_sort(topk):
    for query, gallery, *_ in (make_split(), make_ties()):
        cosine = (query @ gallery.T) / np.outer(np.linalg.norm(query, axis=1), np.linalg.norm(gallery, axis=1))
        order = np.argsort(-(query @ gallery.T) / np.linalg.norm(gallery, axis=1), axis=1, kind='stable')[:, :topk]
        for max_bytes in (2**30, 12_000):
            scores, indices = rank_gallery(query, gallery, topk, max_bytes=max_bytes)
            np.testing.assert_array_equal(indices.numpy(), order)
            np.testing.assert_allclose(scores.numpy(), np.take_along_axis(cosine, order, 1), atol=1e-12)


def test_equals_torchmetrics():
    torchmetrics = pytest.importorskip('torchmetrics')
    query, gallery, query_pids, gallery_pids = make_split(num_queries=20)
    cosine = (query @ gallery.T) / np.outer(np.linalg.norm(query, axis=1), np.linalg.norm(gallery, axis=1))
    arguments = {
        'preds': torch.from_numpy(cosine).flatten() + 2,  # torchmetrics takes negative scores for 'not retrieved'
        'target': torch.from_numpy(query_pids[:, None] == gallery_pids).flatten(),
        'indexes': torch.arange(20).repeat_interleave(53),
    }
    found = retrieval_metrics(query, gallery, query_pids, gallery_pids)
    expected = torchmetrics.retrieval.RetrievalMAP()(**arguments)
    assert found['mAP'] == pytest.approx(100 * float(expected), abs=1e-3)
    for k in (1, 5, 10):
        expected = torchmetrics.retrieval.RetrievalHitRate(top_k=k)(**arguments)
        assert found[f'R{k}'] == pytest.approx(100 * float(expected), abs=1e-3)


_BIG = """
import torch
from mmt2ireid.evaluation import rank_gallery, retrieval_metrics

def peak():
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmHWM')) * 1024

torch.manual_seed(0)
pids = torch.arange(20_000) % 5_000
query, gallery = torch.randn(20_000, 256), torch.randn(20_000, 256)
retrieval_metrics(query[:300], gallery[:300], pids[:300], pids[:300])
before = peak()
retrieval_metrics(query, gallery, pids, pids)
rank_gallery(query, gallery, 10)
pids = torch.arange(20_000) % 2
retrieval_metrics(query[:2_000], gallery, pids[:2_000], pids)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads the peak memory from /proc')
def test_memory_of_20000_by_20000():
    done = subprocess.run([sys.executable, '-c', _BIG], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 2**30
