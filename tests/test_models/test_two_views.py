"""Views of pictures: their way through the model, SimCLR's loss, and the heads that read them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from model_builders import VOCAB, build_dual_encoder, make_batch
from test_label_contrastive import naive_nitc
from test_similarity_distribution import PIDS, cosine
from torch.autograd import gradcheck

from mmt2ireid.models import PairDataPreprocessor
from mmt2ireid.models.losses import two_view_loss
from mmt2ireid.registry import MODELS

LABELS = dict(type='mmt2ireid.LabelContrastiveHead', logit_scale=10.0, view=2, soft_ratio=0.3)
VIEWS = dict(type='mmt2ireid.TwoViewHead', in_channels=16, hidden_channels=8, out_channels=12, views=(1, 0))


def naive_two_views(first, second, temperature):
    rows, size, total = [*first.tolist(), *second.tolist()], len(first), 0.0
    for i, row in enumerate(rows):
        sums = sum(math.exp(cosine(row, other) / temperature) for j, other in enumerate(rows) if j != i)
        total -= cosine(row, rows[(i + size) % len(rows)]) / temperature - math.log(sums)
    return total / len(rows)


def with_views(num: int, sizes=((32, 16), (32, 16), (32, 16)), seed: int = 0) -> dict:
    data = make_batch(num, seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for sample in data['data_samples']:
        sample.views = [torch.randint(0, 256, (3, *size), generator=generator).to(torch.uint8) for size in sizes]
    return data


@pytest.mark.parametrize('temperature', [0.1, 1.0])
def test_two_view_loss_equals_naive(temperature):
    first, second = draw_embeds()
    expected = naive_two_views(first, second, temperature)
    assert two_view_loss(first, second, temperature).item() == pytest.approx(expected, abs=1e-9)
    assert two_view_loss(second, first, temperature).item() == pytest.approx(expected, abs=1e-9)
    assert two_view_loss(first, first, temperature) < two_view_loss(first, second, temperature)


def test_gradients_and_precision():
    first, second = (x.requires_grad_() for x in draw_embeds(4, 3))
    assert gradcheck(two_view_loss, (first, second))
    first, second = draw_embeds(6, 24, dtype=torch.bfloat16)
    with torch.autocast('cpu', torch.bfloat16):
        got = two_view_loss(first, second)
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(naive_two_views(first.double(), second.double(), 0.1), rel=1e-5)


class TestPreprocessor:
    def test_views_are_normalised_as_pictures_are(self):
        prepare = PairDataPreprocessor()
        data = with_views(3, ((32, 16), (24, 24)))
        inputs = prepare(data)['inputs']
        assert [tuple(view.shape) for view in inputs.views.values()] == [(3, 3, 32, 16), (3, 3, 24, 24)]
        for number, view in inputs.views.items():
            alone = dict(data, inputs=[sample.views[number] for sample in data['data_samples']])
            torch.testing.assert_close(view, prepare(alone)['inputs'].images)
        assert prepare(make_batch(2))['inputs'].views == {}

    def test_views_that_no_head_needs_are_left_alone(self):
        model = build_dual_encoder(dict(labels=LABELS))
        assert model.data_preprocessor(with_views(2))['inputs'].views.keys() == {2}
        assert not build_dual_encoder().data_preprocessor(with_views(2))['inputs'].views

    def test_what_does_not_fit(self):
        prepare, data = PairDataPreprocessor(), with_views(3)
        data['data_samples'][1].views.pop()
        with pytest.raises(ValueError, match=r'views must be as many for all items of a batch, but got \[2, 3\]'):
            prepare(data)
        data = with_views(2)
        data['data_samples'][1].views[0] = torch.zeros(3, 8, 8, dtype=torch.uint8)
        with pytest.raises(ValueError, match='must have one size'):
            prepare(data)


class TestModel:
    def test_losses(self):
        model = build_dual_encoder(dict(labels=LABELS, views=dict(VIEWS, loss_weight=0.4)))
        batch = model.data_preprocessor(with_views(5))
        inputs = batch['inputs']
        losses = model(**batch, mode='loss')
        features = model.extract(inputs)
        embeds = [model.image_features(inputs.views[number])[1].double() for number in range(3)]
        project = model.heads.views.projection.double()
        expected = 0.4 * naive_two_views(project(embeds[1]), project(embeds[0]), 0.1)
        assert losses['loss_views'].item() == pytest.approx(expected, rel=1e-4)
        head = MODELS.build(dict(LABELS, view=None))
        head.load_state_dict(model.heads.labels.state_dict())
        plain = [
            head.loss(replace(features, img_embed=img), inputs.targets)['loss_nitc']
            for img in (features.img_embed, embeds[2].float())
        ]
        assert losses['loss_nitc'].item() == pytest.approx(sum(plain).item() / 2, rel=1e-5)

    def test_only_the_views_that_heads_ask_for_are_encoded(self):
        model = build_dual_encoder(dict(views=VIEWS))
        seen = []
        model.image_encoder.register_forward_hook(lambda *args: seen.append(1))
        batch = model.data_preprocessor(with_views(3))
        model(**batch, mode='loss')
        assert len(seen) == 3, 'the pictures, and two of three views'
        model.heads.views.enabled = False
        assert not model.view_embeds(batch['inputs'])

    def test_views_that_are_missing_are_named(self):
        model = build_dual_encoder(dict(labels=LABELS))
        with pytest.raises(ValueError, match=r'need views \[2\], which the pipeline must give \(ExtraViews\)'):
            model(**model.data_preprocessor(make_batch(3)), mode='loss')

    def test_evaluation_takes_no_views(self):
        model = build_dual_encoder(dict(labels=LABELS, views=VIEWS)).eval()
        samples = model(**model.data_preprocessor(make_batch(3, captions=2, masked=False)), mode='predict')
        assert samples[0].img_feat.shape == (16,)

    def test_gradients_reach_the_encoder_by_the_views(self):
        model = build_dual_encoder(dict(views=VIEWS))
        model(**model.data_preprocessor(with_views(4)), mode='loss')['loss_views'].backward()
        assert all(parameter.grad is not None for parameter in model.heads.views.parameters())
        assert all(parameter.grad is None for parameter in model.text_encoder.parameters())
        assert any(parameter.grad.abs().max() > 0 for parameter in model.image_encoder.parameters())


class TestSoftLabels:
    def test_equal_naive(self):
        """The mean of hard labels' loss and the cross entropy towards the prediction itself."""
        img, txt = draw_embeds()
        head = MODELS.build(dict(LABELS, view=None, reversed_weight=0, cyclic_weight=0))
        got = head.loss(features_of(img, txt), targets_of(6, pids=PIDS))['loss_nitc'].item()
        entropy = 0.0
        for queries, gallery in ((img.tolist(), txt.tolist()), (txt.tolist(), img.tolist())):
            for query in queries:
                shares = [math.exp(10 * cosine(query, other)) for other in gallery]
                entropy -= sum(share / sum(shares) * math.log(share / sum(shares)) for share in shares) / 12
        assert got == pytest.approx(0.7 * naive_nitc(img, txt, PIDS, 10.0) + 0.3 * entropy, rel=1e-5)

    def test_labels_carry_no_gradient(self):
        from mmt2ireid.models.losses import normalized_itc_loss

        img, txt = draw_embeds()
        img.requires_grad_()
        logits = 5 * torch.nn.functional.normalize(img, dim=1) @ torch.nn.functional.normalize(txt, dim=1).T
        (gradient,) = torch.autograd.grad(normalized_itc_loss(img, txt, torch.eye(6).double(), 5.0, 1.0), img)
        labels = [logits.detach().softmax(1), logits.detach().T.softmax(1)]
        by_hand = -(labels[0] * logits.log_softmax(1)).sum() / 12 - (labels[1] * logits.T.log_softmax(1)).sum() / 12
        torch.testing.assert_close(gradient, torch.autograd.grad(by_hand, img)[0])

    @pytest.mark.parametrize(
        ('config', 'message'),
        [
            (dict(LABELS, soft_ratio=1.5), 'soft_ratio must be from 0 to 1'),
            (dict(LABELS, view=-1), 'view must not be negative'),
            (dict(VIEWS, views=(1, 1)), 'views must be two numbers that differ'),
            (dict(VIEWS, views=(0, 1, 2)), 'views must be two numbers that differ'),
            (dict(VIEWS, temperature=0), 'temperature must be positive'),
        ],
    )
    def test_bad_settings(self, config, message):
        with pytest.raises(ValueError, match=message):
            MODELS.build(config)


def test_attention_dropout():
    pytest.importorskip('open_clip')
    clip = dict(
        embed_dim=16,
        vision_cfg=dict(layers=1, width=16, patch_size=8, image_size=16, head_width=8),
        text_cfg=dict(context_length=12, vocab_size=VOCAB, width=16, heads=2, layers=2),
    )
    ids = torch.arange(1, 9)[None].expand(3, -1)
    mask = torch.ones_like(ids, dtype=torch.bool)

    def encode(share, train):
        torch.manual_seed(0)
        config = dict(type='mmt2ireid.OpenCLIPTextEncoder', model=clip, attention_dropout=share)
        return MODELS.build(config).train(train)(ids, mask).tokens

    assert torch.equal(encode(0.5, False), encode(0.0, False)), 'nothing is left out in evaluation'
    assert torch.allclose(encode(0.0, True), encode(0.0, False), atol=1e-6)
    dropped = encode(0.5, True)
    assert not torch.allclose(dropped, encode(0.0, True), atol=1e-3)
    assert not torch.allclose(dropped[0], dropped[1], atol=1e-3), 'each caption of its own'
    with pytest.raises(ValueError, match='attention_dropout must be from 0'):
        encode(1.0, True)
