"""Image backbones from files: upstream's weights in, upstream's features out."""

from __future__ import annotations

import os

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import nn
from weights_helpers import ARCH, features_of, initialised, our_vit, spread, timm_vit

from mmt2ireid.models.image_encoders import backbone_tokens
from mmt2ireid.models.weights.backbone import load_backbone
from mmt2ireid.models.weights.names import to_mmpretrain
from mmt2ireid.registry import MODELS

CLOSE = dict(atol=1e-5, rtol=1e-5)


def pretrained(path, **options):
    return dict(type='mmt2ireid.BackbonePretrained', checkpoint=str(path), **options)


def save(state, path, **wrapper):
    torch.save({**wrapper, 'state_dict': state} if wrapper else state, path)
    return path


def mmpretrain_state(model, prefix='backbone.'):
    """As mmpretrain publishes it: our names, a prefix, and a classifier that is not the backbone's."""
    state = {key: value for key, value in model.state_dict().items() if not key.startswith('head')}
    names = to_mmpretrain(state)
    return {
        **{prefix + names[key]: value for key, value in state.items()},
        'head.layers.head.weight': torch.ones(3, 24),
    }


def resized(table, old, new, extra=1):
    grid = table[:, extra:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=new, mode='bicubic', align_corners=False)
    return torch.cat([table[:, :extra], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


@pytest.mark.parametrize('kind', ['timm', 'mmpretrain', 'mmpretrain, MMEngine', 'wrapped', 'ours'])
@torch.no_grad()
def test_a_vit_equals_timms(kind, tmp_path):
    theirs = timm_vit(classes=0 if kind == 'ours' else 5)
    path = tmp_path / 'vit.pth'
    if kind == 'timm':
        init = pretrained(save(theirs.state_dict(), path))
    elif kind == 'wrapped':
        state = {f'module.{key}': value for key, value in theirs.state_dict().items()}
        torch.save(dict(model=state, epoch=3), path)
        init = pretrained(path)
    elif kind == 'ours':
        state = mmpretrain_state(theirs, 'image_encoder.')
        state['text_encoder.x'] = torch.ones(1)
        init = pretrained(save(state, path, meta=dict(epoch=1)), prefix='image_encoder')
    else:
        save(mmpretrain_state(theirs), path, meta=dict(epoch=1))
        init = pretrained(path)
        if kind.endswith('MMEngine'):
            init = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    images = torch.randn(2, 3, 48, 32)
    found = backbone_tokens(our_vit(init), images)
    torch.testing.assert_close(found.tokens, theirs.forward_features(images), **CLOSE)


@torch.no_grad()
def test_layer_scale_and_norm_before_the_layers(tmp_path):
    theirs = timm_vit(init_values=0.1, pre_norm=True)
    init = pretrained(save(theirs.state_dict(), tmp_path / 'vit.pth'))
    images = torch.randn(2, 3, 48, 32)
    found = backbone_tokens(our_vit(init, layer_scale_init_value=0.5, pre_norm=True), images)
    torch.testing.assert_close(found.tokens, theirs.forward_features(images), **CLOSE)


@torch.no_grad()
def test_a_distilled_vit_equals_timms(tmp_path):
    torch.manual_seed(0)
    theirs = spread(timm.models.deit.VisionTransformerDistilled(
        img_size=64, patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=0))  # fmt: skip
    init = pretrained(save(theirs.state_dict(), tmp_path / 'deit.pth'))
    config = dict(type='mmpretrain.DistilledVisionTransformer', patch_size=8, out_type='raw', arch=ARCH, init_cfg=init)
    images = torch.randn(2, 3, 64, 64)
    found = backbone_tokens(initialised(dict(config, img_size=64)), images)
    torch.testing.assert_close(found.tokens, theirs.forward_features(images), **CLOSE)
    upright = initialised(dict(config, img_size=(96, 32)))
    torch.testing.assert_close(upright.pos_embed, resized(theirs.pos_embed, (8, 8), (12, 4), extra=2), **CLOSE)


@pytest.mark.parametrize('kind', ['Pretrained', 'mmt2ireid.BackbonePretrained'])
@torch.no_grad()
def test_from_224_to_384x128(kind, tmp_path):
    """14 x 14 patches to 24 x 8; what else there is comes over as it is."""
    theirs = timm_vit(224, 16, classes=5)
    path = save(mmpretrain_state(theirs), tmp_path / 'vit.pth', meta={})
    ours = our_vit(dict(type=kind, checkpoint=str(path), prefix='backbone.'), (384, 128), 16)
    table = resized(theirs.pos_embed, (14, 14), (24, 8))
    torch.testing.assert_close(ours.pos_embed, table, **CLOSE)
    images = torch.randn(1, 3, 384, 128)
    wanted = features_of(theirs, table, (384, 128), 16).forward_features(images)
    torch.testing.assert_close(backbone_tokens(ours, images).tokens, wanted, **CLOSE)


@pytest.mark.parametrize(
    ('source', 'target', 'grid'),
    [((16, 8), (24, 8), (16, 8)), ((16, 8), (16, 8), None), ((16, 4), (8, 8), (16, 4)), ((8, 8), (16, 4), (8, 8))],
)
@torch.no_grad()
def test_from_a_grid_that_is_no_square(source, target, grid, tmp_path):
    """mmpretrain's own hook fails at 16 x 8, and takes 16 x 4 for 8 x 8."""
    theirs = timm_vit((source[0] * 8, source[1] * 8))
    init = pretrained(save(theirs.state_dict(), tmp_path / 'vit.pth'), grid=grid)
    size = target[0] * 8, target[1] * 8
    ours = our_vit(init, size)
    table = theirs.pos_embed if source == target else resized(theirs.pos_embed, source, target)
    torch.testing.assert_close(ours.pos_embed.detach(), table.detach(), **CLOSE)
    assert source == target or not torch.equal(ours.pos_embed[:, :9], theirs.pos_embed[:, :9])
    images = torch.randn(1, 3, *size)
    wanted = features_of(theirs, table, size).forward_features(images)
    torch.testing.assert_close(backbone_tokens(ours, images).tokens, wanted, **CLOSE)


def test_a_file_may_say_its_grid(tmp_path):
    theirs = timm_vit((128, 64))
    path = save(theirs.state_dict(), tmp_path / 'vit.pth', meta=dict(grid=[16, 8]))
    ours = our_vit(pretrained(path), (192, 64))
    torch.testing.assert_close(ours.pos_embed, resized(theirs.pos_embed, (16, 8), (24, 8)), **CLOSE)
    with pytest.raises(ValueError, match=r'grid must be \(16, 8\), as .*vit\.pth says, but got \(8, 16\)'):
        our_vit(pretrained(path, grid=(8, 16)), (192, 64))


@pytest.mark.parametrize(
    ('source', 'size', 'grid', 'message'),
    [
        ((128, 64), (192, 64), None, r'as \(rows, columns\).*its 128 position .* no square, .*24 x 8, \(16, 8\) if'),
        ((64, 64), (128, 32), None, r'must be given .*its 64 position embeddings may be 8 x 8 or 16 x 4'),
        ((128, 64), (192, 64), (15, 8), r'vit\.pth must hold the 128 patches of .*but got 15 x 8'),
    ],
)
def test_a_grid_that_must_be_given_is_named(source, size, grid, message, tmp_path):
    path = save(timm_vit(source).state_dict(), tmp_path / 'vit.pth')
    with pytest.raises(ValueError, match=f'grid of .*{message}'):
        our_vit(pretrained(path, grid=grid), size)


@torch.no_grad()
def test_resnet_50_equals_timms(tmp_path):
    torch.manual_seed(0)
    theirs = timm.create_model('resnet50', num_classes=7)
    with torch.no_grad():
        for module in theirs.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.0)
    theirs.eval()
    state = theirs.state_dict()
    config = dict(type='mmpretrain.ResNet', depth=50, out_indices=(3,), style='pytorch')
    images = torch.randn(2, 3, 96, 32)
    wanted = theirs.forward_features(images)
    wanted = wanted / wanted.abs().max()
    for path, options in (
        (save(state, tmp_path / 'timm.pth'), {}),
        (save({f'backbone.{key}': value for key, value in state.items() if not key.startswith('fc')} |
              {'head.fc.weight': state['fc.weight']}, tmp_path / 'mm.pth', meta={}), dict(prefix='backbone.')),
    ):  # fmt: skip
        for kind in ('Pretrained', 'mmt2ireid.BackbonePretrained'):
            ours = initialised(dict(config, init_cfg=dict(type=kind, checkpoint=str(path), **options)))
            found = ours(images)[-1]
            torch.testing.assert_close(found / found.abs().max(), wanted, **CLOSE)
    with pytest.raises(ValueError, match=r'grid must be None for ResNet .* no position embeddings'):
        initialised(dict(config, init_cfg=pretrained(tmp_path / 'timm.pth', grid=(14, 14))))


@torch.no_grad()
def test_a_swin_transformer_of_mmpretrain_for_larger_pictures(tmp_path):
    arch = dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])
    config = dict(type='mmpretrain.SwinTransformer', arch=arch, pad_small_map=True)
    theirs = spread(initialised(dict(config, img_size=224)))
    path = save({f'backbone.{key}': value for key, value in theirs.state_dict().items()}, tmp_path / 'swin.pth')
    images = torch.randn(1, 3, 224, 224)
    ours = initialised(dict(config, img_size=224, init_cfg=pretrained(path)))
    torch.testing.assert_close(ours(images)[-1], theirs(images)[-1], **CLOSE)
    upright = initialised(dict(config, img_size=(384, 128), init_cfg=pretrained(path)))
    for name, value in theirs.named_parameters():
        assert torch.equal(value, upright.get_parameter(name)), name


def test_the_whole_models_walk_leaves_it_alone(tmp_path):
    """MMEngine goes on to the children, mmpretrain to the position embeddings."""
    theirs = timm_vit((32, 16))
    init = pretrained(save(theirs.state_dict(), tmp_path / 'vit.pth'))
    from model_builders import dual_encoder_config

    encoder = dict(type='mmpretrain.VisionTransformer', img_size=(32, 16), patch_size=8, out_type='raw', arch=ARCH)
    encoder['init_cfg'] = init
    targets = dict(type='mmt2ireid.LoRAEncoder', encoder=encoder, target_modules=['qkv'])
    for config in (encoder, targets):
        model = MODELS.build(dual_encoder_config(image_encoder=config))
        model.init_weights()
        own = {key.replace('.base_layer', '').removeprefix('encoder.'): value
               for key, value in model.image_encoder.state_dict().items() if 'lora_' not in key}  # fmt: skip
        names = to_mmpretrain(theirs.state_dict())
        assert own.keys() == set(names.values())
        assert all(torch.equal(value, own[names[key]]) for key, value in theirs.state_dict().items())


class Evil:
    def __reduce__(self):
        return os.system, ('echo ran > ran.txt',)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.pop('blocks.2.attn.qkv.bias'), r'1 are \(layers\.2\.attn\.qkv\.bias\) missing and none are unkn'),
        (lambda s: s.update({'blocks.3.norm1.bias': torch.ones(24)}), r'none are missing and 1 are \(layers\.3\.ln1'),
        (lambda s: s.update({'norm.weight': torch.ones(25)}), r'must have the shapes of .*ln1\.weight'),
        (
            lambda s: (s.clear(), s.update(x=torch.ones(1))),
            r"must hold weights of VisionTransformer .*names like \['x'\]",
        ),
        (lambda s: s.clear(), 'must hold a state dict, bare or under one of'),
        (lambda s: s.update(evil=Evil()), r'refused: .*system'),
    ],
)
def test_what_does_not_fit_is_named(change, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = dict(timm_vit().state_dict())
    change(state)
    torch.save(state, 'vit.pth')
    with pytest.raises(ValueError, match=rf'vit\.pth .*{message}'):
        our_vit(pretrained('vit.pth'))
    assert not os.path.exists('ran.txt')


def test_what_is_asked_for_wrongly_is_named(tmp_path):
    path = save(mmpretrain_state(timm_vit()), tmp_path / 'vit.pth')
    with pytest.raises(ValueError, match=r"with prefix 'encoder\.', but got names like"):
        our_vit(pretrained(path, prefix='encoder.'))
    with pytest.raises(ValueError, match='grid must be a number of rows and one of columns'):
        our_vit(pretrained(path, grid=(16,)))
    with pytest.raises(ValueError, match='init_cfg must be one initialiser'):
        our_vit([dict(type='TruncNormal', layer='Linear'), pretrained(path)])
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth'):
        our_vit(pretrained('nowhere.pth'))


def test_safetensors(tmp_path):
    from safetensors.torch import save_file

    theirs = timm_vit()
    save_file(theirs.state_dict(), tmp_path / 'vit.safetensors')
    ours = our_vit(pretrained(tmp_path / 'vit.safetensors'))
    assert torch.equal(ours.pos_embed, theirs.pos_embed)


def test_half_precision_becomes_whole(tmp_path):
    theirs = timm_vit()
    ours = our_vit(
        pretrained(save({k: v.half() for k, v in theirs.state_dict().items()}, tmp_path / 'v.pth')), (96, 16)
    )
    assert {value.dtype for value in ours.state_dict().values()} == {torch.float32}


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'arch'), [('vit_base_patch16_224', 'base'), ('deit_small_patch16_224', 'deit-small')])
@torch.no_grad()
def test_full_size(name, arch):
    torch.manual_seed(0)
    theirs = timm.create_model(name, num_classes=0)
    theirs.pos_embed.normal_(0, 0.5)
    theirs.eval()
    config = dict(type='mmpretrain.VisionTransformer', arch=arch, patch_size=16, out_type='raw')
    for size in (224, (384, 128)):
        ours = MODELS.build(dict(config, img_size=size))
        ours.eval()
        load_backbone(ours, theirs.state_dict(), name, grid=(14, 14))
        upstream = theirs
        if size != 224:
            upstream = timm.create_model(name, num_classes=0, img_size=size).eval()
            table = resized(theirs.pos_embed, (14, 14), (24, 8))
            upstream.load_state_dict({**theirs.state_dict(), 'pos_embed': table})
        images = torch.randn(2, 3, *((224, 224) if size == 224 else size))
        wanted = upstream.forward_features(images)
        torch.testing.assert_close(backbone_tokens(ours, images).tokens, wanted, **CLOSE)
