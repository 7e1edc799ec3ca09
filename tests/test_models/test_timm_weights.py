"""timm's weights by name: from its cache, without network; its features out of mmpretrain's and its own models."""

from __future__ import annotations

import sys

import pytest
import timm
import torch
from model_builders import dual_encoder_config
from weights_helpers import block_network, hub_folder, initialised, save_timm, spread

from mmt2ireid.models.image_encoders import backbone_tokens
from mmt2ireid.registry import MODELS

CLOSE = dict(atol=1e-5, rtol=1e-5)
NAME, REPOSITORY, SIZE = 'test_vit.r160_in1k', 'timm/test_vit.r160_in1k', 160
ARCH = dict(embed_dims=64, num_layers=6, num_heads=2, feedforward_channels=192)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub, and no network."""
    block_network(monkeypatch)
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path / 'hub'))
    return tmp_path / 'hub'


@pytest.fixture
def theirs(hub):
    """timm's model, random, and in the cache under its name."""
    torch.manual_seed(0)
    model = spread(timm.create_model(NAME.partition('.')[0]))
    save_timm(model, hub_folder(hub, REPOSITORY))
    return model


def vit(size, **init):
    init = dict(type='mmt2ireid.TIMMPretrained', model=NAME, **init)
    return initialised(
        dict(
            type='mmpretrain.VisionTransformer', img_size=size, patch_size=16, out_type='raw', arch=ARCH, init_cfg=init
        )
    )


def upright(theirs, **options):
    """timm's own model for 384x128, its own way of resizing."""
    model = timm.create_model(NAME.partition('.')[0], img_size=(384, 128), **options)
    state = timm.models.vision_transformer.checkpoint_filter_fn(dict(theirs.state_dict()), model)
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
def test_into_mmpretrains_vit(theirs):
    images = torch.randn(2, 3, SIZE, SIZE)
    found = backbone_tokens(vit(SIZE), images)
    torch.testing.assert_close(found.tokens, theirs.forward_features(images), **CLOSE)
    assert found.num_extra_tokens == 1


@torch.no_grad()
def test_into_mmpretrains_vit_at_384x128(theirs):
    """Everything is timm's, the positions by mmpretrain's rule."""
    ours, images = vit((384, 128)), torch.randn(1, 3, 384, 128)
    other = upright(theirs)
    assert 0 < (other.pos_embed - ours.pos_embed).abs().max() < 0.3
    other.pos_embed.data = ours.pos_embed.data
    torch.testing.assert_close(backbone_tokens(ours, images).tokens, other.forward_features(images), **CLOSE)


@pytest.mark.parametrize('model', [NAME, NAME.partition('.')[0], None])
@torch.no_grad()
def test_into_timms_own_model_at_384x128(theirs, model):
    config = dict(type='mmpretrain.TIMMBackbone', model_name=NAME.partition('.')[0], img_size=(384, 128))
    ours = initialised(dict(config, init_cfg=dict(type='mmt2ireid.TIMMPretrained', model=model)))
    images = torch.randn(2, 3, 384, 128)
    found = backbone_tokens(ours, images)
    assert found.tokens.shape == (2, 193, 64) and found.num_extra_tokens == 1
    torch.testing.assert_close(found.tokens, upright(theirs).forward_features(images), **CLOSE)


@pytest.mark.parametrize(
    ('name', 'options', 'size'),
    [
        ('resnet10t', dict(features_only=True), (96, 32)),
        ('resnet10t', dict(features_only=True, out_indices=(1, 2)), (96, 32)),
        ('resnet10t', {}, (96, 32)),
        ('swin_tiny_patch4_window7_224', dict(img_size=(96, 64)), (96, 64)),
        ('swin_tiny_patch4_window7_224', dict(img_size=(96, 64), features_only=True), (96, 64)),
        ('test_vit', dict(img_size=(96, 32), features_only=True), (96, 32)),
    ],
)
@torch.no_grad()
def test_from_a_file_into_timms_own_models(name, options, size, tmp_path):
    """Also where pictures have another size; Swin's tables of relative positions are resized by timm."""
    torch.manual_seed(0)
    theirs = spread(timm.create_model(name))
    save_timm(theirs, tmp_path)
    file = str(tmp_path / 'model.safetensors')
    init = dict(type='mmt2ireid.TIMMPretrained', file=file)
    ours = initialised(dict(type='mmpretrain.TIMMBackbone', model_name=name, init_cfg=init, **options))
    other = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=dict(file=file), **options).eval()
    images = torch.randn(1, 3, *size)
    wanted = other(images)[-1] if 'features_only' in options else other.forward_features(images)
    found = ours(images)[-1]
    torch.testing.assert_close(found / wanted.abs().max(), wanted / wanted.abs().max(), **CLOSE)


@torch.no_grad()
def test_pretrained_true_waits_for_init_weights(theirs, hub, monkeypatch):
    """timm itself would ask the network when a model is built that a checkpoint will fill."""
    encoder = dict(type='mmpretrain.TIMMBackbone', model_name='test_vit', pretrained=True, img_size=(96, 32))
    neck = dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=64, out_channels=16)
    (hub / f'models--{REPOSITORY.replace("/", "--")}').rename(hub / 'aside')
    model = MODELS.build(dual_encoder_config({}, image_encoder=encoder, img_neck=neck))
    (hub / 'aside').rename(hub / f'models--{REPOSITORY.replace("/", "--")}')
    model.init_weights()
    own = model.image_encoder.timm_model
    assert own.pos_embed.shape == (1, 13, 64)
    assert torch.equal(own.blocks[5].mlp.fc2.weight, theirs.blocks[5].mlp.fc2.weight)
    assert model.encode_image(torch.randn(2, 3, 96, 32)).shape == (2, 16)


@pytest.mark.parametrize(
    'config',
    [
        dict(type='mmpretrain.TIMMBackbone', model_name='test_vit'),
        dict(type='mmpretrain.VisionTransformer', arch=ARCH, img_size=SIZE, patch_size=16, out_type='raw'),
    ],
)
def test_without_network_it_says_what_to_do(config, hub):
    model = MODELS.build(dict(config, init_cfg=dict(type='mmt2ireid.TIMMPretrained', model=NAME)))
    with pytest.raises(FileNotFoundError) as caught:
        model.init_weights()
    place = hub / 'models--timm--test_vit.r160_in1k'
    for part in (
        repr(NAME),
        f'https://huggingface.co/{REPOSITORY}',
        str(place),
        f'hf download {REPOSITORY} --local-dir FOLDER',
        'model.image_encoder.init_cfg.file=FILE',
    ):
        assert part in str(caught.value)
    save_timm(timm.create_model('test_vit'), hub_folder(hub, REPOSITORY))
    model.init_weights()


@pytest.mark.parametrize(
    ('init', 'error', 'message'),
    [
        (
            dict(model='vit_bse_patch16_224'),
            ValueError,
            "timm knows, but got 'vit_bse_patch16_224'; near it: .*vit_base_pat",
        ),
        (dict(model='test_vit.nothing'), ValueError, "got 'test_vit.nothing'; there are: r160_in1k"),
        (dict(model='vit_base_patch16_plus_240'), ValueError, "'vit_base_patch16_plus_240'; there are: none"),
        (dict(), ValueError, 'model of TIMMPretrained must be given'),
        (dict(model=NAME, file='nowhere.bin'), FileNotFoundError, r'there is none at .*nowhere\.bin'),
        (dict(model=NAME, file='text.bin'), ValueError, r"text\.bin must hold timm's weights 'test_vit"),
        (dict(model='local-dir:nowhere'), ValueError, "nowhere must hold timm's weights 'local-dir:"),
    ],
)
def test_what_is_asked_for_wrongly_is_named(init, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'text.bin').write_text('hello')
    init = dict(type='mmt2ireid.TIMMPretrained', **init)
    with pytest.raises(error, match=message):
        initialised(dict(type='mmpretrain.VisionTransformer', arch=ARCH, patch_size=16, img_size=SIZE, init_cfg=init))


def test_weights_of_another_model_are_named(theirs, tmp_path):
    save_timm(theirs, tmp_path)
    init = dict(type='mmt2ireid.TIMMPretrained', model=NAME)
    with pytest.raises(ValueError, match=r"test_vit\.r160_in1k' must have the shapes of SwinTransformer"):
        initialised(dict(type='mmpretrain.SwinTransformer', arch='tiny', init_cfg=init))
    with pytest.raises(ValueError, match=r'must have the shapes of VisionTransformer'):
        initialised(dict(type='mmpretrain.TIMMBackbone', model_name='vit_tiny_patch16_224', init_cfg=init))


def test_files_are_read_weights_only(tmp_path, monkeypatch):
    from test_backbone_weights import Evil

    monkeypatch.chdir(tmp_path)
    torch.save(dict(evil=Evil()), 'evil.bin')
    with pytest.raises(ValueError, match=r"evil\.bin must hold timm's weights"):
        vit(SIZE, file='evil.bin')
    assert not (tmp_path / 'ran.txt').exists()


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match=r"pip install 'mmt2ireid\[timm\]'"):
        vit(SIZE)
