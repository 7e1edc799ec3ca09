from __future__ import annotations

import numpy as np
import pytest
import torch
from naive_labeling import make_features, naive_dbscan, naive_jaccard
from scipy import sparse
from sklearn.cluster import DBSCAN

from mmt2ireid.labeling import cluster, jaccard_distance, mean_of_closest, overlap


def assert_equals_dense(graph, dense, max_distance):
    assert isinstance(graph, sparse.csr_matrix) and graph.dtype == np.float64
    assert graph.has_sorted_indices and graph.max_distance == max_distance
    stored = np.zeros(dense.shape, dtype=bool)
    stored[np.repeat(np.arange(len(dense)), np.diff(graph.indptr)), graph.indices] = True
    assert graph.nnz == stored.sum(), 'an entry is stored twice'
    assert np.array_equal(stored, dense <= max_distance)
    assert np.allclose(graph.toarray()[stored], dense[stored], rtol=0, atol=2e-12)


@pytest.mark.parametrize(
    ('k1', 'k2', 'max_distance', 'noise'),
    [(30, 6, 0.62, 0.5), (20, 6, 0.62, 1.0), (4, 2, 0.5, 0.7), (5, 1, 0.9, 0.3), (30, 30, 0.3, 0.5), (1, 1, 0.6, 0.5)],
)
def test_equals_the_definition(k1, k2, max_distance, noise):
    feats, _ = make_features(300, 30, noise=noise)
    graph = jaccard_distance(feats, k1, k2, max_distance)
    assert_equals_dense(graph, naive_jaccard(feats, k1, k2), max_distance)


def test_the_work_may_be_cut_anywhere(monkeypatch):
    feats, _ = make_features(200, 20)
    whole = jaccard_distance(feats)
    monkeypatch.setattr(overlap, '_CHUNK_WORK', 50)
    monkeypatch.setattr(overlap, '_GROUPS', 7)
    pieces = jaccard_distance(torch.from_numpy(feats))
    assert np.array_equal(whole.indices, pieces.indices) and np.array_equal(whole.indptr, pieces.indptr)
    assert np.allclose(whole.data, pieces.data, rtol=0, atol=1e-14)


def test_order_of_rows_does_not_matter():
    feats, _ = make_features(150, 15)
    order = np.random.default_rng(3).permutation(150)
    assert np.allclose(
        jaccard_distance(feats[order]).toarray(), jaccard_distance(feats).toarray()[order][:, order], atol=1e-12
    )


def test_hubs_that_are_near_everybody():
    rng = np.random.default_rng(0)
    feats = np.concatenate([np.ones((8, 40)), 1 + rng.normal(size=(250, 40))])
    feats[:8] += 0.01 * rng.normal(size=(8, 40))
    assert_equals_dense(jaccard_distance(feats, 20, 6, 0.62), naive_jaccard(feats, 20, 6), 0.62)


@pytest.mark.parametrize('count', [1, 2, 5, 29])
def test_fewer_rows_than_k1(count):
    feats, _ = make_features(count, 3)
    assert_equals_dense(jaccard_distance(feats), naive_jaccard(feats), 0.62)


def test_repeated_rows():
    feats = np.repeat(make_features(40, 10)[0], 5, axis=0)
    graph = jaccard_distance(feats, 12, 4)
    assert_equals_dense(graph, naive_jaccard(feats, 12, 4), 0.62)
    labels = cluster(graph, 0.5)
    assert all(len(set(group)) == 1 for group in labels.reshape(40, 5)) and labels.min() == 0


def test_zero_distances_are_stored_and_count_as_near():
    feats = np.repeat(np.eye(3), 4, axis=0)
    graph = jaccard_distance(feats, 4, 1, 0.5)
    assert graph.nnz == 48 and not graph.data.any()
    assert cluster(graph, 0.1).tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_collapsed_features_are_refused_before_they_fill_the_memory():
    with pytest.raises(ValueError, match='collapsed'):
        jaccard_distance(np.ones((2000, 3), dtype=np.float32), max_pairs=100_000)
    assert cluster(jaccard_distance(np.ones((200, 3))), 0.6).tolist() == [0] * 200


@pytest.mark.parametrize(
    'options',
    [dict(k1=0), dict(k2=0), dict(k1=4, k2=5), dict(max_distance=0), dict(max_distance=1.0), dict(max_pairs=0)],
)
def test_bad_settings(options):
    with pytest.raises(ValueError, match='must be'):
        jaccard_distance(np.eye(10), **options)


def test_bad_features_are_named():
    feats = np.ones((40, 4))
    feats[17, 2] = np.nan
    with pytest.raises(ValueError, match='row 17 of 40'):
        jaccard_distance(feats)


@pytest.mark.parametrize('noise', [0.4, 0.8, 1.2])
@pytest.mark.parametrize('eps', [0.4, 0.5, 0.6])
def test_dbscan_equals_textbook(noise, eps):
    feats, _ = make_features(300, 40, noise=noise)
    labels = cluster(jaccard_distance(feats, 15, 4), eps)
    assert labels.dtype == np.int64
    assert labels.tolist() == naive_dbscan(naive_jaccard(feats, 15, 4), eps, 4).tolist()


def test_labels_of_3000_rows_equal_the_dense_reference():
    feats, _ = make_features(3000, 400, width=64, noise=0.9)
    dense, graph = naive_jaccard(feats), jaccard_distance(feats)
    assert_equals_dense(graph, dense, 0.62)
    for eps in (0.5, 0.58, 0.6, 0.62):
        expected = DBSCAN(eps=eps, min_samples=4, metric='precomputed').fit_predict(dense)
        labels = cluster(graph, eps)
        assert np.array_equal(labels, expected)
        assert labels.max() > 50 and (labels < 0).any(), 'the data should be neither trivial nor hopeless'


def test_faiss_gives_the_same_graph():
    pytest.importorskip('faiss')
    feats, _ = make_features(300, 30)
    one, two = jaccard_distance(feats), jaccard_distance(feats, backend='faiss')
    assert (one != two).nnz == 0 and one.nnz == two.nnz


@pytest.mark.parametrize(
    ('graph', 'options', 'message'),
    [
        (np.zeros((3, 3)), dict(eps=0.5), 'sparse'),
        (sparse.csr_matrix((3, 4)), dict(eps=0.5), 'square'),
        (sparse.eye(3, format='csr'), dict(eps=0), 'eps must be'),
        (sparse.eye(3, format='csr'), dict(eps=1.0), 'eps must be'),
        (sparse.eye(3, format='csr'), dict(eps=float('nan')), 'eps must be'),
        (sparse.eye(3, format='csr'), dict(eps=0.5, min_samples=0), 'min_samples'),
        (jaccard_distance(np.eye(5), 3, 1, 0.4), dict(eps=0.41), r'max_distance=0\.4 .* 0\.41'),
    ],
)
def test_bad_input_of_clustering(graph, options, message):
    with pytest.raises(ValueError, match=message):
        cluster(graph, **options)


def test_clustering_leaves_the_graph_as_it_was_and_warns_of_nothing(recwarn):
    graph = jaccard_distance(make_features(100, 10)[0])
    before = graph.copy()
    cluster(graph, 0.5)
    assert np.array_equal(before.data, graph.data) and np.array_equal(before.indices, graph.indices)
    assert not recwarn.list


def test_distances_that_are_exactly_eps_are_within_it():
    """Rows that share three of four neighbours in their expansions, and nothing else, are 0.4 apart."""
    feats, _ = make_features(300, 40, noise=0.8)
    graph = jaccard_distance(feats, 15, 4)
    assert (graph.data == 0.4).sum() > 5 and np.array_equal(graph.data, graph.data.round(12))
    assert cluster(graph, 0.4).tolist() == naive_dbscan(naive_jaccard(feats, 15, 4), 0.4, 4).tolist()
    assert jaccard_distance(feats, 15, 4, 0.4).nnz == (graph.data <= 0.4).sum()


def test_nothing_and_one_cluster():
    assert cluster(jaccard_distance(np.eye(40), 5, 1), 0.5).tolist() == [-1] * 40
    one = make_features(25, 1, noise=0.01)[0]
    assert cluster(jaccard_distance(one), 0.6).tolist() == [0] * 25


@pytest.mark.parametrize('share', [0.001, 0.01, 0.05])
def test_mean_of_the_closest_pairs_equals_a_sort_of_all(share):
    """As MMT's code finds DBSCAN's eps."""
    feats, _ = make_features(120, 15, noise=0.8)
    feats[7] = feats[6]  # a pair at distance 0 does not count
    dense = naive_jaccard(feats, 10, 3)
    every = np.sort(dense[np.triu_indices(120, 1)])
    every = every[every > 0]
    wanted = every[: round(share * len(every))].mean()
    assert mean_of_closest(jaccard_distance(feats, 10, 3, 0.999), share) == pytest.approx(wanted, abs=1e-12)
    few = jaccard_distance(feats, 10, 3, 0.3)
    assert (mean_of_closest(few, share) is None) == (round(share * len(every)) > (few.data > 0).sum() // 2)


@pytest.mark.parametrize('share', [0.0, 1.0, -1, float('nan')])
def test_a_share_of_pairs_is_between_0_and_1(share):
    with pytest.raises(ValueError, match='share must be between 0 and 1'):
        mean_of_closest(jaccard_distance(make_features(20, 4)[0], 4, 2), share)
