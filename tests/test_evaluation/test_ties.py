"""Expected metrics over all orders of equal scores, against every order in turn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from test_retrieval import make_split, make_ties, naive_metrics

from mmt2ireid.evaluation import RetrievalMetric, retrieval, retrieval_metrics

TOPK = (1, 2, 3, 5)


@pytest.fixture(params=['counting', 'sorting'], autouse=True)
def path(request, monkeypatch):
    monkeypatch.setattr(retrieval, '_MAX_COUNTED', 10**6 if request.param == 'counting' else 0)


def mean_of_all_orders(query, gallery, query_pids, gallery_pids):
    found = []
    for order in itertools.permutations(range(len(gallery))):
        order = list(order)
        found.append(naive_metrics(query, gallery[order], query_pids, gallery_pids[order], TOPK))
    return {name: np.mean([metrics[name] for metrics in found]) for name in found[0]}


@pytest.mark.parametrize('seed', range(8))
def test_expected_metrics_are_the_mean_of_all_orders(seed):
    """Six gallery items of few scores; in a random order of the gallery every order of equal ones is as likely."""
    rng = np.random.default_rng(seed)
    query = rng.choice([-1.0, 1.0], size=(3, 4))
    gallery = rng.choice([-1.0, 1.0], size=(2 + seed % 2, 4))[rng.integers(2 + seed % 2, size=6)]
    gallery_pids = np.array([0, 0, 1, 1, 1, 2])
    split = query, gallery, np.array([0, 1, 2]), gallery_pids
    expected = mean_of_all_orders(*split)
    found = retrieval_metrics(*split, TOPK, ties='expected')
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('seed', range(3))
def test_expected_metrics_are_near_the_mean_of_many_orders(seed):
    query, gallery, query_pids, gallery_pids = make_ties(seed)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(gallery)) for _ in range(400)]
    found = [retrieval_metrics(query, gallery[o], query_pids, gallery_pids[o], TOPK) for o in orders]
    expected = retrieval_metrics(query, gallery, query_pids, gallery_pids, TOPK, ties='expected')
    for name, value in expected.items():
        values = [metrics[name] for metrics in found]
        assert abs(np.mean(values) - value) < 5 * np.std(values) / np.sqrt(len(values)) + 1e-9, name
    shuffled = retrieval_metrics(query, gallery[orders[0]], query_pids, gallery_pids[orders[0]], TOPK, ties='expected')
    assert shuffled == pytest.approx(expected, abs=1e-9)


def test_without_ties_nothing_changes():
    split = make_split(seed=1)
    found = retrieval_metrics(*split, ties='expected', count_ties=True)
    assert found.pop('num_queries_tied') == 0
    assert found == pytest.approx(retrieval_metrics(*split), abs=1e-9)


def test_each_image_twice_is_fair_in_the_middle():
    """A gallery in which each image is there under its own and under a wrong identity."""
    query, gallery, query_pids, gallery_pids = make_split(60, 40, num_pids=20, noise=2.0)
    wrong = (gallery_pids + 1) % 20 + 100
    twice = np.repeat(gallery, 2, axis=0)
    first, last = (np.stack(pair, 1).ravel() for pair in ((wrong, gallery_pids), (gallery_pids, wrong)))
    worst, best = (retrieval_metrics(query, twice, query_pids, pids, count_ties=True) for pids in (first, last))
    fair = [retrieval_metrics(query, twice, query_pids, pids, ties='expected') for pids in (first, last)]
    assert worst['num_queries_tied'] == best['num_queries_tied'] == 60
    assert worst['R1'] == 0 and fair[0] == pytest.approx(fair[1])
    assert fair[0]['R1'] == pytest.approx(best['R1'] / 2) and best['R1'] > 10
    assert all(worst[name] <= fair[0][name] <= best[name] for name in fair[0])


def test_only_ties_of_right_and_wrong_answers_count():
    features = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    found = retrieval_metrics([[1.0, 0.1]], features, [7], [7, 7, 1, 2], count_ties=True)
    assert found['num_queries_tied'] == 0
    found = retrieval_metrics([[1.0, 0.1]], features, [7], [7, 7, 7, 2], count_ties=True)
    assert found['num_queries_tied'] == 1


def test_a_collapsed_model_is_at_chance():
    """All scores are equal: the metrics are those of a random order."""
    pids = np.arange(200) % 50
    found = retrieval_metrics(np.ones((50, 3)), np.ones((200, 3)), np.arange(50), pids, (1, 200), ties='expected')
    assert found['R1'] == pytest.approx(2.0) and found['R200'] == pytest.approx(100)
    assert retrieval_metrics(np.ones((50, 3)), np.ones((200, 3)), np.arange(50), pids, (1,))['R1'] == 2.0


def test_the_metric_reports_ties(monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmt2ireid.evaluation.retrieval_metric.print_log', lambda message, *_, **__: said.append(message)
    )
    feature = torch.tensor([1.0, 0.0])
    samples = [
        dict(img_feat=feature, txt_feats=feature[None], pid=number, image_id=number, captions=['a man'], img_path='x')
        for number in range(4)
    ]
    for ties, r1 in (('gallery_order', 25.0), ('expected', 25.0)):
        metric = RetrievalMetric(topk=(1,), ties=ties, device='cpu')
        metric.process(None, samples)
        assert metric.evaluate(4)['t2i/R1'] == pytest.approx(r1)
        assert metric.tied_shares == {'t2i': 1.0}
    assert [message.split(': ')[1] for message in said] == [
        '4 of 4 queries have a right and a wrong answer with exactly equal scores'
    ] * 2
    assert "(ties='expected')" in said[1]


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match=r"ties must be one of \('gallery_order', 'expected'\), but got 'random'"):
        RetrievalMetric(ties='random')
    with pytest.raises(ValueError, match='ties must be one of'):
        retrieval_metrics([[1.0]], [[1.0]], [1], [1], ties='no')
