import math

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from torch.autograd import gradcheck

from mmt2ireid.models.losses import SDMLoss, sdm_loss
from mmt2ireid.models.losses.soft_labels import label_affinity
from mmt2ireid.registry import MODELS

PIDS = [0, 1, 0, -1, 2, -1]


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def same(i, j, pids):
    return i == j or (pids[i] == pids[j] and pids[i] >= 0)


def naive(img, txt, pids, scale=50.0, eps=1e-8):
    """Both directions with loops, in float64."""
    total = 0.0
    for queries, gallery in ((img.tolist(), txt.tolist()), (txt.tolist(), img.tolist())):
        for i, query in enumerate(queries):
            logits = [scale * cosine(query, other) for other in gallery]
            top = max(logits)
            log_sum = top + math.log(sum(math.exp(logit - top) for logit in logits))
            matches = sum(same(i, j, pids) for j in range(len(gallery)))
            for j, logit in enumerate(logits):
                q = same(i, j, pids) / matches
                total += math.exp(logit - log_sum) * (logit - log_sum - math.log(q + eps)) / len(queries)
    return total


def affinity_of(pids):
    return label_affinity(torch.tensor(pids)).double()


@pytest.mark.parametrize('pids', [PIDS, [3] * 6, [0, 1, 2, 3, 4, 5], [-1] * 6])
@pytest.mark.parametrize(('scale', 'eps'), [(50.0, 1e-8), (1.0, 1e-8), (14.3, 1e-2)])
def test_equals_naive(pids, scale, eps):
    img, txt = draw_embeds()
    expected = naive(img, txt, pids, scale, eps)
    assert sdm_loss(img, txt, affinity_of(pids), scale, eps).item() == pytest.approx(expected, abs=1e-9)


def test_batch_of_one():
    img, txt = draw_embeds(1)
    assert sdm_loss(img, txt, affinity_of([4])).abs() < 1e-6


def test_length_of_embeddings_does_not_matter():
    img, txt = draw_embeds()
    affinity = affinity_of(PIDS)
    torch.testing.assert_close(sdm_loss(9 * img, 0.2 * txt, affinity), sdm_loss(img, txt, affinity))


def test_gradients():
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    affinity = affinity_of(PIDS[:4])
    scale = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda *args: sdm_loss(args[0], args[1], affinity, args[2]), (img, txt, scale))


def test_order_of_pairs_does_not_matter():
    img, txt = draw_embeds()
    affinity, order = affinity_of(PIDS), torch.tensor([3, 5, 0, 2, 4, 1])
    expected = sdm_loss(img, txt, affinity)
    torch.testing.assert_close(sdm_loss(img[order], txt[order], affinity[order][:, order]), expected)
    assert (sdm_loss(img[order], txt, affinity) - expected).abs() > 1e-3


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    img, txt = draw_embeds(6, 24, dtype=dtype)
    with torch.autocast('cpu', torch.bfloat16):
        value = sdm_loss(img, txt, affinity_of(PIDS).float())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(naive(img.double(), txt.double(), PIDS), rel=1e-5)


def test_head():
    img, txt = draw_embeds()
    head = MODELS.build(
        dict(
            type='mmt2ireid.SimilarityDistributionHead',
            loss=dict(type='mmt2ireid.SDMLoss', temperature=0.1),
            loss_weight=0.5,
        )
    )
    losses = head.loss(features_of(img, txt), targets_of(6, pids=PIDS))
    assert losses.keys() == {'loss_sdm'}
    assert losses['loss_sdm'].item() == pytest.approx(0.5 * naive(img, txt, PIDS, 10.0), rel=1e-6)


@pytest.mark.parametrize('settings', [dict(temperature=0), dict(eps=0), dict(temperature=-1)])
def test_bad_settings(settings):
    with pytest.raises(ValueError, match='temperature and eps must be positive'):
        SDMLoss(**settings)


def test_the_papers_settings():
    loss = SDMLoss()
    assert (loss.temperature, loss.eps) == (0.02, 1e-8)
