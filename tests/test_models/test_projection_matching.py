import math

import pytest
import torch
from cmmt_builders import draw_embeds, draw_phrases, features_of, naive_iou, targets_of
from torch.autograd import gradcheck

from mmt2ireid.models.losses import CPMLoss, cpm_loss
from mmt2ireid.models.losses.soft_labels import embedding_affinity, label_affinity, rows_to_one
from mmt2ireid.registry import MODELS

SOURCES = ('text_iou', 'identity', 'text_embedding', 'image_embedding', 'label')


def naive(txt, img, q, eps=1e-8):
    """Eq. 8 and 12 with loops, in float64."""
    txt, img, q = txt.double().tolist(), img.double().tolist(), q.double().tolist()
    total = 0.0
    for i, t in enumerate(txt):
        products = [sum(x * y for x, y in zip(t, v, strict=True)) / math.sqrt(sum(y * y for y in v)) for v in img]
        partition = sum(math.exp(product) for product in products)
        for j, product in enumerate(products):
            p = math.exp(product) / partition
            total += p * math.log(p / (q[i][j] + eps))
    return total / len(txt)


def soft_labels(batch, seed=5):
    return rows_to_one(torch.rand(batch, batch, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


@pytest.mark.parametrize('batch', [1, 2, 6])
@pytest.mark.parametrize('kind', ['soft', 'identity'])
def test_equals_naive(batch, kind):
    img, txt = draw_embeds(batch)
    q = soft_labels(batch) if kind == 'soft' else torch.eye(batch, dtype=torch.float64)
    assert cpm_loss(txt, img, q).item() == pytest.approx(naive(txt, img, q), abs=1e-9)
    assert cpm_loss(txt, img, q, 1e-3).item() == pytest.approx(naive(txt, img, q, 1e-3), abs=1e-9)


def test_arguments_by_name():
    img, txt = draw_embeds()
    q = soft_labels(6)
    assert cpm_loss(txt_embed=txt, img_embed=img, soft_labels=q, eps=1e-8) == cpm_loss(txt, img, q)


def test_images_are_normalised_and_texts_are_not():
    img, txt = draw_embeds()
    q = soft_labels(6)
    torch.testing.assert_close(cpm_loss(txt, 7 * img, q), cpm_loss(txt, img, q))
    assert (cpm_loss(7 * txt, img, q) - cpm_loss(txt, img, q)).abs() > 1e-2


def test_gradients():
    img, txt = (x.requires_grad_() for x in draw_embeds(4, 3))
    assert gradcheck(cpm_loss, (txt, img, soft_labels(4)))


def test_order_of_pairs_does_not_matter():
    img, txt = draw_embeds()
    q, order = soft_labels(6), torch.randperm(6, generator=torch.Generator().manual_seed(1))
    expected = cpm_loss(txt, img, q)
    torch.testing.assert_close(cpm_loss(txt[order], img[order], q[order][:, order]), expected)
    assert (cpm_loss(txt[order], img, q) - expected).abs() > 1e-3


def test_zero_where_probabilities_are_the_labels():
    img, txt = draw_embeds()
    p = (txt @ torch.nn.functional.normalize(img, dim=1).T).softmax(1)
    assert cpm_loss(txt, img, p).abs() < 1e-6


def test_long_texts_stay_finite():
    img, txt = draw_embeds(dtype=torch.float32)
    txt = (1e4 * txt).requires_grad_()
    value = cpm_loss(txt, img, torch.eye(6))
    value.backward()
    assert value.isfinite() and txt.grad.isfinite().all()


def test_labels_of_another_shape():
    img, txt = draw_embeds()
    with pytest.raises(ValueError, match=r'soft_labels must be of shape \(6, 6\), but got \(6, 5\)'):
        cpm_loss(txt, img, soft_labels(6)[:, :5])


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    img, txt = draw_embeds(16, 24, dtype=dtype)
    q = soft_labels(16).float()
    with torch.autocast('cpu', torch.bfloat16):
        value = cpm_loss(txt, img, q)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(naive(txt, img, q), abs=1e-5)


class TestModule:
    def test_directions(self):
        img, txt = draw_embeds()
        affinity = torch.rand(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        forth = naive(txt, img, affinity / affinity.sum(1, keepdim=True))
        back = naive(img, txt, affinity.T / affinity.T.sum(1, keepdim=True))
        assert CPMLoss()(img, txt, affinity).item() == pytest.approx(forth)
        assert CPMLoss(bidirectional=True)(img, txt, affinity).item() == pytest.approx(forth + back)

    def test_bad_eps(self):
        with pytest.raises(ValueError, match='eps must be positive, but got 0'):
            CPMLoss(eps=0)


class TestSoftLabels:
    def test_rows_sum_to_one(self):
        torch.testing.assert_close(soft_labels(6).sum(1), torch.ones(6, dtype=torch.float64))
        assert torch.equal(rows_to_one(torch.zeros(2, 2)), torch.zeros(2, 2))

    def test_unknown_identities_match_themselves_only(self):
        assert label_affinity(torch.tensor([3, -1, 3, -1])).tolist() == [
            [1, 0, 1, 0],
            [0, 1, 0, 0],
            [1, 0, 1, 0],
            [0, 0, 0, 1],
        ]

    def test_embeddings_are_clamped_and_give_no_gradient(self):
        embed = draw_embeds()[0].requires_grad_()
        affinity = embedding_affinity(embed)
        products = embed.detach() @ embed.detach().T
        assert (products < 0).any() and not affinity.requires_grad
        assert torch.equal(affinity, torch.where(products > 0, products, 0))


class TestHead:
    PIDS = [0, 1, 0, -1, 2, -1]

    def expected_labels(self, source, img, txt, phrases):
        if source == 'text_iou':
            affinity = naive_iou(phrases)
        elif source == 'identity':
            affinity = torch.eye(6, dtype=torch.float64)
        elif source == 'label':
            affinity = label_affinity(torch.tensor(self.PIDS)).double()
        else:
            embed = txt if source == 'text_embedding' else img
            affinity = (embed @ embed.T).clamp(min=0)
        return affinity / affinity.sum(1, keepdim=True)

    @pytest.mark.parametrize('source', SOURCES)
    def test_sources(self, source):
        (img, txt), phrases = draw_embeds(), draw_phrases(6)
        head = MODELS.build(dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels=source, loss_weight=0.8))
        losses = head.loss(features_of(img, txt), targets_of(6, pids=self.PIDS, phrases=phrases))
        expected = naive(txt, img, self.expected_labels(source, img, txt, phrases))
        assert losses.keys() == {'loss_cpm'}
        assert losses['loss_cpm'].item() == pytest.approx(0.8 * expected, rel=1e-5)

    def test_sources_differ(self):
        (img, txt), phrases = draw_embeds(), draw_phrases(6)
        labels = [self.expected_labels(source, img, txt, phrases) for source in SOURCES]
        for i in range(len(labels)):
            assert not any(torch.allclose(labels[i], labels[j]) for j in range(i))

    @pytest.mark.parametrize('source', SOURCES)
    def test_batch_of_one(self, source):
        (img, txt), phrases = draw_embeds(1), draw_phrases(1)
        head = MODELS.build(dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels=source))
        value = head.loss(features_of(img, txt), targets_of(1, phrases=phrases))['loss_cpm']
        assert value.abs() < 1e-6

    def test_only_text_iou_needs_phrases(self):
        features = features_of(*draw_embeds())
        for source in SOURCES:
            head = MODELS.build(dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels=source))
            if source == 'text_iou':
                with pytest.raises(ValueError, match=r'noun phrases of the captions \(PairTargets.phrases\)'):
                    head.loss(features, targets_of(6))
            else:
                assert head.loss(features, targets_of(6))['loss_cpm'].isfinite()

    def test_unknown_source(self):
        with pytest.raises(ValueError, match=r"soft_labels must be one of .* but got 'iou'"):
            MODELS.build(dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels='iou'))
