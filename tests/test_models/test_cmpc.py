import math

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from torch.autograd import gradcheck

from mmt2ireid.models.losses import CMPCLoss, cmpc_loss
from mmt2ireid.registry import MODELS

PIDS = torch.tensor([0, 3, 1, 3, 2, 0])


def draw_weight(dim=5, classes=4):
    return torch.randn(dim, classes, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def naive(img, txt, weight, pids):
    """The definition with loops, in float64."""
    img, txt = img.double().tolist(), txt.double().tolist()
    columns = weight.double().T.tolist()

    def unit(row):
        length = math.sqrt(sum(x * x for x in row))
        return [x / length for x in row]

    def cross_entropy(x, onto, pid):
        direction = unit(onto)
        product = sum(a * b for a, b in zip(x, direction, strict=True))
        logits = [sum(product * a * b for a, b in zip(direction, unit(column), strict=True)) for column in columns]
        return math.log(sum(math.exp(logit) for logit in logits)) - logits[pid]

    rows = [
        cross_entropy(v, t, pid) + cross_entropy(t, v, pid) for v, t, pid in zip(img, txt, pids.tolist(), strict=True)
    ]
    return sum(rows) / len(rows)


@pytest.mark.parametrize('batch', [1, 2, 6])
def test_equals_naive(batch):
    img, txt = draw_embeds(batch)
    weight, pids = draw_weight(), PIDS[:batch]
    expected = naive(img, txt, weight, pids)
    assert cmpc_loss(img, txt, weight, pids).item() == pytest.approx(expected, abs=1e-9)
    assert CMPCLoss()(img, txt, weight, pids).item() == pytest.approx(expected, abs=1e-9)


def test_columns_are_normalised():
    img, txt = draw_embeds()
    weight = draw_weight()
    scales = torch.tensor([0.1, 1, 5, 30], dtype=torch.float64)
    torch.testing.assert_close(cmpc_loss(img, txt, scales * weight, PIDS), cmpc_loss(img, txt, weight, PIDS))


def test_gradients():
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    weight = draw_weight(3).requires_grad_()
    assert gradcheck(lambda *x: cmpc_loss(*x, PIDS[:4]), (img, txt, weight))


def test_order_of_pairs_does_not_matter():
    img, txt = draw_embeds()
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    expected = cmpc_loss(img, txt, draw_weight(), PIDS)
    torch.testing.assert_close(cmpc_loss(img[order], txt[order], draw_weight(), PIDS[order]), expected)
    assert (cmpc_loss(img[order], txt, draw_weight(), PIDS) - expected).abs() > 1e-3


def test_one_identity():
    img, txt = draw_embeds()
    assert cmpc_loss(img, txt, draw_weight(5, 1), torch.zeros(6, dtype=torch.int64)) == 0


def test_autocast_costs_no_precision():
    img, txt = draw_embeds(6, 5, dtype=torch.bfloat16)
    with torch.autocast('cpu', torch.bfloat16):
        value = cmpc_loss(img, txt, draw_weight().float(), PIDS)
    assert value.item() == pytest.approx(naive(img, txt, draw_weight(), PIDS), abs=1e-5)


class TestHead:
    def test_loss(self):
        img, txt = draw_embeds(dtype=torch.float32)
        head = MODELS.build(dict(type='mmt2ireid.CMPCHead', num_classes=4, in_channels=5, loss_weight=0.5))
        value = head.loss(features_of(img, txt), targets_of(6, pids=PIDS.tolist()))['loss_cmpc']
        assert value.item() == pytest.approx(naive(img, txt, head.weight.detach(), PIDS) / 2, rel=1e-5)

    def test_bad_number_of_classes(self):
        with pytest.raises(ValueError, match='num_classes must be positive, but got 0'):
            MODELS.build(dict(type='mmt2ireid.CMPCHead', num_classes=0))
