from __future__ import annotations

import numpy as np
import pytest
from gallery_parts import exact_scores, unit_rows

from mmt2ireid.gallery import exact
from mmt2ireid.gallery.exact import exact_search


def sorted_in_float64(queries, rows, k, mask=None):
    numbers = np.arange(len(rows)) if mask is None else np.flatnonzero(mask)
    scores = exact_scores(queries, rows)[:, numbers]
    order = np.argsort(-scores, axis=1, kind='stable')[:, :k]
    return np.take_along_axis(scores, order, 1), numbers[order]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(exact, '_CHUNK_SCORES', 4096)
    monkeypatch.setattr(exact, '_MIN_ROWS', 96)
    monkeypatch.setattr(exact, '_TILE', 16)
    monkeypatch.setattr(exact, '_MAX_QUERIES', 50)


@pytest.mark.parametrize('seed', range(24))
def test_it_is_a_stable_sort_in_float64(seed, small_chunks):
    rng = np.random.default_rng(seed)
    num, dim = int(rng.integers(1, 3000)), int(rng.choice([1, 3, 16, 64, 130]))
    rows = unit_rows(num, dim, seed)
    if seed % 3 == 0:
        rows = rows[rng.integers(0, max(1, num // 5), num)]  # many equal rows
    if seed % 7 == 0:
        rows[:] = rows[0]
    queries = np.concatenate([unit_rows(int(rng.choice([1, 7, 64])), dim, seed + 1), rows[:3]])
    mask = None if seed % 2 else rng.random(num) < rng.choice([0, 0.01, 0.3, 0.8, 1])
    blocks = np.split(rows, np.sort(rng.integers(0, num + 1, 3)))
    for k in (1, 10, num, num + 5) if num < 500 else (1, 10, 200):
        scores, found = exact_search(queries, blocks, k, mask)
        expected_scores, expected = sorted_in_float64(queries, rows, k, mask)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize('order', ['ascending', 'descending'])
def test_any_order_of_rows(order):
    queries, rows = unit_rows(1, 32), unit_rows(20_000, 32, 1)
    rows = rows[np.argsort(rows @ queries[0])]
    rows = rows if order == 'ascending' else rows[::-1]
    _, found = exact_search(queries, [rows], 50)
    np.testing.assert_array_equal(found, sorted_in_float64(queries, rows, 50)[1])


def test_scores_a_rounding_apart_are_told_apart():
    # In float32 both products round alike; row 1 is better in float64.
    rows = np.array([[1, 0, 0], [1, 2e-5, 0]], dtype=np.float32)
    queries = np.array([[1, 1e-4, 0]], dtype=np.float32)
    assert (queries @ rows.T)[0, 0] == (queries @ rows.T)[0, 1]
    np.testing.assert_array_equal(exact_search(queries, [rows], 2)[1], [[1, 0]])


def test_the_result_does_not_depend_on_the_blocks():
    queries, rows = unit_rows(5, 33), np.repeat(unit_rows(7, 33, 1), 700, axis=0)
    whole = exact_search(queries, [rows], 30)
    for size in (1, 13, 1000):
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        for got, expected in zip(exact_search(queries, blocks, 30), whole, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_nothing_to_find():
    queries, rows = unit_rows(4), unit_rows(10)
    assert exact_search(queries, [], 3)[1].shape == (4, 0)
    assert exact_search(queries, [rows], 3, np.zeros(10, dtype=bool))[1].shape == (4, 0)
    assert exact_search(queries[:0], [rows], 3)[1].shape[0] == 0


@pytest.mark.parametrize(
    ('args', 'words'),
    [
        ((unit_rows(2), [unit_rows(3)], 0), 'k must be at least 1'),
        ((unit_rows(2)[0], [unit_rows(3)], 1), r'queries must have shape \(Q, D\)'),
        ((unit_rows(2), [unit_rows(3, 9)], 1), r'blocks must have shape \(N, 8\)'),
        ((unit_rows(2), [unit_rows(3)], 1, np.ones(2, dtype=bool)), 'mask must have one entry per row'),
        ((unit_rows(2), [unit_rows(3)], 1, np.ones(4, dtype=bool)), 'mask must have one entry per row'),
        ((unit_rows(300), iter([unit_rows(3)]), 1), 'blocks must be a sequence'),
    ],
)
def test_bad_arguments(args, words):
    with pytest.raises(ValueError, match=words):
        exact_search(*args)
