from __future__ import annotations

import numpy as np
import pytest
import torch
from naive_labeling import make_features, naive_reliable

from mmt2ireid.labeling import Reliability, cluster, jaccard_distance, keep_reliable


def random_labels(count, clusters, seed):
    return np.random.default_rng(seed).integers(-1, clusters, size=count)


@pytest.mark.parametrize(('independence', 'naive'), [('best', max), ('worst', min)])
@pytest.mark.parametrize('seed', range(20))
def test_equals_sets(seed, independence, naive):
    """Arbitrary labels, also such as no clustering would give."""
    labels = random_labels(60, 12, seed)
    tight = np.where(random_labels(60, 3, seed + 100) < 2, labels, random_labels(60, 9, seed + 200))
    loose = np.where(random_labels(60, 9, seed + 300) < 7, labels // 2, random_labels(60, 5, seed + 400))
    kept, threshold = keep_reliable(labels, tight, loose, independence=independence)
    expected, expected_threshold = naive_reliable(labels, tight, loose, None, naive)
    assert kept.dtype == np.int64 and kept.tolist() == expected
    assert threshold == pytest.approx(expected_threshold, abs=1e-12)
    for frozen in (0.0, 0.4, 0.7, 1.0):
        found = keep_reliable(labels, tight, loose, frozen, independence)[0]
        assert found.tolist() == naive_reliable(labels, tight, loose, frozen, naive)[0]


@pytest.mark.parametrize('noise', [0.6, 0.8, 1.0])
def test_equals_sets_on_real_clusterings(noise):
    graph = jaccard_distance(make_features(400, 40, noise=noise)[0], 15, 4)
    labels, tight, loose = (cluster(graph, eps) for eps in (0.55, 0.5, 0.6))
    kept, _ = keep_reliable(labels, tight, loose)
    assert kept.tolist() == naive_reliable(labels, tight, loose)[0]
    assert (kept < 0).sum() > (labels < 0).sum() and kept.max() > 0


def test_by_hand():
    labels = [0, 0, 0, 0, 1, 1, 2, 2, -1]
    tight = [0, 0, 0, -1, 1, -1, 2, 2, -1]
    loose = [0, 0, 0, 0, 1, 1, 1, 1, -1]
    # Independence 1, 1/2, 1/2. Of cluster 0 the tight three stay; of 1 both, which are equally compact.
    assert keep_reliable(labels, tight, loose, 0.5)[0].tolist() == [0, 0, 0, -1, 1, 1, 2, 2, -1]
    assert keep_reliable(labels, tight, loose, 0.6)[0].tolist() == [0, 0, 0, -1, -1, -1, -1, -1, -1]
    # Compactness 1/2 and 1/4: one would stay, which is no cluster.
    assert keep_reliable([0, 0, -1, -1], [0, 1, 1, 1], [0, 0, -1, -1])[0].tolist() == [-1] * 4


def test_a_cluster_is_as_independent_as_its_best_member():
    """As in SpCL's code, run on dense matrices of who shares a cluster with whom."""
    labels, loose = np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 1, 1])
    same, same_loose = labels[:, None] == labels, loose[:, None] == loose
    overlap = (same & same_loose).sum(1) / (same | same_loose).sum(1)
    assert [overlap[labels == cluster].max() for cluster in (0, 1)] == [0.75, 0.8]
    assert keep_reliable(labels, labels, loose, 0.5)[0].tolist() == labels.tolist()
    assert keep_reliable(labels, labels, loose)[1] == 0.75
    worst = dict(independence='worst')
    assert keep_reliable(labels, labels, loose, 0.5, **worst)[0].tolist() == [-1] * 4 + [0] * 4
    assert keep_reliable(labels, labels, loose, **worst)[1] == 0.125
    assert Reliability(0.5, **worst)(labels, labels, loose).tolist() == [-1] * 4 + [0] * 4


def test_the_first_threshold_is_passed_by_nine_in_ten():
    sizes = np.arange(2, 22)
    labels = np.repeat(np.arange(20), sizes)
    loose = np.append(labels, np.repeat(np.arange(20), 3))  # each grows by three: the larger, the more independent
    labels = np.append(labels, np.full(60, -1))
    kept, threshold = keep_reliable(labels, labels, loose)
    assert threshold == pytest.approx(3 / 6) and set(labels[kept >= 0]) == set(range(1, 20))
    small = np.repeat([0, 1], 2)
    assert keep_reliable(small, small, np.zeros(4, dtype=int))[1] == 0.5


def test_threshold_is_set_by_the_first_clusters_and_frozen():
    reliability = Reliability()
    nothing = np.full(6, -1)
    assert reliability(nothing, nothing, nothing).tolist() == [-1] * 6 and reliability.threshold is None
    one = np.array([0, 0, 0, 1, 1, 1])
    assert reliability(one, one, one).tolist() == one.tolist() and reliability.threshold == 1.0
    assert reliability(one, one, np.zeros(6, dtype=int)).tolist() == [-1] * 6 and reliability.threshold == 1.0


def test_one_cluster_and_clusters_of_one():
    kept, _ = keep_reliable(torch.tensor([0, 0, 0]), torch.tensor([0, 0, 0]), torch.tensor([0, 0, 0]))
    assert kept.tolist() == [0, 0, 0]
    assert keep_reliable([0, 1, 2], [0, 1, 2], [0, 1, 2])[0].tolist() == [-1, -1, -1]
    assert keep_reliable([], [], [])[0].tolist() == []


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (([0, 1], [0], [0, 1]), 'tight must have 2 entries, but got 1'),
        (([0, 1], [0, 1], [0, 1, 2]), 'loose must have 2'),
        (([0.5, 1], [0, 1], [0, 1]), 'integers'),
        (([[0], [1]], [0, 1], [0, 1]), 'vector'),
        (([0, -2], [0, 1], [0, 1]), '-2 at 1'),
        (([0, 1], [0, 1], [0, 1], 1.5), 'threshold'),
        (([0, 1], [0, 1], [0, 1], float('nan')), 'threshold'),
        (([0, 1], [0, 1], [0, 1], None, 'mean'), r"independence must be one of .* got 'mean'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        keep_reliable(*arguments)


def test_large_input_takes_no_square_of_memory():
    labels = np.arange(300_000) // 3
    kept, _ = keep_reliable(labels, labels, labels // 2 * 2)
    assert kept.max() > 0
