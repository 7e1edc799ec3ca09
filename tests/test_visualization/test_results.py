"""Plots of an evaluation, and which queries are shown as successes and failures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from mmt2ireid.visualization import (
    SavedFeatures,
    choose_successes,
    draw_cmc,
    draw_result_strips,
    draw_similarity_histogram,
    result_strips,
    worst_failures,
)


def test_worst_failures_are_those_ranked_last():
    ranks = [1, 9, 4, 9, 30, 2, 1, 8]
    pids = [0, 1, 2, 3, 4, 5, 6, 7]
    assert worst_failures(ranks, pids, 3) == [4, 1, 3]
    assert worst_failures(ranks, pids, 99) == [4, 1, 3, 7, 2, 5]


def test_a_person_comes_twice_only_where_others_do_not_fill_the_rows():
    ranks, pids = [50, 40, 30, 20, 1, 0], [7, 7, 7, 8, 9, 9]
    assert worst_failures(ranks, pids, 2) == [0, 3]
    assert worst_failures(ranks, pids, 3) == [0, 3, 1]
    assert worst_failures(ranks, pids, 9) == [0, 3, 1, 2]


def test_successes_have_rank_one_and_are_drawn_by_the_seed():
    rng = np.random.default_rng(0)
    ranks, pids = rng.integers(1, 4, 200), np.arange(200) // 4
    chosen = choose_successes(ranks, pids, 8)
    assert chosen == choose_successes(ranks, pids, 8) != choose_successes(ranks, pids, 8, seed=1)
    assert len(chosen) == len(set(pids[chosen])) == 8 and (ranks[chosen] == 1).all()
    assert choose_successes([2, 3], [0, 1], 4) == []


def test_bad_choices_are_named():
    with pytest.raises(ValueError, match='num_rows must be at least 1, but got 0'):
        worst_failures([2], [0], 0)
    with pytest.raises(ValueError, match='pids must have 2 entries'):
        choose_successes([1, 1], [0], 1)


def test_strips_say_where_the_first_right_picture_stands(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    feats = rng.normal(size=(8, 4)).astype(np.float32)
    split = SavedFeatures(feats, -feats, np.arange(8), np.arange(8), [f'{n}.png' for n in range(8)], ['a'] * 8)
    drawn = []
    monkeypatch.setattr(result_strips, 'draw_ranked_strips', lambda rows, path, style: drawn.extend(rows) or path)
    ranks = [1, 8, 8, 8, 8, 8, 8, 8]
    scores, found = np.array([[0.9, 0.8, 0.8]] * 2), np.array([[0, 5, 2], [6, 1, 7]])
    load = dict(load_image=lambda _: Image.new('RGB', (4, 8)))
    draw_result_strips(split, [0, 3], ranks, (scores, found), tmp_path / 'x.png', **load)
    assert [row.query_note for row in drawn] == ['', 'hit at 8']
    assert [row.hits for row in drawn] == [[True, False, False], [False] * 3]
    assert [row.scores for row in drawn] == scores.tolist()
    with pytest.raises(FileNotFoundError, match=r'\.png: the image is not there'):
        draw_result_strips(split, [0], ranks, (scores[:1], found[:1]), tmp_path / 'x.png', data_root=tmp_path)


def has_colour(path, colour):
    with Image.open(path) as picture:
        return (np.asarray(picture) == ImageColor.getrgb(colour)).all(2).any()


def test_cmc_is_drawn(tmp_path):
    curve = np.linspace(50, 100, 20)
    one = draw_cmc({'there': curve, 'back': curve - 10}, tmp_path / 'one.png')
    assert has_colour(one, '#2166ac') and has_colour(one, '#d7301f')
    several = draw_cmc({'there': np.stack([curve, curve - 20])}, tmp_path / 'several.png')
    assert has_colour(several, '#2166ac') and not has_colour(several, '#d7301f')
    draw_cmc({'there': curve[:1]}, tmp_path / 'a_point.png')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a_point.png', 'one.png', 'several.png']


@pytest.mark.parametrize('occupied', [slice(0, 200), slice(150, 199), slice(199, 200), slice(97, 200)])
def test_histogram_is_drawn(tmp_path, occupied):
    edges, matching, other = np.linspace(-1, 1, 201), *np.zeros((2, 200), dtype=int)
    matching[occupied] = 3
    other[occupied] = 5
    path = draw_similarity_histogram(edges, matching, other, tmp_path / 'h.png')
    assert has_colour(path, '#2166ac') and has_colour(path, '#d7301f')


def test_bad_curves_are_named(tmp_path):
    with pytest.raises(ValueError, match='curves must be one to 4 of equal length'):
        draw_cmc({'a': np.ones(3), 'b': np.ones(4)}, tmp_path / 'x.png')
    with pytest.raises(ValueError, match='curves must be one to 4'):
        draw_cmc({}, tmp_path / 'x.png')
    with pytest.raises(ValueError, match='at least one pair'):
        draw_similarity_histogram(np.linspace(-1, 1, 3), np.zeros(2), np.zeros(2), tmp_path / 'x.png')
    with pytest.raises(ValueError, match='must have 2 entries'):
        draw_similarity_histogram(np.linspace(-1, 1, 3), np.ones(3), np.zeros(2), tmp_path / 'x.png')
    assert not list(tmp_path.iterdir())
