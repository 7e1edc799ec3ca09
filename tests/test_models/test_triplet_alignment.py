import math

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from test_similarity_distribution import PIDS, affinity_of, cosine, same
from torch.autograd import gradcheck

from mmt2ireid.models.losses import TALLoss, triplet_alignment_loss
from mmt2ireid.registry import MODELS


def naive(img, txt, pids, temperature=0.015, margin=0.1):
    """Losses of the pairs with loops, in float64; the exponentials as they stand in the formula."""
    losses = [0.0] * len(pids)
    for queries, gallery in ((img.tolist(), txt.tolist()), (txt.tolist(), img.tolist())):
        for i, query in enumerate(queries):
            positives = {j: cosine(query, x) for j, x in enumerate(gallery) if same(i, j, pids)}
            negatives = [cosine(query, x) for j, x in enumerate(gallery) if not same(i, j, pids)]
            if not negatives:
                continue
            shares = sum(math.exp(s / temperature) for s in positives.values())
            positive = sum(math.exp(s / temperature) / shares * s for s in positives.values())
            negative = temperature * math.log(sum(math.exp(s / temperature) for s in negatives))
            losses[i] += max(margin - positive + negative, 0.0)
    return losses


@pytest.mark.parametrize('pids', [PIDS, [0, 1, 2, 3, 4, 5], [-1] * 6, [0, 0, 0, 0, 0, 1]])
@pytest.mark.parametrize(('temperature', 'margin'), [(0.015, 0.1), (0.5, 0.3), (0.015, 0.0)])
def test_equals_naive(pids, temperature, margin):
    img, txt = draw_embeds()
    expected = naive(img, txt, pids, temperature, margin)
    assert sum(expected) > 0
    for reduction, value in (('sum', sum(expected)), ('mean', sum(expected) / 6)):
        got = triplet_alignment_loss(img, txt, affinity_of(pids), temperature, margin, reduction)
        assert got.item() == pytest.approx(value, abs=1e-9)


def test_is_an_upper_bound_of_the_hardest_negative():
    img, txt = draw_embeds()
    hard = 0.0
    for queries, gallery in ((img.tolist(), txt.tolist()), (txt.tolist(), img.tolist())):
        for i, query in enumerate(queries):
            nearest = max(cosine(query, x) for j, x in enumerate(gallery) if j != i)
            hard += max(0.1 - cosine(query, gallery[i]) + nearest, 0.0)
    affinity = affinity_of([-1] * 6)
    assert triplet_alignment_loss(img, txt, affinity, 0.015) >= hard
    assert triplet_alignment_loss(img, txt, affinity, 1e-4).item() == pytest.approx(hard, abs=1e-3)


@pytest.mark.parametrize('pids', [[7] * 6, [7]])
def test_without_negatives_there_is_nothing_to_learn(pids):
    img, txt = (x.requires_grad_() for x in draw_embeds(len(pids)))
    value = triplet_alignment_loss(img, txt, affinity_of(pids))
    value.backward()
    assert value == 0
    assert torch.equal(img.grad, torch.zeros_like(img)) and torch.equal(txt.grad, torch.zeros_like(txt))


def test_far_pairs_stay_finite():
    img = torch.eye(6).requires_grad_()
    value = triplet_alignment_loss(img, -torch.eye(6), affinity_of([-1] * 6).float(), 1e-3)
    value.backward()
    assert value > 0 and img.grad.isfinite().all()


def test_gradients_leave_the_positives_weights_alone():
    """Numerical differences see the weights, so a batch in which every image has one positive."""
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    affinity = affinity_of([0, 1, 2, 3])
    assert gradcheck(lambda a, b: triplet_alignment_loss(a, b, affinity, 0.3, 2.0), (img, txt))
    both = affinity_of([0, 0, 1, 2])
    value = triplet_alignment_loss(img, txt, both, 0.3, 2.0)
    (gradient,) = torch.autograd.grad(value, img)
    similarity = torch.nn.functional.normalize(img, dim=1) @ torch.nn.functional.normalize(txt, dim=1).T
    frozen = []
    for s in (similarity, similarity.T):
        weights = (s.detach() / 0.3).exp() * both
        negative = 0.3 * ((s / 0.3).exp() * (1 - both)).sum(1).log()
        frozen.append((2.0 - (weights / weights.sum(1, keepdim=True) * s).sum(1) + negative).sum())
    (expected,) = torch.autograd.grad(sum(frozen), img)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    img, txt = draw_embeds(6, 24, dtype=dtype)
    with torch.autocast('cpu', torch.bfloat16):
        value = triplet_alignment_loss(img, txt, affinity_of(PIDS).float())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(sum(naive(img.double(), txt.double(), PIDS)), rel=1e-5)


def test_head():
    img, txt = draw_embeds()
    head = MODELS.build(dict(type='mmt2ireid.TripletAlignmentHead', loss_weight=2.0))
    losses = head.loss(features_of(img, txt), targets_of(6, pids=PIDS))
    assert losses.keys() == {'loss_tal'}
    assert losses['loss_tal'].item() == pytest.approx(2 * sum(naive(img, txt, PIDS)), rel=1e-6)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(temperature=0), 'temperature must be positive and margin not negative'),
        (dict(margin=-1), 'temperature must be positive and margin not negative'),
        (dict(reduction='none'), 'reduction must be one of'),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TALLoss(**settings)


def test_bad_arguments():
    img, txt = draw_embeds()
    with pytest.raises(ValueError, match=r'affinity must be of shape \(6, 6\), but got \(6, 5\)'):
        triplet_alignment_loss(img, txt, affinity_of(PIDS)[:, :5])
    with pytest.raises(ValueError, match=r"reduction must be one of .* but got 'none'"):
        triplet_alignment_loss(img, txt, affinity_of(PIDS), reduction='none')
