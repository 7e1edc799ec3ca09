"""A clustering that finds nothing, or one cluster: refused where it is known, else warned of; and the run's end."""

from __future__ import annotations

import re

import pytest
from cmmt_parts import CLUSTERING, IMAGES, TinyPeople, tiny_cmmt
from mmengine.runner import Runner
from mmt_parts import tiny_mmt

from mmt2ireid.engine.hooks import ClusteringHook, MutualTeachingHook
from mmt2ireid.engine.launch import run

CAPTIONS = len(TinyPeople())
NONE = dict(eps=0.03, min_samples=IMAGES)


@pytest.fixture
def make(tmp_path, monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    return lambda **changes: tiny_cmmt(tmp_path / 'work', **changes)


def train(cfg) -> Runner:
    return run(cfg, lambda runner: (runner.train(), runner)[1])


def warnings_of(tmp_path) -> list[str]:
    text = next((tmp_path / 'work').glob('*/*.log')).read_text()
    return re.findall(r'WARNING - (epoch \d+: .* clusters?.*)', text)


def test_no_cluster_is_warned_of_and_ends_in_an_error(make, tmp_path):
    with pytest.raises(ValueError, match=r'two clusters of images or more .* in none of 2 epochs did.*work'):
        train(make(epochs=2, clustering=NONE))
    assert (tmp_path / 'work/epoch_2.pth').exists()
    found = warnings_of(tmp_path)
    assert [line[:8] for line in found] == ['epoch 1:', 'epoch 1:', 'epoch 2:', 'epoch 2:']
    assert f'none of the {IMAGES} images is in a cluster with eps=0.03, min_samples={IMAGES} and k1=4' in found[0]
    assert f'none of the {CAPTIONS} captions' in found[1] and 'larger eps, a smaller min_samples' in found[1]


def test_one_cluster_is_warned_of(make, tmp_path):
    """Of the images only: the captions' clusters are as they should be."""
    options = dict(k1=(IMAGES, 4), eps=(0.9, 0.5), refine=())
    with pytest.raises(ValueError, match='two clusters of images'):
        train(make(epochs=1, clustering=options))
    (found,) = warnings_of(tmp_path)
    assert re.search(r'epoch 1: 25 of the 25 images are in one cluster, the only one, with eps=0.9, .* k1=25', found)


def test_two_trivial_clusterings_do_not_agree(make, tmp_path):
    options = dict(k1=(IMAGES, CAPTIONS), eps=0.9)
    with pytest.raises(ValueError, match='two clusters'):
        train(make(epochs=1, clustering=options))
    text = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'clusters of images and of captions cannot be compared, 100.0% of the captions' in text


def test_one_epoch_with_clusters_is_enough(make, tmp_path):
    """Also before a resume: only the first epoch's settings find any."""
    train(make(epochs=1))
    cfg = make(epochs=2, clustering=NONE, resume=True)
    cfg.load_from = str(tmp_path / 'work/epoch_1.pth')
    train(cfg)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(k1=IMAGES + 1), f'k1 must be at most the number of images of the training set, {IMAGES}, but got 26'),
        (dict(k1=(4, CAPTIONS + 1)), f'k1 must be at most the number of captions .* {CAPTIONS}, but got'),
        (dict(min_samples=IMAGES + 1), f'min_samples must be at most the number of images .*{IMAGES}'),
    ],
)
def test_more_neighbors_than_rows_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message):
        train(make(epochs=1, clustering=options))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(eps=0.0), 'eps must be between 0 and 1'),
        (dict(eps=0.01), 'eps and eps_gap must be'),
        (dict(eps=(0.5, 1.5)), 'eps must be between 0 and 1, but got 1.5'),
        (dict(k1=4, k2=5), '1 <= k2 <= k1'),
        (dict(min_samples=0), 'min_samples must be positive'),
        (dict(independence='mean'), 'independence must be one of'),
        (dict(backend='annoy'), 'backend must be one of'),
        (dict(approximate_from=10), "needs backend 'faiss'"),
    ],
)
def test_bad_settings_are_refused_when_the_hook_is_built(options, message):
    with pytest.raises(ValueError, match=message):
        ClusteringHook(dataloader=CLUSTERING['dataloader'], **options)


def test_mutual_teaching_has_no_gap():
    MutualTeachingHook(dataloader={}, eps=0.99)
    with pytest.raises(ValueError, match='eps must be between 0 and 1'):
        MutualTeachingHook(dataloader={}, eps=1.0)


def test_mutual_teaching_is_warned_of_too(tmp_path, monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    with pytest.raises(ValueError, match='two clusters of images or more'):
        train(tiny_mmt(tmp_path / 'work', mutual=NONE, epochs=1))
    assert any('none of the 25 images is in a cluster' in line for line in warnings_of(tmp_path))
