import math

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from torch.autograd import gradcheck

from mmt2ireid.models.losses import text_regression_loss
from mmt2ireid.registry import MODELS


def naive(img, txt):
    """The definition with loops, in float64."""
    total, count = 0.0, 0
    for logits, embed in zip(img.double().tolist(), txt.double().tolist(), strict=True):
        low, high = min(embed), max(embed)
        for z, e in zip(logits, embed, strict=True):
            target, p = (e - low) / (high - low), 1 / (1 + math.exp(-z))
            total -= target * math.log(p) + (1 - target) * math.log(1 - p)
            count += 1
    return total / count


@pytest.mark.parametrize('batch', [1, 6])
def test_equals_naive(batch):
    img, txt = draw_embeds(batch)
    assert text_regression_loss(img, txt).item() == pytest.approx(naive(img, txt), abs=1e-9)


def test_scale_of_the_text_does_not_matter():
    img, txt = draw_embeds()
    torch.testing.assert_close(text_regression_loss(img, 3 * txt - 5), text_regression_loss(img, txt))


def test_text_of_one_value():
    img, _ = draw_embeds()
    expected = torch.nn.functional.softplus(img).mean()  # of targets that are all 0
    torch.testing.assert_close(text_regression_loss(img, torch.full_like(img, 4.0)), expected)


def test_gradients_reach_the_image_only():
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    assert gradcheck(lambda x: text_regression_loss(x, txt), (img,))
    text_regression_loss(img, txt).backward()
    assert txt.grad is None and img.grad.abs().sum() > 0


def test_order_of_pairs_does_not_matter():
    img, txt = draw_embeds()
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(text_regression_loss(img[order], txt[order]), text_regression_loss(img, txt))
    assert (text_regression_loss(img[order], txt) - text_regression_loss(img, txt)).abs() > 1e-3


def test_large_logits_stay_finite():
    img, txt = draw_embeds(dtype=torch.float32)
    assert text_regression_loss(1e4 * img, txt).isfinite()


def test_head():
    img, txt = draw_embeds()
    head = MODELS.build(dict(type='mmt2ireid.TextRegressionHead', loss_weight=2.0))
    losses = head.loss(features_of(img, txt), targets_of(6))
    assert losses.keys() == {'loss_text_regression'}
    assert losses['loss_text_regression'].item() == pytest.approx(2 * naive(img, txt))
