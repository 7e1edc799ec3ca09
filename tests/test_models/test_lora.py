"""Adapters around encoders: only they are trained, the encoders stay bit by bit, what is saved is what is loaded."""

import copy
import sys

import pytest
import torch
from mmengine.config import ConfigDict
from model_builders import HEADS, VIT, build_dual_encoder, make_batch
from torch import nn

from mmt2ireid.models.layers.split_attention import SplitAttention
from mmt2ireid.models.lora import (
    LoRAEncoder,
    adapter_state,
    load_adapter_state,
    load_adapters,
    save_adapters,
)
from mmt2ireid.registry import MODELS

pytest.importorskip('peft')
open_clip = pytest.importorskip('open_clip')

CLIP = dict(
    embed_dim=16,
    quick_gelu=True,
    vision_cfg=dict(image_size=(32, 16), layers=2, width=64, head_width=32, patch_size=8),
    text_cfg=dict(context_length=20, vocab_size=60, width=32, heads=2, layers=2),
)
TIMM = dict(
    CLIP,
    vision_cfg=dict(
        timm_model_name='test_byobnet',
        timm_model_pretrained=False,
        timm_pool='catavgmax',
        timm_proj='',
        image_size=[32, 16],
    ),
)
TARGETS = ('query', 'key', 'value', 'out', 'c_fc', 'c_proj')
NECK = dict(type='mmt2ireid.GlobalTokenNeck', out_channels=16)
CONTRASTIVE = {'contrastive': HEADS['contrastive']}


def lora(encoder, targets=TARGETS, **settings):
    return dict(type='mmt2ireid.LoRAEncoder', encoder=encoder, target_modules=targets, rank=4, alpha=8, **settings)


def encoders(clip=CLIP, **init):
    return (
        dict(type='mmt2ireid.OpenCLIPImageEncoder', model=clip, **init),
        dict(type='mmt2ireid.OpenCLIPTextEncoder', model=clip, **init),
    )


def build(*, adapted=True, clip=CLIP, image_targets=TARGETS, **init):
    """A dual encoder on CLIP's towers, of the same weights with and without adapters."""
    image, text = encoders(clip, **init)
    if adapted:
        image, text = lora(image, image_targets), lora(text)
    model = build_dual_encoder(
        CONTRASTIVE, spread=False, image_encoder=image, text_encoder=text, img_neck=NECK, txt_neck=NECK
    )
    for name, parameter in model.named_parameters():
        if 'lora_' not in name:  # timm starts the last norm of a block at zero, where nothing would get through
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def train(model, steps=3):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    for seed in range(steps):
        optimizer.zero_grad()
        loss = model.train()(**model.data_preprocessor(make_batch(4, seed=seed)), mode='loss')['loss_contrastive']
        loss.backward()
        optimizer.step()
    return model


def features(model):
    with torch.no_grad():
        found = model.eval()(**model.data_preprocessor(make_batch(3, captions=2)), mode='predict')
    return torch.cat([torch.stack([s.img_feat for s in found]), *(s.txt_feats for s in found)])


def copy_into(adapted, plain):
    """Gives the encoders inside the weights of a model without adapters."""
    for name in ('image_encoder', 'text_encoder'):
        with getattr(adapted, name).without_adapters():
            getattr(adapted, name).encoder.load_state_dict(getattr(plain, name).state_dict())


CONVOLUTIONS = r'.*(conv\d_\w+|stem)\.conv'


@pytest.mark.parametrize(('clip', 'image_targets'), [(CLIP, TARGETS), (TIMM, CONVOLUTIONS)])
class TestTraining:
    def test_starts_as_the_encoder(self, clip, image_targets):
        adapted, plain = build(clip=clip, image_targets=image_targets), build(adapted=False, clip=clip)
        copy_into(adapted, plain)
        torch.testing.assert_close(features(adapted), features(plain), atol=1e-5, rtol=1e-5)

    def test_only_adapters_and_heads_are_trained(self, clip, image_targets):
        model = build(clip=clip, image_targets=image_targets)
        before = copy.deepcopy(model.state_dict())
        start = features(model)
        train(model)
        changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
        trained = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
        assert all('lora_' in key or key.startswith('heads.') for key in trained)
        assert changed == trained
        assert (features(model) - start).abs().max() > 1e-2

    def test_every_adapter_gets_a_gradient(self, clip, image_targets):
        model = train(build(clip=clip, image_targets=image_targets), 2)
        for name, parameter in model.named_parameters():
            assert not parameter.requires_grad or parameter.grad.abs().max() > 0, name

    def test_saved_and_loaded_exactly(self, clip, image_targets, tmp_path):
        model = train(build(clip=clip, image_targets=image_targets))
        whole = build(clip=clip, image_targets=image_targets)
        torch.save(model.state_dict(), tmp_path / 'whole.pth')
        whole.load_state_dict(torch.load(tmp_path / 'whole.pth', weights_only=True))
        assert torch.equal(features(whole), features(model))

        save_adapters(model, tmp_path / 'adapters.safetensors')
        start = build(clip=clip, image_targets=image_targets)
        assert not torch.equal(features(start), features(model))
        load_adapters(start, tmp_path / 'adapters.safetensors')
        assert torch.equal(features(start), features(model))
        assert [path.name for path in sorted(tmp_path.iterdir())] == ['adapters.safetensors', 'whole.pth']

    def test_what_is_saved(self, clip, image_targets):
        model = build(clip=clip, image_targets=image_targets)
        trained = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
        assert adapter_state(model).keys() == trained


def test_parameters_keep_their_order():
    """By it an optimiser's state is resumed."""
    model = build()
    names = [name for name, _ in model.named_parameters()]
    train(model)
    assert [name for name, _ in model.named_parameters()] == names
    assert [name for name, _ in build().named_parameters()] == names


def test_weights_are_loaded_into_the_encoder_inside():
    torch.manual_seed(7)
    upstream = open_clip.CLIP(**copy.deepcopy(CLIP))
    model, plain = build(), build(adapted=False)
    for part in ('image_encoder', 'text_encoder'):
        inside = getattr(model, part)
        with inside.without_adapters():
            inside.encoder.load_clip(upstream, 'upstream')
        getattr(plain, part).load_clip(upstream, 'upstream')
    torch.testing.assert_close(features(model), features(plain), atol=1e-5, rtol=1e-5)


def test_init_cfg_of_the_encoder(tmp_path):
    """Through MMEngine's walk, which checks that no parameter is replaced."""
    plain = build_dual_encoder(CONTRASTIVE, spread=True)
    torch.save(plain.image_encoder.state_dict(), tmp_path / 'vit.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth'))
    adapted = build_dual_encoder(CONTRASTIVE, seed=5, image_encoder=lora(dict(VIT, init_cfg=init), ('qkv', 'proj')))
    adapted.init_weights()
    with adapted.image_encoder.without_adapters():
        for key, value in plain.image_encoder.state_dict().items():
            assert torch.equal(adapted.image_encoder.encoder.state_dict()[key], value), key


def test_init_weights_of_clips_towers():
    model = build()
    before = copy.deepcopy(model.state_dict())
    model.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('config', [lora(VIT, ('qkv',)), ConfigDict(lora(VIT, ['qkv'])), lora(VIT, r'.*\.qkv')])
def test_other_encoders(config):
    model = train(build_dual_encoder(CONTRASTIVE, image_encoder=config), 1)
    inside = model.image_encoder
    assert isinstance(inside, LoRAEncoder) and inside.vocab_size is None and inside.max_length is None
    assert sum(parameter.requires_grad for parameter in inside.parameters()) == 2 * 2
    assert all(parameter.requires_grad for parameter in model.text_encoder.parameters())


def test_limits_of_the_text_encoder_reach_the_preprocessor():
    model = build()
    assert (model.data_preprocessor.vocab_size, model.data_preprocessor.max_length) == (60, 20)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(targets=('nothing',)), "target_modules must name layers of OpenCLIPImageEncoder .* \\['nothing'\\]"),
        (dict(targets=('ln_1',)), 'target_modules must name layers of OpenCLIPImageEncoder that can be adapted'),
        (dict(init_cfg=dict(type='Xavier')), 'init_cfg must be that of the encoder inside'),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(lora(encoders()[0], **settings))


@pytest.mark.parametrize('settings', [dict(rank=0), dict(alpha=0), dict(dropout=1)])
def test_bad_sizes(settings):
    with pytest.raises(ValueError, match='rank and alpha must be positive and dropout in'):
        MODELS.build({**lora(encoders()[0]), **settings})


def test_adapters_of_another_model():
    model = build()
    state = adapter_state(model)
    missing = {key: value for key, value in state.items() if 'c_fc' not in key}
    with pytest.raises(ValueError, match=r'must have the entries and shapes of the model, but 8 of .* missing instead'):
        load_adapter_state(model, missing)
    with pytest.raises(ValueError, match=r'extra: .* instead of none'):
        load_adapter_state(model, {**state, 'extra': torch.zeros(1)})


def test_peft_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'peft', None)
    with pytest.raises(ImportError, match=r"pip install 'mmt2ireid\[lora\]'"):
        MODELS.build(lora(encoders()[0]))


class TestSplitAttention:
    def attention(self, **settings):
        torch.manual_seed(0)
        attention = nn.MultiheadAttention(12, 3, **settings)
        for parameter in attention.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
        return attention.double()

    @pytest.mark.parametrize('batch_first', [True, False])
    @pytest.mark.parametrize('bias', [True, False])
    @pytest.mark.parametrize('mask', ['none', 'causal', 'bool', 'padding', 'both', 'per head'])
    def test_equals_torchs(self, batch_first, bias, mask):
        attention = self.attention(batch_first=batch_first, bias=bias)
        split = SplitAttention(attention).double()
        query, key, value = torch.randn(3, 4, 5, 12, dtype=torch.float64).unbind(0)
        length, batch = (5, 4) if batch_first else (4, 5)
        causal = torch.full((length, length), -torch.inf, dtype=torch.float64).triu_(1)
        padding = torch.zeros(batch, length, dtype=torch.bool)
        padding[1:, -2:] = True
        options = dict(
            none={},
            causal=dict(attn_mask=causal),
            bool=dict(attn_mask=causal.isinf()),
            padding=dict(key_padding_mask=padding),
            both=dict(attn_mask=causal.isinf(), key_padding_mask=padding),
        )
        options['per head'] = dict(attn_mask=torch.randn(3 * batch, length, length, dtype=torch.float64))
        expected = attention(query, key, value, need_weights=False, **options[mask])[0]
        found, nothing = split(query, key, value, need_weights=False, **options[mask])
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
        assert nothing is None

    def test_joined_again(self):
        attention = self.attention()
        joined = SplitAttention(attention).double().joined()
        assert all(torch.equal(value, joined.state_dict()[key]) for key, value in attention.state_dict().items())

    @pytest.mark.parametrize('settings', [dict(kdim=6), dict(add_bias_kv=True), dict(add_zero_attn=True)])
    def test_what_it_cannot_take_over(self, settings):
        with pytest.raises(ValueError, match='attention must be plain'):
            SplitAttention(self.attention(**settings))

    def test_has_no_weights_to_give(self):
        x = torch.randn(2, 2, 12, dtype=torch.float64)
        with pytest.raises(ValueError, match='need_weights must be False'):
            SplitAttention(self.attention()).double()(x, x, x, need_weights=True)
