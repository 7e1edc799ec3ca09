import math

import pytest
import torch
from cmmt_builders import draw_embeds, draw_phrases, features_of, naive_iou, targets_of
from torch.autograd import gradcheck

from mmt2ireid.models.losses import hard_mining_loss
from mmt2ireid.registry import MODELS


def naive(a, b, iou, ratio=0.03, intra_modal=False):
    """Eq. 13 and 14 with loops, in float64; the loss and the sizes of both sets."""
    a, b = a.double().tolist(), b.double().tolist()
    a, b = ([[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows] for rows in (a, b))
    size = len(a)
    pairs = [(i, j) for i in range(size) for j in range(size) if (i < j if intra_modal else i != j)]
    if not pairs:
        return 0.0, 0, 0
    similarity = {(i, j): sum(x * y for x, y in zip(a[i], b[j], strict=True)) for i, j in pairs}
    k = max(1, round(ratio * size * (size - 1) / 2))
    q = sorted(similarity.values(), reverse=True)[k - 1]
    r = sorted((iou[i, j].item() for i, j in pairs), reverse=True)[k - 1]
    positives, negatives = [], []
    for i, j in pairs:
        closeness = math.exp(-sum((x - y) ** 2 for x, y in zip(a[i], b[j], strict=True)))
        if similarity[i, j] < q - 1e-12:
            continue
        if iou[i, j] < r:
            negatives.append(closeness)
        elif iou[i, j] > 0:
            positives.append(closeness)
    sizes = len(positives), len(negatives)
    if not positives and not negatives:
        return (0.0, *sizes)
    n = sum(negatives) / len(negatives) if negatives else 0.5
    if not positives:
        return (math.log(1 + n), *sizes)
    p = sum(positives) / len(positives)
    return (-math.log(p / (p + n)), *sizes)


@pytest.mark.parametrize('intra_modal', [True, False])
@pytest.mark.parametrize('ratio', [0.03, 0.2, 1.0])
@pytest.mark.parametrize('batch', [2, 3, 7, 16])
def test_equals_naive(batch, ratio, intra_modal):
    seen = set()
    for seed in range(5):
        a, b = draw_embeds(batch, seed=seed)
        b = a if intra_modal else b
        iou = naive_iou(draw_phrases(batch, seed=seed))
        expected, positives, negatives = naive(a, b, iou, ratio, intra_modal)
        seen.add((positives > 0, negatives > 0))
        assert hard_mining_loss(a, b, iou, ratio, intra_modal).item() == pytest.approx(expected, abs=1e-9)
    if (batch, ratio) == (16, 0.2):
        assert (True, True) in seen


def test_default_ratio_is_the_papers():
    a, b = draw_embeds(16)
    iou = naive_iou(draw_phrases(16))
    assert hard_mining_loss(a, b, iou) == hard_mining_loss(a=a, b=b, iou=iou, ratio=0.03, intra_modal=False)


def axis(*numbers):
    """Unit vectors by number."""
    return torch.eye(6, dtype=torch.float64)[list(numbers)]


class TestEmptySets:
    """Three items; with the default ratio one pair is mined per call."""

    def iou(self, **entries):
        matrix = torch.eye(3, dtype=torch.float64)
        for name, value in entries.items():
            i, j = int(name[1]), int(name[2])
            matrix[i, j] = matrix[j, i] = value
        return matrix

    def test_no_positives(self):
        """The nearest pair, (0, 1), has less in common than (1, 2)."""
        a = axis(0, 0, 1)
        value = hard_mining_loss(a, a, self.iou(_01=0.2, _12=0.7), intra_modal=True)
        assert value.item() == pytest.approx(math.log(1 + 1))

    def test_no_negatives(self):
        a = axis(0, 0, 1)
        value = hard_mining_loss(a, a, self.iou(_01=0.7, _12=0.2), intra_modal=True)
        assert value.item() == pytest.approx(-math.log(1 / (1 + 0.5)))

    @pytest.mark.parametrize('intra_modal', [True, False])
    def test_neither(self, intra_modal):
        """No two captions have anything in common."""
        a, b = (x.requires_grad_() for x in draw_embeds(3))
        value = hard_mining_loss(a, b, self.iou(), 0.5, intra_modal)
        value.backward()
        assert value == 0
        assert torch.equal(a.grad, torch.zeros_like(a)) and torch.equal(b.grad, torch.zeros_like(b))

    def test_all_captions_are_equal(self):
        """Every similar pair is positive."""
        a, b = draw_embeds(7)
        iou = torch.ones(7, 7, dtype=torch.float64)
        expected, positives, negatives = naive(a, b, iou, 0.2)
        assert positives > 0 and negatives == 0
        assert hard_mining_loss(a, b, iou, 0.2).item() == pytest.approx(expected)

    def test_all_features_are_equal(self):
        """Every pair is as near as the k-th; none is left out for the order it came in."""
        a = axis(0).expand(7, -1)
        iou = naive_iou(draw_phrases(7))
        expected, positives, negatives = naive(a, a, iou, 0.1, True)
        assert positives + negatives > max(1, round(0.1 * 21))
        assert hard_mining_loss(a, a, iou, 0.1, True).item() == pytest.approx(expected)

    @pytest.mark.parametrize('intra_modal', [True, False])
    def test_batch_of_one(self, intra_modal):
        a, b = (x.requires_grad_() for x in draw_embeds(1))
        value = hard_mining_loss(a, b, torch.ones(1, 1), 0.03, intra_modal)
        value.backward()
        assert value == 0 and torch.equal(a.grad, torch.zeros_like(a))


@pytest.mark.parametrize('intra_modal', [True, False])
@pytest.mark.parametrize('kind', ['both', 'no positives', 'no negatives'])
def test_gradients(intra_modal, kind):
    a, b = draw_embeds(5, 3, seed=3)
    b = a if intra_modal else b
    iou = naive_iou(draw_phrases(5, seed=3)) if kind == 'both' else torch.ones(5, 5, dtype=torch.float64)
    ratio = 0.6
    if kind == 'no positives':  # one pair is mined, and two items that are far apart have most in common
        ratio = 0.1
        cosine = torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T
        i, j = divmod(int((cosine + cosine.T).fill_diagonal_(9).argmin()), 5)
        iou = torch.full((5, 5), 0.1, dtype=torch.float64)
        iou[i, j] = iou[j, i] = 0.9
    _, positives, negatives = naive(a, b, iou, ratio, intra_modal)
    assert (positives > 0, negatives > 0) == (kind != 'no positives', kind != 'no negatives')
    if intra_modal:
        assert gradcheck(lambda x: hard_mining_loss(x, x, iou, ratio, True), (a.requires_grad_(),))
    else:
        assert gradcheck(lambda x, y: hard_mining_loss(x, y, iou, ratio), (a.requires_grad_(), b.requires_grad_()))


@pytest.mark.parametrize('intra_modal', [True, False])
def test_order_of_pairs_does_not_matter(intra_modal):
    a, b = draw_embeds(16)
    b = a if intra_modal else b
    iou = naive_iou(draw_phrases(16))
    assert min(naive(a, b, iou, 0.2, intra_modal)[1:]) > 0
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    expected = hard_mining_loss(a, b, iou, 0.2, intra_modal)
    torch.testing.assert_close(hard_mining_loss(a[order], b[order], iou[order][:, order], 0.2, intra_modal), expected)
    assert (hard_mining_loss(a[order], b[order], iou, 0.2, intra_modal) - expected).abs() > 1e-3


def test_length_of_embeddings_does_not_matter():
    a, b = draw_embeds(9)
    iou = naive_iou(draw_phrases(9))
    torch.testing.assert_close(hard_mining_loss(5 * a, b / 3, iou, 0.2), hard_mining_loss(a, b, iou, 0.2))


def test_paired_items_are_no_pair():
    """Text i and image i alone are near; were they mined, they would be the only ones."""
    a = axis(0, 1, 2)
    b = torch.nn.functional.normalize(a + 0.3 * axis(1, 2, 3), dim=1)
    iou = torch.eye(3, dtype=torch.float64)
    iou[0, 1] = iou[1, 0] = 0.5
    expected, *_ = naive(a, b, iou)
    assert hard_mining_loss(a, b, iou).item() == pytest.approx(expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    a, b = draw_embeds(16, 24, dtype=dtype)
    iou = naive_iou(draw_phrases(16)).float()
    with torch.autocast('cpu', torch.bfloat16):
        value = hard_mining_loss(a, b, iou, 0.2)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(naive(a, b, iou, 0.2)[0], abs=1e-5)


@pytest.mark.parametrize('ratio', [0, -0.1, 1.01])
def test_bad_ratio(ratio):
    a, b = draw_embeds(3)
    with pytest.raises(ValueError, match=r'ratio must be in \(0, 1\], but got'):
        hard_mining_loss(a, b, torch.eye(3), ratio)
    with pytest.raises(ValueError, match=r'ratio must be in \(0, 1\], but got'):
        MODELS.build(dict(type='mmt2ireid.HardMiningLoss', ratio=ratio))


def test_iou_of_another_shape():
    with pytest.raises(ValueError, match=r'iou must be of shape \(3, 3\), but got \(3,\)'):
        hard_mining_loss(*draw_embeds(3), torch.ones(3))


class TestHead:
    @pytest.mark.parametrize('cross', [True, False])
    @pytest.mark.parametrize('intra', [True, False])
    def test_losses(self, cross, intra):
        config = dict(
            type='mmt2ireid.HardMiningHead',
            cross_modal=cross,
            intra_modal=intra,
            loss=dict(type='mmt2ireid.HardMiningLoss', ratio=0.2),
            loss_weight=0.9,
        )
        if not cross and not intra:
            with pytest.raises(ValueError, match='cross_modal or intra_modal must be on'):
                MODELS.build(config)
            return
        (img, txt), phrases = draw_embeds(9), draw_phrases(9)
        iou = naive_iou(phrases)
        expected = {}
        if cross:
            expected['loss_hsm_cross'] = naive(txt, img, iou, 0.2)[0]
        if intra:
            expected['loss_hsm_txt'] = naive(txt, txt, iou, 0.2, True)[0]
            expected['loss_hsm_img'] = naive(img, img, iou, 0.2, True)[0]
        losses = MODELS.build(config).loss(features_of(img, txt), targets_of(9, phrases=phrases))
        assert losses.keys() == expected.keys()
        for name, value in expected.items():
            assert losses[name].item() == pytest.approx(0.9 * value, abs=1e-6)

    def test_captions_without_phrases(self):
        img, txt = draw_embeds(4)
        head = MODELS.build(dict(type='mmt2ireid.HardMiningHead'))
        losses = head.loss(features_of(img, txt), targets_of(4, phrases=torch.zeros(4, 9, dtype=torch.bool)))
        assert len(losses) == 3 and all(value == 0 for value in losses.values())

    def test_no_phrases(self):
        head = MODELS.build(dict(type='mmt2ireid.HardMiningHead'))
        with pytest.raises(ValueError, match='Text-IoU needs the noun phrases'):
            head.loss(features_of(*draw_embeds()), targets_of(6))
