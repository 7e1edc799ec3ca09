"""Batches of clusters, of labels that change."""

from collections import Counter

import numpy as np
import pytest
from test_samplers import per_rank

from mmt2ireid.datasets.samplers import PseudoLabelSampler
from mmt2ireid.registry import DATA_SAMPLERS

PAIRS = 100


def draw_labels(seed, clusters=12, share=0.3):
    """Labels of 100 pairs; some un-clustered, clusters of uneven sizes."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(0, clusters, PAIRS))
    labels[rng.random(PAIRS) < share] = -1
    return rng.permutation(labels)


def make(**changes):
    return PseudoLabelSampler(range(PAIRS), **{**dict(num_clusters=3, num_instances=4, seed=1), **changes})


@pytest.mark.parametrize('world_size', [1, 2])
def test_batches_hold_p_clusters_of_k_pairs(monkeypatch, world_size):
    samplers = per_rank(monkeypatch, world_size, make)
    for epoch in range(2):
        labels = draw_labels(epoch)
        sizes = Counter(labels[labels >= 0].tolist())
        for sampler in samplers:
            sampler.set_epoch(epoch)
            assert sampler.set_labels(labels)
        orders = [[int(i) for i in sampler] for sampler in samplers]
        assert {len(order) for order in orders} == {len(samplers[0])} == {PAIRS // (12 * world_size) * 12}
        for start in range(0, len(orders[0]), 12):
            groups = [np.reshape(order[start : start + 12], (3, 4)) for order in orders]
            clusters = [set(labels[group].tolist()) for batch in groups for group in batch]
            assert all(len(cluster) == 1 and -1 not in cluster for cluster in clusters)
            assert len(set.union(*clusters)) == 3 * world_size
            for batch in groups:
                for group in batch:
                    assert len(set(group.tolist())) == min(4, sizes[labels[group[0]]])


def test_clusters_take_turns():
    """Each as often, give or take one, and all pairs of a cluster before one comes again."""
    labels, sampler = draw_labels(3), make()
    sampler.set_labels(labels)
    order = np.array([int(i) for i in sampler])
    turns = Counter(labels[order[::4]].tolist())
    assert len(turns) == 12 and max(turns.values()) - min(turns.values()) <= 1
    for cluster in turns:
        drawn = Counter(order[labels[order] == cluster].tolist())
        assert max(drawn.values()) - min(drawn.values()) <= 1 or len(drawn) < (labels == cluster).sum()
    seeds = [i.seed for i in sampler]
    assert len(set(seeds)) == len(seeds)


def test_a_function_of_seed_epoch_and_labels():
    def order(labels, epoch, seed=1):
        sampler = make(seed=seed)
        sampler.set_labels(draw_labels(5))  # of the epoch before
        sampler.set_epoch(epoch)
        sampler.set_labels(draw_labels(labels))
        return tuple((int(i), i.seed) for i in sampler)

    assert order(0, 3) == order(0, 3)
    assert len({order(0, 3), order(1, 3), order(0, 4), order(0, 3, seed=2)}) == 4


@pytest.mark.parametrize('labels', [None, np.full(PAIRS, -1), np.zeros(PAIRS, int), np.arange(PAIRS) % 3 - 1])
def test_too_few_clusters_give_all_pairs(monkeypatch, labels):
    samplers = per_rank(monkeypatch, 2, make)
    orders = []
    for sampler in samplers:
        assert labels is None or not sampler.set_labels(labels)
        orders += map(int, sampler)
    assert len(set(orders)) == len(orders) == 96
    assert samplers[0].set_labels(draw_labels(0))  # and back


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(num_clusters=0), 'must be at least 1, but got 0 and 4'),
        (dict(num_clusters=26), 'must hold the 104 pairs of a step on 1 ranks, but got 100'),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
    with pytest.raises(ValueError, match=r'labels must be of shape \(100,\), but got \(99,\)'):
        make().set_labels(np.zeros(99, int))


def test_is_registered():
    config = dict(type='mmt2ireid.PseudoLabelSampler', dataset=range(PAIRS), num_clusters=2, num_instances=2, seed=0)
    assert len(DATA_SAMPLERS.build(config)) == PAIRS


def test_a_cluster_goes_through_its_images_before_one_comes_again():
    images = np.repeat(np.arange(PAIRS // 2), 2)  # two captions each
    of_image = np.random.default_rng(0).integers(0, 6, PAIRS // 2)
    labels, sampler = of_image[images], make()
    sampler.set_labels(labels, images)
    sampler.set_epoch(2)
    order = np.array([int(i) for i in sampler])
    for cluster in range(6):
        drawn = images[order[labels[order] == cluster]]
        size = (of_image == cluster).sum()
        for start in range(0, len(drawn) - size, size):
            assert len(set(drawn[start : start + size])) == size
    sampler.set_labels(labels)
    assert [int(i) for i in sampler] != order.tolist()


def test_images_must_be_one_for_each_pair():
    with pytest.raises(ValueError, match=r'images must be of shape \(100,\)'):
        make().set_labels(draw_labels(0), np.arange(99))
