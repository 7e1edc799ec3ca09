"""IRRA's implicit relation reasoning: the interaction encoder against loops, the head on BERT and on CLIP."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from model_builders import HEADS, VOCAB, build_dual_encoder, make_batch
from test_no_host_sync import NoHostSync
from torch import nn

from mmt2ireid.models.layers import InteractionEncoder
from mmt2ireid.registry import MODELS

IRR = dict(type='mmt2ireid.ImplicitReasoningHead', vocab_size=VOCAB, dim=16, txt_channels=32, num_layers=2, num_heads=2)
IRRA = dict(
    sdm=dict(type='mmt2ireid.SimilarityDistributionHead'),
    irr=IRR,
    identity=dict(HEADS['identity'], loss_weight=0.5),
)


def attend(attention, query, key, mask=None):
    """torch's attention for one item, one head after the other."""
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q, k, v = (x @ w.T + b for x, w, b in zip((query, key, key), weights, biases, strict=True))
    width = q.shape[1] // attention.num_heads
    found = []
    for head in range(attention.num_heads):
        part = slice(head * width, (head + 1) * width)
        logits = q[:, part] @ k[:, part].T / math.sqrt(width)
        if mask is not None:
            logits[:, ~mask] = -math.inf
        found.append(logits.softmax(1) @ v[:, part])
    return torch.cat(found, 1) @ attention.out_proj.weight.T + attention.out_proj.bias


def naive(encoder, words, mask, picture):
    """One caption (L, D) and one picture (N, D), step by step."""
    x = attend(encoder.cross_attention, encoder.norm_txt(words), encoder.norm_img(picture))
    for layer in encoder.layers:
        normed = layer.norm1(x)
        x = x + attend(layer.self_attn, normed, normed, mask)
        hidden = layer.norm2(x) @ layer.linear1.weight.T + layer.linear1.bias
        x = x + (hidden * torch.sigmoid(1.702 * hidden)) @ layer.linear2.weight.T + layer.linear2.bias
    return encoder.norm(x)


def build_encoder(seed=0):
    torch.manual_seed(seed)
    encoder = InteractionEncoder(12, 3, 2).double()
    for parameter in encoder.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return encoder


class TestInteractionEncoder:
    def inputs(self):
        generator = torch.Generator().manual_seed(1)
        words = torch.randn(3, 5, 12, generator=generator, dtype=torch.float64)
        picture = torch.randn(3, 4, 12, generator=generator, dtype=torch.float64)
        mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], dtype=torch.bool)
        return words, mask, picture

    @pytest.mark.parametrize('training', [True, False])
    def test_equals_naive(self, training):
        encoder, (words, mask, picture) = build_encoder().train(training), self.inputs()
        found = encoder(words, mask, picture)
        for row in range(3):
            expected = naive(encoder, words[row], mask[row], picture[row])
            torch.testing.assert_close(found[row][mask[row]], expected[mask[row]], atol=1e-10, rtol=1e-10)

    def test_padding_is_not_looked_at(self):
        encoder, (words, mask, picture) = build_encoder(), self.inputs()
        changed = torch.where(mask[..., None], words, 50.0)
        found, other = encoder(words, mask, picture), encoder(changed, mask, picture)
        torch.testing.assert_close(found[mask], other[mask])
        longer = torch.cat([words, torch.ones(3, 2, 12)], 1), torch.cat([mask, torch.zeros(3, 2, dtype=torch.bool)], 1)
        torch.testing.assert_close(encoder(*longer, picture)[:, :5][mask], found[mask])

    def test_the_picture_matters(self):
        encoder, (words, mask, picture) = build_encoder(), self.inputs()
        difference = encoder(words, mask, picture) - encoder(words, mask, picture.flip(0))
        assert difference[0].abs().max() > 1e-3

    def test_start(self):
        torch.manual_seed(0)
        encoder = InteractionEncoder(64, 1, 3)
        for attention in (encoder.cross_attention, encoder.layers[2].self_attn):
            assert attention.in_proj_weight.std().item() == pytest.approx(64**-0.5, rel=0.05)
            assert attention.out_proj.weight.std().item() == pytest.approx((64 * 6) ** -0.5, rel=0.05)
        assert encoder.layers[0].linear1.weight.std().item() == pytest.approx(128**-0.5, rel=0.05)
        assert encoder.layers[0].linear2.weight.std().item() == pytest.approx((64 * 6) ** -0.5, rel=0.05)
        assert not encoder.layers[0].linear1.bias.any()

    @pytest.mark.parametrize('sizes', [(0, 1, 1), (12, 0, 1), (12, 3, 0), (12, 5, 1)])
    def test_bad_sizes(self, sizes):
        with pytest.raises(ValueError, match='must be positive and dim a multiple of num_heads'):
            InteractionEncoder(*sizes)


class TestHead:
    def test_loss_is_the_cross_entropy_of_the_masked_words(self):
        model = build_dual_encoder({'irr': IRR}).double()
        batch = model.data_preprocessor(make_batch(4, longest=10))
        inputs = batch['inputs']
        inputs = replace(inputs, images=inputs.images.double())
        head, targets = model.heads['irr'], inputs.targets
        features = replace(model.extract(inputs), masked_tokens=model.masked_tokens(inputs))
        total, length = 0.0, inputs.token_ids.shape[1]
        for position, target in zip(targets.masked.positions.tolist(), targets.masked.targets.tolist(), strict=True):
            row, place = divmod(position, length)
            words = head.txt_map(features.masked_tokens[row])
            found = naive(head.interaction, words, inputs.txt_mask[row], features.img_tokens[row])[place]
            logits = head.decoder(head.transform(found))
            total -= logits.log_softmax(0)[target].item() / len(targets.masked.positions)
        losses = head.loss(features, targets)
        assert losses.keys() == {'loss_irr'}
        assert losses['loss_irr'].item() == pytest.approx(total, rel=1e-9)

    def test_both_encoders_learn(self):
        model = build_dual_encoder({'irr': IRR})
        model(**model.data_preprocessor(make_batch(4)), mode='loss')['loss_irr'].backward()
        for part in (model.image_encoder, model.text_encoder, model.img_neck, model.heads['irr']):
            assert any(p.grad is not None and p.grad.abs().max() > 0 for p in part.parameters())

    def test_needs_masked_captions(self):
        model = build_dual_encoder({'irr': IRR})
        with pytest.raises(ValueError, match='must have MaskTokens after Tokenize'):
            model(**model.data_preprocessor(make_batch(3, masked=False)), mode='loss')

    def test_no_masked_token_in_the_batch(self):
        model = build_dual_encoder({'irr': IRR})
        data = make_batch(2)
        for sample in data['data_samples']:
            sample.masked_token_ids = sample.token_ids[0]
            sample.mask_positions = torch.zeros(0, dtype=torch.int64)
        loss = model(**model.data_preprocessor(data), mode='loss')['loss_irr']
        loss.backward()
        assert loss == 0

    def test_same_width_needs_no_map(self):
        head = MODELS.build(dict(type='mmt2ireid.ImplicitReasoningHead', vocab_size=9, dim=64))
        assert isinstance(head.txt_map, nn.Identity) and head.interaction.cross_attention.num_heads == 1

    @pytest.mark.parametrize('name', ['vocab_size', 'dim', 'txt_channels'])
    def test_bad_sizes(self, name):
        with pytest.raises(ValueError, match=f'{name} must be positive, but got 0'):
            MODELS.build(dict(IRR, **{name: 0}))


@pytest.mark.parametrize('size', [1, 6])
def test_the_family_on_bert_waits_for_nothing(size):
    others = dict(
        tal=dict(type='mmt2ireid.TripletAlignmentHead'), contrastive=dict(type='mmt2ireid.LabelContrastiveHead')
    )
    model = build_dual_encoder({**IRRA, **others})
    batch = model.data_preprocessor(make_batch(size))
    with NoHostSync(), torch.autocast('cpu', torch.bfloat16):
        losses = model(**batch, mode='loss')
        sum(losses.values()).backward()
    names = {'sdm', 'irr', 'identity', 'tal', 'nitc', 'ritc', 'citc'}
    assert losses.keys() == {f'loss_{name}' for name in names}
    assert all(value.isfinite() for value in losses.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_irra_on_clip():
    """CLIP's tokens as they are, with its tokenizer's mask."""
    pytest.importorskip('open_clip')
    clip = dict(
        embed_dim=16,
        quick_gelu=True,
        vision_cfg=dict(image_size=(32, 16), layers=1, width=64, head_width=32, patch_size=8),
        text_cfg=dict(context_length=20, vocab_size=VOCAB, width=32, heads=2, layers=1),
    )
    heads = dict(IRRA, irr=dict(IRR, txt_channels=None))
    model = build_dual_encoder(
        heads,
        image_encoder=dict(type='mmt2ireid.OpenCLIPImageEncoder', model=clip),
        text_encoder=dict(type='mmt2ireid.OpenCLIPTextEncoder', model=clip),
        img_neck=dict(type='mmt2ireid.GlobalTokenNeck', out_channels=16),
        txt_neck=dict(type='mmt2ireid.GlobalTokenNeck', out_channels=16),
    )
    losses = model(**model.data_preprocessor(make_batch(5)), mode='loss')
    sum(losses.values()).backward()
    assert losses.keys() == {'loss_sdm', 'loss_irr', 'loss_identity'}
    unused = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not unused


def test_retrieval_does_not_need_the_heads():
    batch = make_batch(4, captions=2)
    with_heads, without = build_dual_encoder(IRRA, spread=False), build_dual_encoder({}, spread=False)
    without.load_state_dict(with_heads.state_dict(), strict=False)
    features = [
        model.eval()(**model.data_preprocessor(copy.deepcopy(batch)), mode='predict')[1].txt_feats
        for model in (with_heads, without)
    ]
    assert torch.equal(*features)
