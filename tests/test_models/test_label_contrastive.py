import math

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from test_similarity_distribution import PIDS, affinity_of, cosine, same
from test_similarity_distribution import naive as naive_sdm
from torch.autograd import gradcheck

from mmt2ireid.models.losses import contrastive_loss, cyclic_loss, normalized_itc_loss, reversed_itc_loss
from mmt2ireid.registry import MODELS


def naive_nitc(img, txt, pids, scale):
    total = 0.0
    for queries, gallery in ((img.tolist(), txt.tolist()), (txt.tolist(), img.tolist())):
        for i, query in enumerate(queries):
            logits = [scale * cosine(query, other) for other in gallery]
            log_sum = math.log(sum(math.exp(logit) for logit in logits))
            matches = [j for j in range(len(gallery)) if same(i, j, pids)]
            total -= sum(logits[j] - log_sum for j in matches) / len(matches) / len(queries) / 2
    return total


def naive_cyclic(img, txt, within, across):
    img, txt = img.tolist(), txt.tolist()
    size, total = len(img), 0.0
    for i in range(size):
        for j in range(size):
            total += within * (cosine(img[i], img[j]) - cosine(txt[i], txt[j])) ** 2 / size**2
            total += across * (cosine(img[i], txt[j]) - cosine(txt[i], img[j])) ** 2 / size**2
    return total


@pytest.mark.parametrize('pids', [PIDS, [3] * 6, [-1] * 6])
@pytest.mark.parametrize('scale', [1.0, 14.3])
def test_normalized_itc_equals_naive(pids, scale):
    img, txt = draw_embeds()
    got = normalized_itc_loss(img, txt, affinity_of(pids), scale)
    assert got.item() == pytest.approx(naive_nitc(img, txt, pids, scale), abs=1e-9)


def test_without_identities_it_is_clips():
    img, txt = draw_embeds()
    got = normalized_itc_loss(img, txt, affinity_of([-1] * 6), 10.0)
    torch.testing.assert_close(got, contrastive_loss(img, txt, 10.0))


def test_reversed_itc_is_half_of_sdm():
    img, txt = draw_embeds()
    got = reversed_itc_loss(img, txt, affinity_of(PIDS), 14.3, 1e-2)
    assert got.item() == pytest.approx(naive_sdm(img, txt, PIDS, 14.3, 1e-2) / 2, abs=1e-9)


@pytest.mark.parametrize('weights', [(0.25, 0.25), (1.0, 0.0), (0.0, 1.0)])
def test_cyclic_equals_naive(weights):
    img, txt = draw_embeds()
    assert cyclic_loss(img, txt, *weights).item() == pytest.approx(naive_cyclic(img, txt, *weights), abs=1e-12)


def test_gradients():
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    affinity = affinity_of(PIDS[:4])
    assert gradcheck(lambda a, b: normalized_itc_loss(a, b, affinity, 3.0), (img, txt))
    assert gradcheck(lambda a, b: reversed_itc_loss(a, b, affinity, 3.0), (img, txt))
    assert gradcheck(cyclic_loss, (img, txt))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    img, txt = draw_embeds(6, 24, dtype=dtype)
    with torch.autocast('cpu', torch.bfloat16):
        nitc = normalized_itc_loss(img, txt, affinity_of(PIDS).float(), 100.0)
        cyclic = cyclic_loss(img, txt)
    assert nitc.dtype == cyclic.dtype == torch.float32
    assert nitc.item() == pytest.approx(naive_nitc(img.double(), txt.double(), PIDS, 100.0), rel=1e-5)
    assert cyclic.item() == pytest.approx(naive_cyclic(img.double(), txt.double(), 0.25, 0.25), rel=1e-5)


class TestHead:
    def build(self, **settings):
        return MODELS.build(dict(type='mmt2ireid.LabelContrastiveHead', **settings))

    def test_losses(self):
        img, txt = draw_embeds()
        head = self.build(logit_scale=10.0, loss_weight=2.0)
        losses = head.loss(features_of(img, txt), targets_of(6, pids=PIDS))
        expected = dict(
            loss_nitc=2 * naive_nitc(img, txt, PIDS, 10.0),
            loss_ritc=naive_sdm(img, txt, PIDS, 10.0, 1e-2),
            loss_citc=2 * 0.1 * naive_cyclic(img, txt, 0.25, 0.25),
        )
        assert losses.keys() == expected.keys()
        for key, value in expected.items():
            assert losses[key].item() == pytest.approx(value, rel=1e-5), key

    def test_weights_of_zero_leave_losses_out(self):
        head = self.build(reversed_weight=0, cyclic_weight=0)
        losses = head.loss(features_of(*draw_embeds()), targets_of(6, pids=PIDS))
        assert losses.keys() == {'loss_nitc'}

    def test_the_scale_is_learnt_and_bounded(self):
        head = self.build(logit_scale=10.0)
        head.log_scale.data.fill_(9.0)
        sum(head.loss(features_of(*draw_embeds()), targets_of(6, pids=PIDS)).values()).backward()
        assert head.log_scale.exp().item() == pytest.approx(100)
        assert head.log_scale.grad.abs() > 0

    @pytest.mark.parametrize(
        ('settings', 'message'),
        [
            (dict(logit_scale=0), 'logit_scale must be positive'),
            (dict(logit_scale=101), 'at most max_scale=100'),
            (dict(cyclic_weight=-1), 'must not be negative'),
            (dict(eps=0), 'eps must be positive'),
        ],
    )
    def test_bad_settings(self, settings, message):
        with pytest.raises(ValueError, match=message):
            self.build(**settings)
