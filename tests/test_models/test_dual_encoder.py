from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from model_builders import BERT, HEADS, build_dual_encoder, make_batch

from mmt2ireid.models import BaseHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures

ALL_LOSSES = {'loss_contrastive', 'loss_mlm', 'loss_identity', 'loss_ranking', 'loss_pgu_identity', 'loss_pgu_ranking'}


@contextmanager
def shapes_seen(module):
    """Shapes of the first argument and of the output at each call."""
    calls = []

    def record(module, args, kwargs, output):
        first = args[0] if args else next(iter(kwargs.values()))
        calls.append((tuple(first.shape), tuple(output.shape) if isinstance(output, torch.Tensor) else None))

    handle = module.register_forward_hook(record, with_kwargs=True)
    yield calls
    handle.remove()


@pytest.fixture(scope='module')
def model():
    model = build_dual_encoder()
    model.eval()
    return model


def batch_of(model, *args, **kwargs):
    return model.data_preprocessor(make_batch(*args, **kwargs))


class TestModes:
    def test_tensor(self, model):
        batch = batch_of(model, 4)
        features = model(**batch, mode='tensor')
        length = batch['inputs'].token_ids.shape[1]
        assert isinstance(features, PairFeatures)
        assert features.img_tokens.shape == (4, 9, 16)
        assert features.txt_tokens.shape == (4, length, 16)
        assert features.img_embed.shape == features.txt_embed.shape == (4, 16)
        assert torch.equal(features.txt_mask, batch['inputs'].txt_mask)
        assert features.masked_tokens is None

    def test_loss(self, model):
        losses = model(**batch_of(model, 6), mode='loss')
        assert losses.keys() == ALL_LOSSES
        assert all(value.ndim == 0 and value.isfinite() and value > 0 for value in losses.values())

    def test_predict_adds_features_to_samples(self, model):
        batch = batch_of(model, 3, captions=2)
        samples = model(**batch, mode='predict')
        assert samples == batch['data_samples']
        for sample in samples:
            assert sample.img_feat.shape == (16 + 3 * 16,)
            assert sample.txt_feats.shape == (2, 16 + 3 * 16)
            torch.testing.assert_close(sample.img_feat.norm(), torch.tensor(1.0))
            torch.testing.assert_close(sample.txt_feats.norm(dim=1), torch.ones(2))

    @pytest.mark.parametrize('bare', [[1], [0, 2], [0, 1, 2]])
    def test_gallery_images_without_captions_are_predicted(self, model, bare):
        expected = model(**batch_of(model, 3, captions=2), mode='predict')
        batch = make_batch(3, captions=2)
        for number in bare:
            sample = batch['data_samples'][number]
            sample.token_ids = sample.captions = []
        samples = model(**model.data_preprocessor(batch), mode='predict')
        for number, (sample, whole) in enumerate(zip(samples, expected, strict=True)):
            torch.testing.assert_close(sample.img_feat, whole.img_feat)
            texts = whole.txt_feats[:0] if number in bare else whole.txt_feats
            torch.testing.assert_close(sample.txt_feats, texts)
        with pytest.raises(ValueError, match='one caption'):
            model(**model.data_preprocessor(batch), mode='loss')

    def test_unknown_mode(self, model):
        with pytest.raises(ValueError, match=r"mode must be .* but got 'train'"):
            model(**batch_of(model, 2), mode='train')


class TestTraining:
    def test_every_parameter_gets_a_gradient(self):
        model = build_dual_encoder()
        model.heads['ranking'].criterion.margin = model.heads['pgu'].ranking_criterion.margin = 0.9
        sum(model(**batch_of(model, 8), mode='loss').values()).backward()
        without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
        assert not without

    def test_loss_weights_count_once(self):
        heads = {name: dict(head, loss_weight=0.5) for name, head in HEADS.items()}
        half, full = build_dual_encoder(heads), build_dual_encoder()
        for model in (half, full):
            model.heads['ranking'].criterion.seed_step(0)
            model.heads['pgu'].ranking_criterion.seed_step(0)
        losses = [model(**batch_of(model, 6), mode='loss') for model in (half, full)]
        for key in ALL_LOSSES:
            torch.testing.assert_close(2 * losses[0][key], losses[1][key])

    def test_two_captions_per_image(self, model):
        with pytest.raises(ValueError, match=r'one caption per image .* but got 6 captions of 3 images'):
            model(**batch_of(model, 3, captions=2), mode='loss')

    def test_pipeline_without_masks(self, model):
        with pytest.raises(ValueError, match='must have MaskTokens'):
            model(**batch_of(model, 3, masked=False), mode='loss')

    def test_no_heads(self):
        model = build_dual_encoder({})
        with pytest.raises(ValueError, match='at least one head'):
            model(**batch_of(model, 3), mode='loss')

    def test_two_losses_of_one_name(self):
        model = build_dual_encoder(dict(one=HEADS['ranking'], two=HEADS['ranking']))
        with pytest.raises(ValueError, match="'two' gives 'loss_ranking' again"):
            model(**batch_of(model, 3), mode='loss')

    def test_masked_tokens_are_read_by_their_own_pass_only(self, model):
        batch = batch_of(model, 6)
        inputs, seen = batch['inputs'], []
        handle = model.text_encoder.bert.register_forward_hook(
            lambda module, args, kwargs, output: seen.append(kwargs['input_ids']), with_kwargs=True
        )
        model(**batch, mode='loss')
        handle.remove()
        assert not torch.equal(inputs.token_ids, inputs.targets.masked.token_ids)
        assert torch.equal(seen[0], inputs.token_ids)
        assert torch.equal(seen[1], inputs.targets.masked.token_ids)

    def test_none_takes_a_head_away(self):
        model = build_dual_encoder({**HEADS, 'mlm': None, 'pgu': None})
        assert list(model.heads) == ['contrastive', 'identity', 'ranking']
        assert model(**batch_of(model, 4, masked=False), mode='loss').keys() == {
            'loss_contrastive',
            'loss_identity',
            'loss_ranking',
        }

    def test_batch_of_one(self, model):
        losses = model(**batch_of(model, 1), mode='loss')
        assert all(value.isfinite() for value in losses.values())
        assert losses['loss_contrastive'] == losses['loss_ranking'] == 0


class TestCost:
    @pytest.mark.parametrize('heads', [HEADS, {'pgu': HEADS['pgu']}])
    def test_encoders_run_once_and_on_real_tokens(self, heads):
        """A caption of 24 tokens costs 24, though the limit is 40; one more pass when captions are masked."""
        model = build_dual_encoder(heads)
        data = make_batch(5, longest=24, seed=1)
        longest = max(len(sample.token_ids[0]) for sample in data['data_samples'])
        assert longest < BERT['max_position_embeddings'] - 10
        batch = model.data_preprocessor(data)
        with shapes_seen(model.image_encoder) as image_calls, shapes_seen(model.text_encoder.bert) as text_calls:
            model(**batch, mode='loss')
        assert [shape for shape, _ in image_calls] == [(5, 3, 32, 16)]
        assert [shape for shape, _ in text_calls] == [(5, longest)] * (2 if 'mlm' in heads else 1)

    def test_vocabulary_logits_at_masked_positions_only(self, model):
        batch = batch_of(model, 5)
        masked = len(batch['inputs'].targets.masked.positions)
        assert masked < batch['inputs'].txt_mask.sum()
        with shapes_seen(model.heads['mlm'].decoder) as calls:
            model(**batch, mode='loss')
        assert calls == [((masked, 32), (masked, BERT['vocab_size']))]

    def test_prediction_encodes_each_image_and_caption_once(self, model):
        batch = batch_of(model, 4, captions=3)
        with shapes_seen(model.image_encoder) as images, shapes_seen(model.text_encoder.bert) as texts:
            model(**batch, mode='predict')
        assert [shape[0] for shape, _ in images] == [4]
        assert [shape[0] for shape, _ in texts] == [12]


class TestRetrievalFeatures:
    @staticmethod
    def cosines(model, batch):
        """Cosine similarities of the global and the PGU features, each computed on its own."""
        inputs = batch['inputs']
        img, img_embed = model.image_features(inputs.images)
        txt, txt_embed = model.text_features(inputs.token_ids, inputs.txt_mask)
        head = model.heads['pgu']
        pgu = head.embed(img.tokens), head.embed(txt.tokens, inputs.txt_mask)
        return {
            'global': F.cosine_similarity(img_embed[:, None], txt_embed[None], dim=-1),
            'pgu': F.cosine_similarity(pgu[0][:, None], pgu[1][None], dim=-1),
        }

    @pytest.mark.parametrize('choice', ['global', 'pgu', 'both'])
    def test_score_is_the_sum_of_cosines(self, choice):
        model = build_dual_encoder(test_features=choice)
        batch = batch_of(model, 4, captions=2, masked=False)
        inputs = batch['inputs']
        score = model.encode_image(inputs.images) @ model.encode_text(inputs.token_ids, inputs.txt_mask).T
        cosines = self.cosines(model, batch)
        expected = (cosines['global'] + cosines['pgu']) / 2 if choice == 'both' else cosines[choice]
        torch.testing.assert_close(score, expected, atol=1e-6, rtol=1e-5)

    def test_both_is_global_where_no_head_has_features(self):
        model = build_dual_encoder({'contrastive': HEADS['contrastive']})
        images = batch_of(model, 3)['inputs'].images
        torch.testing.assert_close(model.encode_image(images), F.normalize(model.image_features(images)[1], dim=-1))

    @pytest.mark.parametrize('name', ['global', 'both'])
    def test_heads_may_be_called_like_a_choice(self, name):
        model = build_dual_encoder({name: HEADS['ranking']}, test_features='global')
        assert model.encode_image(batch_of(model, 3)['inputs'].images).shape == (3, 16)

    @pytest.mark.parametrize('choice', ['pgu', 'ranking', 'all'])
    def test_unknown_choice(self, choice):
        with pytest.raises(ValueError, match=f"test_features must be one of .* but got '{choice}'"):
            build_dual_encoder({'ranking': HEADS['ranking']}, test_features=choice)

    def test_encode_equals_predict(self, model):
        batch = batch_of(model, 4, captions=2, masked=False)
        inputs = batch['inputs']
        images = model.encode_image(inputs.images)
        texts = model.encode_text(inputs.token_ids, inputs.txt_mask)
        samples = model(**batch, mode='predict')
        assert torch.equal(torch.stack([sample.img_feat for sample in samples]), images)
        assert torch.equal(torch.cat([sample.txt_feats for sample in samples]), texts)

    def test_features_do_not_depend_on_the_rest_of_the_batch(self, model):
        data = make_batch(6, captions=2, masked=False, seed=4)
        together = model(**model.data_preprocessor(data), mode='predict')
        img = [sample.img_feat for sample in together]
        txt = [sample.txt_feats for sample in together]
        widths = set()
        for index, (image, sample) in enumerate(zip(data['inputs'], data['data_samples'], strict=True)):
            alone = model.data_preprocessor(dict(inputs=[image], data_samples=[sample]))
            widths.add(alone['inputs'].token_ids.shape[1])
            alone = model(**alone, mode='predict')[0]
            torch.testing.assert_close(alone.img_feat, img[index], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(alone.txt_feats, txt[index], atol=1e-5, rtol=1e-5)
        assert len(widths) > 1

    def test_features_are_float32_under_autocast(self, model):
        inputs = batch_of(model, 3)['inputs']
        with torch.autocast('cpu', torch.bfloat16):
            rounded = model.encode_image(inputs.images)
        assert rounded.dtype == torch.float32
        torch.testing.assert_close(rounded, model.encode_image(inputs.images), atol=0.03, rtol=0.03)


@pytest.mark.parametrize(
    ('encoder', 'channels'),
    [
        (dict(type='mmpretrain.ResNet', depth=18), 512),
        (
            dict(
                type='mmpretrain.SwinTransformer',
                img_size=(96, 48),
                window_size=3,
                arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
                pad_small_map=True,
            ),
            96,
        ),
        (dict(type='mmpretrain.TIMMBackbone', model_name='vit_tiny_patch16_224', img_size=(96, 48), depth=2), 192),
    ],
)
def test_other_image_encoders(encoder, channels):
    model = build_dual_encoder(
        spread=False,
        image_encoder=encoder,
        img_neck=dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=channels, out_channels=16),
    )
    losses = model(**batch_of(model, 4, image_size=(96, 48)), mode='loss')
    sum(losses.values()).backward()
    assert losses.keys() == ALL_LOSSES
    first = next(model.image_encoder.parameters())
    assert first.grad.isfinite().all() and first.grad.abs().max() > 0


def test_preprocessor_learns_the_limits_of_the_text_encoder(model):
    assert model.data_preprocessor.vocab_size == BERT['vocab_size']
    assert model.data_preprocessor.max_length == BERT['max_position_embeddings']


def test_preprocessor_of_ones_own():
    model = build_dual_encoder(data_preprocessor=dict(type='mmt2ireid.PairDataPreprocessor', pad_to=30))
    assert batch_of(model, 2)['inputs'].token_ids.shape == (2, 30)


def test_release_way_of_pooling_text():
    """The maximum runs over padding too."""
    neck = dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=32, out_channels=16, mask_padding=False)
    model = build_dual_encoder(txt_neck=neck, data_preprocessor=dict(type='mmt2ireid.PairDataPreprocessor', pad_to=30))
    inputs = batch_of(model, 3)['inputs']
    output = model.text_encoder(inputs.token_ids, inputs.txt_mask)
    expected = model.txt_neck.project(output.tokens).max(dim=1).values
    torch.testing.assert_close(model.text_features(inputs.token_ids, inputs.txt_mask)[1], expected)


def test_a_head_of_ones_own():
    """A method is a list of heads: one that the package does not know takes part like the others."""

    class MeanHead(BaseHead):
        def loss(self, features, targets):
            return {'loss_mean': self.loss_weight * features.img_embed.mean()}

        def embed(self, tokens, mask=None):
            return tokens.mean(1)

    MODELS.register_module(name='MeanHeadOfTheTest', module=MeanHead, force=True)
    model = build_dual_encoder(dict(mean=dict(type='mmt2ireid.MeanHeadOfTheTest')), test_features='mean')
    batch = batch_of(model, 2)
    assert model(**batch, mode='loss').keys() == {'loss_mean'}
    assert isinstance(model.heads['mean'], BaseModule)
    torch.testing.assert_close(
        model.encode_image(batch['inputs'].images),
        F.normalize(model.image_features(batch['inputs'].images)[0].tokens.mean(1), dim=-1),
    )


def test_weights_survive_a_checkpoint(model):
    other = build_dual_encoder(seed=1)
    other.eval()
    inputs = batch_of(model, 2)['inputs']
    assert not torch.equal(other.encode_image(inputs.images), model.encode_image(inputs.images))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.encode_image(inputs.images), model.encode_image(inputs.images))


@pytest.mark.parametrize('heads', ['{}', [1], dict(a=3), dict(a=dict(loss=None))])
def test_heads_must_be_configs(heads):
    with pytest.raises(ValueError, match=r'heads.* must be .*but got'):
        build_dual_encoder(heads)


@pytest.mark.parametrize(('name', 'width'), [('img_neck', 24), ('txt_neck', 32)])
@pytest.mark.parametrize('neck', ['ConvMaxPoolNeck', 'LinearBNNeck'])
def test_a_neck_of_another_width(name, width, neck):
    model = build_dual_encoder(**{name: dict(type=f'mmt2ireid.{neck}', in_channels=20, out_channels=16)})
    with pytest.raises(ValueError, match=f'{name}.in_channels must be {width}, .* but got 20'):
        model(**batch_of(model, 2), mode='tensor')
