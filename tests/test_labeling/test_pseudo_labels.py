from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from naive_labeling import comb2, make_features, naive_dbscan, naive_jaccard, naive_reliable
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mmt2ireid.labeling import PseudoLabels, cluster_statistics, label_quality, pseudo_labels


def test_equals_the_steps_of_the_references():
    feats, _ = make_features(300, 30, noise=0.8)
    dense = naive_jaccard(feats, 15, 4)
    middle, tight, loose = (naive_dbscan(dense, eps, 4) for eps in (0.55, 0.5, 0.6))
    found = pseudo_labels(torch.from_numpy(feats), k1=15, k2=4, eps=0.55, eps_gap=0.05)
    expected, threshold = naive_reliable(middle, tight, loose)
    assert isinstance(found, PseudoLabels) and found.labels.tolist() == expected
    assert found.raw_labels.tolist() == middle.tolist() and found.threshold == pytest.approx(threshold)
    assert found.num_pairs == (dense <= 0.6).sum() - 300
    again = pseudo_labels(feats, k1=15, k2=4, eps=0.55, eps_gap=0.05, threshold=1.0)
    assert again.threshold == 1.0 and again.labels.tolist() == naive_reliable(middle, tight, loose, 1.0)[0]


def test_the_papers_settings_find_identities():
    feats, pids = make_features(400, 20, noise=0.4)
    found = pseudo_labels(feats)
    assert label_quality(found.labels, pids)['ari'] > 0.9


def test_no_cluster_leaves_the_threshold_open():
    found = pseudo_labels(np.eye(50), k1=4, k2=1)
    assert found.threshold is None and found.labels.tolist() == [-1] * 50 and not found.num_pairs


def test_one_cluster():
    found = pseudo_labels(make_features(20, 1, noise=0.01)[0])
    assert found.labels.tolist() == [0] * 20 and found.threshold == 1.0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(eps=0.01), 'eps - eps_gap'),
        (dict(eps=0.99), r'eps \+ eps_gap < 1'),
        (dict(eps_gap=0.0), 'eps_gap > 0'),
        (dict(eps=math.nan), 'eps'),
        (dict(min_samples=0), 'min_samples'),
        (dict(k1=3, k2=4), 'k2'),
        (dict(threshold=-0.1), 'threshold'),
        (dict(backend='annoy'), 'backend'),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        pseudo_labels(make_features(40, 5)[0], **options)


def naive_pairs(labels, pids):
    """Precision and recall by looking at every pair."""
    known = [i for i in range(len(labels)) if pids[i] >= 0]
    pairs = [(i, j) for i in known for j in known if i < j]
    found = {(i, j) for i, j in pairs if labels[i] == labels[j] >= 0}
    true = {(i, j) for i, j in pairs if pids[i] == pids[j]}
    return len(found & true) / len(found), len(found & true) / len(true)


@pytest.mark.parametrize('seed', range(5))
def test_quality_equals_all_pairs_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, pids = rng.integers(-1, 9, size=80), rng.integers(-1, 7, size=80)
    found = label_quality(labels, pids)
    precision, recall = naive_pairs(labels, pids)
    assert found['pair_precision'] == pytest.approx(precision) and found['pair_recall'] == pytest.approx(recall)
    own = np.where(labels < 0, 100 + np.arange(80), labels)[pids >= 0]
    assert found['nmi'] == pytest.approx(normalized_mutual_info_score(pids[pids >= 0], own))
    assert found['ari'] == pytest.approx(adjusted_rand_score(pids[pids >= 0], own))


def test_quality_at_its_ends():
    pids = [4, 4, 9, 9, 9]
    assert label_quality([1, 1, 0, 0, 0], pids) == dict(nmi=1.0, ari=1.0, pair_precision=1.0, pair_recall=1.0)
    one = label_quality([0] * 5, pids)
    assert one['pair_precision'] == 4 / comb2(5) and one['pair_recall'] == 1.0
    nothing = label_quality([-1] * 5, pids)
    assert math.isnan(nothing['pair_precision']) and nothing['pair_recall'] == 0.0 and nothing['ari'] == 0.0
    assert all(math.isnan(value) for value in label_quality([0, 1], [-1, -1]).values())
    with pytest.raises(ValueError, match='pids must have 2'):
        label_quality([0, 1], [0])


def test_statistics():
    assert cluster_statistics([0, 0, 2, 2, 2, 2, -1, -1]) == dict(
        clusters=2, unclustered_share=0.25, mean_size=3.0, median_size=3.0, max_size=4
    )
    assert cluster_statistics([-1, -1]) == dict(
        clusters=0, unclustered_share=1.0, mean_size=0.0, median_size=0.0, max_size=0
    )
    assert cluster_statistics([])['unclustered_share'] == 0.0


def test_same_labels_with_any_number_of_threads():
    feats, _ = make_features(1200, 120, noise=0.8)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(pseudo_labels(feats, k1=15).labels)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*found) and found[0].max() > 50


def test_progress_is_told_step_by_step():
    told = []
    pseudo_labels(make_features(300, 30)[0], progress=lambda step, share: told.append((step, share)))
    steps = ['neighbours', 'weights', 'distances', 'clusters', 'reliability']
    assert list(dict.fromkeys(step for step, _ in told)) == steps
    for step in steps:
        shares = [share for name, share in told if name == step]
        assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1.0
