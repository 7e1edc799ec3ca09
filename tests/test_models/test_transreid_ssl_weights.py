"""TransReID-SSL's files, written as its authors publish them, against a model written from their description."""

from __future__ import annotations

import argparse
import os
import re
import runpy
import sys
from pathlib import Path

import pytest
import timm
import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import nn
from weights_helpers import ARCH, features_of, initialised, spread, timm_vit

from mmt2ireid.models.image_encoders import backbone_tokens
from mmt2ireid.models.layers import ConvStem
from mmt2ireid.models.weights import convert_transreid_ssl
from mmt2ireid.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
CLOSE = dict(atol=1e-5, rtol=1e-5)


class StemPatches(nn.Module):
    """The authors' stem under their names, with the norms spelt out."""

    def __init__(self, width, patch):
        super().__init__()
        self.conv = nn.ModuleDict({
            '0': nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            '1': nn.ModuleDict(dict(IN=nn.InstanceNorm2d(32, affine=True), BN=nn.BatchNorm2d(32))),
            '3': nn.Conv2d(64, 64, 3, 1, 1, bias=False),
            '4': nn.ModuleDict(dict(IN=nn.InstanceNorm2d(32, affine=True), BN=nn.BatchNorm2d(32))),
            '6': nn.Conv2d(64, 64, 3, 1, 1, bias=False),
            '7': nn.BatchNorm2d(64),
        })  # fmt: skip
        self.proj = nn.Conv2d(64, width, patch // 2, patch // 2)

    def both(self, name, x):
        instance, batch = self.conv[name]['IN'], self.conv[name]['BN']
        half = x[:, :32]
        mean, var = half.mean((2, 3), keepdim=True), half.var((2, 3), unbiased=False, keepdim=True)
        first = (half - mean) / (var + 1e-5).sqrt() * instance.weight[:, None, None] + instance.bias[:, None, None]
        scale = (batch.weight / (batch.running_var + 1e-5).sqrt())[:, None, None]
        second = (x[:, 32:] - batch.running_mean[:, None, None]) * scale + batch.bias[:, None, None]
        return torch.cat([first, second], 1).clamp(min=0)

    def forward(self, x):
        x = self.both('1', self.conv['0'](x))
        x = self.both('4', self.conv['3'](x))
        return self.proj(self.conv['7'](self.conv['6'](x)).clamp(min=0)).flatten(2).transpose(1, 2)


def upstream(stem, size=(128, 64), patch=8):
    """Their ViT: timm's names but for the stem."""
    model = timm_vit(size, patch)
    if stem:
        torch.manual_seed(2)
        model.patch_embed = spread(StemPatches(24, patch))
    return model


def published(model, kind, student=None):
    """What stands in the file."""
    state = model.state_dict()
    head = {'head.mlp.0.weight': torch.ones(3, 3), 'head.last_layer.weight_g': torch.ones(3, 1)}
    if kind == 'flat':
        return {**state, 'fc.weight': torch.ones(9, 24), 'fc.bias': torch.ones(9)}
    if kind == 'fine-tuned':
        return {**{f'base.{key}': value for key, value in state.items()}, 'base.fc.weight': torch.ones(9, 24),
                'bottleneck.weight': torch.ones(24), 'classifier.weight': torch.ones(7, 24)}  # fmt: skip
    wrapped = {**{f'backbone.{key}': value for key, value in state.items()}, **head}
    if kind == 'distributed':
        wrapped = {f'module.{key}': value for key, value in wrapped.items()}
    other = {f'module.backbone.{key}': torch.full_like(value, 7) for key, value in state.items()}
    return dict(
        student=other, teacher=wrapped, optimizer=dict(state={}), epoch=100, dino_loss=dict(center=torch.ones(1, 3)),
        args=argparse.Namespace(arch='vit_small', lr=0.1, output_dir='log'), fp16_scaler=dict(scale=1.0),
    )  # fmt: skip


def run(*arguments, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['transreid_ssl.py', *map(str, arguments)])
    runpy.run_path(str(ROOT / 'tools' / 'model_converters' / 'transreid_ssl.py'), run_name='__main__')


def ours(path, stem, size=(128, 64), **init):
    patches = dict(patch_cfg=dict(conv_type='mmt2ireid.ConvStem')) if stem else {}
    return initialised(
        dict(
            type='mmpretrain.VisionTransformer', img_size=size, patch_size=8, out_type='raw', arch=ARCH,
            init_cfg=dict(type='mmt2ireid.BackbonePretrained', checkpoint=str(path), **init), **patches,
        )
    )  # fmt: skip


@pytest.mark.parametrize('stem', [False, True])
@pytest.mark.parametrize('kind', ['plain', 'distributed', 'flat', 'fine-tuned'])
@torch.no_grad()
def test_features_are_theirs(kind, stem, tmp_path, monkeypatch, capsys):
    """Straight from the file, and through the converter; at their size and with 16 x 8 positions brought to 24 x 8."""
    theirs = upstream(stem)
    torch.save(published(theirs, kind), tmp_path / 'in.pth')
    run(tmp_path / 'in.pth', tmp_path / 'out.pth', monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert '16 x 8 patches' in printed and ('ConvStem' in printed) == stem
    images, larger = torch.randn(2, 3, 128, 64), torch.randn(1, 3, 192, 64)
    wanted = theirs.forward_features(images)
    grid = theirs.pos_embed[:, 1:].reshape(1, 16, 8, 24).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(24, 8), mode='bicubic', align_corners=False).permute(0, 2, 3, 1).flatten(1, 2)
    table = torch.cat([theirs.pos_embed[:, :1], grid], dim=1)
    for path, init in ((tmp_path / 'in.pth', dict(grid=(16, 8))), (tmp_path / 'out.pth', {})):
        same = ours(path, stem, **init)
        torch.testing.assert_close(backbone_tokens(same, images).tokens, wanted, **CLOSE)
        upright = ours(path, stem, (192, 64), **init)
        torch.testing.assert_close(upright.pos_embed, table, **CLOSE)
        if stem:
            stretched = upstream(stem, (192, 64))
            stretched.load_state_dict({**theirs.state_dict(), 'pos_embed': table})
        else:
            stretched = features_of(theirs, table, (192, 64))
        torch.testing.assert_close(backbone_tokens(upright, larger).tokens, stretched.forward_features(larger), **CLOSE)


def test_what_stays_behind_is_counted(tmp_path, monkeypatch, capsys):
    theirs = upstream(False)
    torch.save(published(theirs, 'plain'), tmp_path / 'in.pth')
    run(tmp_path / 'in.pth', tmp_path / 'out.pth', monkeypatch=monkeypatch)
    assert 'left out: head (2 entries)' in capsys.readouterr().out
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert saved.keys() == {'state_dict', 'meta'}
    assert len(saved['state_dict']) == len(theirs.state_dict())
    assert saved['meta'] == dict(source='TransReID-SSL', entry='teacher', arch='3 layers of width 24', patch_size=8,
                                 conv_stem=False, grid=[16, 8])  # fmt: skip
    run(tmp_path / 'in.pth', tmp_path / 'student.pth', '--entry', 'student', monkeypatch=monkeypatch)
    student = torch.load(tmp_path / 'student.pth', weights_only=True)
    assert (student['state_dict']['ln1.weight'] == 7).all()


@pytest.mark.parametrize(
    ('width', 'depth', 'heads', 'arch'), [(384, 12, 6, 'deit-small'), (768, 12, 12, 'base')], ids=['ViT-S', 'ViT-B']
)
@pytest.mark.slow
@torch.no_grad()
def test_full_size(width, depth, heads, arch, tmp_path):
    """What the converter prints builds the model."""
    torch.manual_seed(0)
    theirs = timm.models.VisionTransformer(
        img_size=(256, 128), patch_size=16, embed_dim=width, depth=depth, num_heads=heads, num_classes=0
    )
    theirs.pos_embed.normal_(0, 0.5)
    theirs.patch_embed = spread(StemPatches(width, 16))
    theirs.eval()
    found = convert_transreid_ssl(published(theirs, 'distributed'), 'x')
    assert found.meta['arch'] == arch and found.meta['patch_size'] == 16 and found.meta['conv_stem']
    torch.save(found.checkpoint(), tmp_path / 'out.pth')
    config = dict(
        type='mmpretrain.VisionTransformer', arch=arch, patch_size=16, out_type='raw', img_size=(256, 128),
        patch_cfg=dict(conv_type='mmt2ireid.ConvStem'),
        init_cfg=dict(type='mmt2ireid.BackbonePretrained', checkpoint=str(tmp_path / 'out.pth')),
    )  # fmt: skip
    images = torch.randn(2, 3, 256, 128)
    tokens = backbone_tokens(initialised(config), images).tokens
    torch.testing.assert_close(tokens, theirs.forward_features(images), **CLOSE)


def test_the_configs_take_the_published_file(tmp_path):
    """Table 3's rows: a file of the released ViT-S's shapes, one layer here."""
    for data in ('cuhk', 'icfg'):
        cfg = Config.fromfile(ROOT / 'configs' / 'unipt' / f'deits_{data}_ssl.py')
        encoder = cfg.model.image_encoder
        assert encoder.arch == 'deit-small' and encoder.img_size == (384, 128) and encoder.patch_size == 16
        encoder.arch = dict(embed_dims=384, num_layers=1, num_heads=6, feedforward_channels=1536)
        torch.manual_seed(0)
        theirs = timm.models.VisionTransformer(
            img_size=(256, 128), patch_size=16, embed_dim=384, depth=1, num_heads=6, num_classes=0
        )
        assert theirs.pos_embed.shape[1] == 129
        encoder.init_cfg.checkpoint = str(tmp_path / 'vit_small.pth')
        torch.save(published(theirs, 'plain'), tmp_path / 'vit_small.pth')
        model = initialised(encoder)
        assert torch.equal(model.layers[0].attn.qkv.weight, theirs.blocks[0].attn.qkv.weight)
        assert model.pos_embed.shape == (1, 193, 384)


def broken(change):
    state = published(upstream(False), 'flat')
    change(state)
    return state


@pytest.mark.parametrize(
    ('content', 'arguments', 'message'),
    [
        (
            broken(lambda s: s.update(sie_embed=torch.ones(3, 1, 24))),
            (),
            'cannot be represented: sie_embed holds embedd',
        ),
        (broken(lambda s: s.update({'b1.0.norm1.weight': torch.ones(24)})), (), 'cannot be represented: b1 holds'),
        (
            {f'module.base.{key}': value for key, value in published(upstream(False), 'flat').items()}
            | {'module.b1.0.norm1.weight': torch.ones(24)},
            (),
            'cannot be represented: b1 holds',
        ),
        (broken(lambda s: s.update(gate=torch.ones(24))), (), r'no other .* and 1 are \(gate\) unknown'),
        (broken(lambda s: s.pop('blocks.1.attn.qkv.bias')), (), r'1 are \(layers\.1\.attn\.qkv\.bias\) missing'),
        (broken(lambda s: s.pop('cls_token')), (), 'must hold a ViT with a cls_token'),
        (broken(lambda s: s.pop('norm.weight')), (), r'a whole ViT, but ln1\.weight'),
        (
            broken(lambda s: s.update(pos_embed=torch.ones(1, 101, 24))),
            (),
            'its 100 patches, but none is twice as high',
        ),
        (broken(lambda s: None), ('--grid', '8', '8'), 'its 128 patches, but got 8 x 8'),
        (dict(epoch=1), (), 'must hold a state dict'),
    ],
)
def test_what_cannot_be_converted_is_named(content, arguments, message, tmp_path, monkeypatch, capsys):
    torch.save(content, tmp_path / 'in.pth')
    with pytest.raises(SystemExit):
        run(tmp_path / 'in.pth', tmp_path / 'out.pth', *arguments, monkeypatch=monkeypatch)
    assert re.search(rf'^error: .*in\.pth .*{message}', capsys.readouterr().err, re.MULTILINE)
    assert os.listdir(tmp_path) == ['in.pth']


def test_a_file_that_holds_itself_is_no_endless_search():
    content: dict = {}
    content['model'] = content
    with pytest.raises(ValueError, match=r'x must hold a state dict'):
        convert_transreid_ssl(content, 'x')


def test_a_file_that_stands_is_kept(tmp_path, monkeypatch, capsys):
    torch.save(published(upstream(False), 'plain'), tmp_path / 'in.pth')
    (tmp_path / 'out.pth').write_text('mine')
    with pytest.raises(SystemExit):
        run(tmp_path / 'in.pth', tmp_path / 'out.pth', monkeypatch=monkeypatch)
    assert '--force' in capsys.readouterr().err
    assert (tmp_path / 'out.pth').read_text() == 'mine'
    run(tmp_path / 'in.pth', tmp_path / 'out.pth', '--force', monkeypatch=monkeypatch)
    assert torch.load(tmp_path / 'out.pth', weights_only=True)['meta']['grid'] == [16, 8]
    with pytest.raises(SystemExit):
        run(tmp_path / 'nowhere.pth', tmp_path / 'b.pth', monkeypatch=monkeypatch)
    assert 'nowhere' in capsys.readouterr().err


def test_a_stem_without_convolutions_is_not_taken_for_one_with(tmp_path):
    torch.save(published(upstream(True), 'plain'), tmp_path / 'ics.pth')
    with pytest.raises(ValueError, match=r'ics\.pth must hold all weights .*projection\.(weight|bias).* missing'):
        ours(tmp_path / 'ics.pth', False, grid=(16, 8))
    torch.save(published(upstream(False), 'plain'), tmp_path / 'plain.pth')
    with pytest.raises(ValueError, match=r'plain\.pth must hold all weights .*projection\.conv\.0\.weight'):
        ours(tmp_path / 'plain.pth', True, grid=(16, 8))


@pytest.mark.parametrize(
    'options',
    [dict(kernel_size=15, stride=15), dict(stride=12), dict(padding=1), dict(dilation=2), dict(hidden_channels=3)],
)
def test_a_stem_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=r'must (have patches of even size|be even)'):
        ConvStem(3, 8, **options)


def test_a_stem_learns():
    model = MODELS.build(
        dict(
            type='mmpretrain.VisionTransformer',
            img_size=(32, 16),
            patch_size=8,
            out_type='raw',
            arch=ARCH,
            patch_cfg=dict(conv_type='mmt2ireid.ConvStem'),
        )
    )
    backbone_tokens(model, torch.randn(2, 3, 32, 16)).tokens.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
