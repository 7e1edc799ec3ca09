from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from naive_labeling import dense_cosines, make_features, naive_neighbours

from mmt2ireid.labeling import nearest_neighbours


@pytest.mark.parametrize('tile', [1, 7, 64, 100, 1000, None])
def test_equals_a_sort_of_all_cosines(tile):
    feats, _ = make_features(130, 20)
    found = nearest_neighbours(torch.from_numpy(feats), 10, tile=tile)
    assert found.dtype == np.int64 and found.shape == (130, 10)
    assert found.tolist() == naive_neighbours(dense_cosines(feats), 10)


@pytest.mark.parametrize('tile', [5, 16, None])
def test_equal_rows_stand_by_index_after_the_row_itself(tile):
    rng = np.random.default_rng(0)
    feats = rng.normal(size=(6, 8)).astype(np.float32)[rng.integers(6, size=60)]
    feats *= rng.uniform(0.5, 2.0, size=(60, 1)).astype(np.float32) ** (np.arange(60) % 2)[:, None]
    found = nearest_neighbours(feats, 3, tile=tile)
    assert found.tolist() == naive_neighbours(dense_cosines(feats), 3)


def test_all_rows_equal():
    found = nearest_neighbours(np.ones((50, 4), dtype=np.float32), 5, tile=8)
    assert found[0].tolist() == [0, 1, 2, 3, 4] and found[40].tolist() == [40, 0, 1, 2, 3]


def test_rows_that_float32_cannot_tell_apart_are_ordered_in_float64():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(4, 16))
    feats = np.repeat(base, 6, axis=0) + 1e-9 * rng.normal(size=(24, 16))
    assert nearest_neighbours(feats, 5).tolist() == naive_neighbours(dense_cosines(feats), 5)


def test_rows_in_order_of_similarity_are_the_worst_case_and_come_out_right():
    angle = np.linspace(0, 3, 300)
    feats = np.stack([np.cos(angle), np.sin(angle)], axis=1) ** 3
    expected = naive_neighbours(dense_cosines(feats), 9)
    assert nearest_neighbours(feats, 9, tile=32).tolist() == expected


@pytest.mark.parametrize('count', [1, 2, 3, 9])
def test_fewer_rows_than_asked_for(count):
    feats, _ = make_features(count, count)
    found = nearest_neighbours(feats, 10)
    assert found.tolist() == naive_neighbours(dense_cosines(feats), 10)


def test_a_row_of_zeros_is_far_from_all():
    feats = np.array([[1.0, 0.1], [0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    assert nearest_neighbours(feats, 4).tolist() == [[0, 2, 1, 3], [1, 0, 2, 3], [2, 0, 1, 3], [3, 1, 0, 2]]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float16, torch.bfloat16])
def test_other_dtypes(dtype):
    feats = torch.from_numpy(make_features(90, 12)[0]).to(dtype)
    assert nearest_neighbours(feats, 8).tolist() == naive_neighbours(dense_cosines(feats.double().numpy()), 8)


def test_views_and_read_only_arrays():
    feats, _ = make_features(60, 12)
    expected = nearest_neighbours(feats[::-1].copy(), 6)
    view = feats[::-1]
    view.flags.writeable = False
    assert np.array_equal(nearest_neighbours(view, 6), expected)
    assert np.array_equal(nearest_neighbours(torch.from_numpy(feats.T.copy()).T.flip(0), 6), expected)


def test_autocast_does_not_reach_the_search():
    feats, _ = make_features(200, 20)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = nearest_neighbours(feats, 12, tile=64)
    assert np.array_equal(found, nearest_neighbours(feats, 12))


@pytest.mark.parametrize(
    ('feats', 'message'),
    [
        (np.zeros(5), r'matrix.*\(5,\)'),
        (np.zeros((0, 5)), r'not empty'),
        (np.zeros((2, 2), dtype=complex), 'real'),
        (torch.zeros(2, 2, dtype=torch.complex64), 'real'),
        (np.array([['a']]), 'real'),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), 'row 1 of 2'),
        (np.array([[1.0, 2.0], [1.0, 0.0], [np.inf, 1.0]]), 'row 2 of 3'),
    ],
)
def test_bad_features(feats, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(feats, 2)


@pytest.mark.parametrize(
    'options',
    [dict(k=0), dict(k=2, backend='annoy'), dict(k=2, approximate_from=5), dict(k=2, tile=0), dict(k=2, probes=0)],
)
def test_bad_settings(options):
    with pytest.raises(ValueError, match='must be'):
        nearest_neighbours(np.eye(4), **options)


def test_without_faiss_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faiss', None)
    with pytest.raises(ImportError, match=r'mmt2ireid\[faiss\]'):
        nearest_neighbours(np.eye(4), 2, backend='faiss')


def test_faiss_gives_the_same_lists():
    pytest.importorskip('faiss')
    feats, _ = make_features(300, 40)
    assert np.array_equal(nearest_neighbours(feats, 12, backend='faiss'), nearest_neighbours(feats, 12))
    same = np.repeat(feats[:3], 30, axis=0)
    found = nearest_neighbours(same, 40, backend='faiss')
    assert found.shape == (90, 40) and all(len(set(row)) == 40 for row in found.tolist())
    assert found[:, 0].tolist() == list(range(90))


def test_approximate_search_begins_at_the_size_asked_for():
    pytest.importorskip('faiss')
    feats, _ = make_features(2000, 300)
    exact = nearest_neighbours(feats, 10)
    options = dict(backend='faiss', probes=2)
    assert np.array_equal(nearest_neighbours(feats, 10, approximate_from=2001, **options), exact)
    found = nearest_neighbours(feats, 10, approximate_from=2000, **options)
    assert not np.array_equal(found, exact)
    shared = np.mean([len(set(one) & set(two)) / 10 for one, two in zip(found, exact, strict=True)])
    assert shared > 0.6 and found[:, 0].tolist() == list(range(2000))
    again = nearest_neighbours(feats, 10, approximate_from=2000, **options)
    assert np.array_equal(found, again)


def test_rows_for_which_the_inverted_file_finds_too_few_are_searched_exactly():
    pytest.importorskip('faiss')
    feats, _ = make_features(400, 40)
    found = nearest_neighbours(feats, 200, backend='faiss', approximate_from=1, probes=1)
    assert np.array_equal(np.sort(found, axis=1), np.sort(nearest_neighbours(feats, 200), axis=1))
