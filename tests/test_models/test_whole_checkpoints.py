"""Position embeddings of a whole checkpoint come from the grid that they were learned on, whatever its shape."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from model_builders import VIT, build_dual_encoder, dual_encoder_config
from torch import nn

from mmt2ireid.compat import read_config_text
from mmt2ireid.engine.checkpoint_fit import fit_checkpoint
from mmt2ireid.models.weights import image_size_of
from mmt2ireid.models.weights.whole_checkpoints import learned_grid
from mmt2ireid.registry import MODELS

PATCH = 8
TIMM = dict(
    type='mmpretrain.TIMMBackbone',
    model_name='vit_tiny_patch16_224',
    patch_size=PATCH,
    embed_dim=24,
    depth=2,
    num_heads=2,
    features_only=False,
)
CLIP = dict(
    embed_dim=24,
    vision_cfg=dict(image_size=32, layers=1, width=64, patch_size=PATCH),
    text_cfg=dict(context_length=8, vocab_size=40, width=16, heads=2, layers=1),
)


def encoder(kind: str, size: tuple[int, int]) -> dict:
    if kind == 'vit':
        return dict(VIT, img_size=size)
    if kind == 'timm':
        return dict(TIMM, img_size=size)
    if kind == 'clip_resnet':
        vision = dict(layers=[1, 1, 1, 1], width=8, image_size=64)
        size = (size[0] * 4, size[1] * 4)
        return dict(type='mmt2ireid.OpenCLIPImageEncoder', model=dict(CLIP, vision_cfg=vision), image_size=size)
    return dict(type='mmt2ireid.OpenCLIPImageEncoder', model=CLIP, image_size=size)


def build(kind: str, size: tuple[int, int]) -> tuple[nn.Module, dict]:
    """A model and a checkpoint of it, as a run writes it."""
    pytest.importorskip('open_clip' if kind.startswith('clip') else 'timm')
    changes = dict(image_encoder=encoder(kind, size), heads={})
    model = build_dual_encoder(spread=True, **changes)
    text = Config(dict(model=dual_encoder_config(**changes))).pretty_text
    return model, dict(state_dict=model.state_dict(), meta=dict(cfg=text))


def table(model: nn.Module) -> torch.Tensor:
    names = ('pos_embed', 'positional_embedding')
    (found,) = [value for name, value in model.image_encoder.named_parameters() if name.rsplit('.', 1)[-1] in names]
    return found.detach().reshape(-1, found.shape[-1])


def resized(rows: torch.Tensor, old: tuple[int, int], new: tuple[int, int], kind: str) -> torch.Tensor:
    grid = rows[1:].T.reshape(1, -1, *old)
    grid = F.interpolate(grid, size=new, mode='bicubic', antialias=kind != 'vit', align_corners=False)
    return torch.cat([rows[:1], grid[0].flatten(1).T])


@pytest.mark.parametrize('kind', ['vit', 'timm', 'clip', 'clip_resnet'])
@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ((32, 16), (64, 32)),
        ((128, 32), (64, 32)),  # 16 x 4 patches, as many as 8 x 8
        ((128, 32), (64, 64)),  # as many patches in another shape
        ((64, 32), (32, 32)),
    ],
)
def test_the_true_grid_is_interpolated(kind, old, new):
    model, checkpoint = build(kind, old)
    other, _ = build(kind, new)
    wanted = resized(table(model), (old[0] // PATCH, old[1] // PATCH), (new[0] // PATCH, new[1] // PATCH), kind)
    fit = fit_checkpoint(other, copy.deepcopy(checkpoint), 'it')
    assert not fit.difference and len(fit.adapted) == 1
    other.load_state_dict(fit.state)
    assert torch.allclose(table(other), wanted, atol=1e-6)


def test_two_that_teach_each_other_take_it_too():
    plain = build('vit', (128, 32))[1]
    head = dict(type='mmt2ireid.MutualTeachingHead', num_images=4, num_captions=4)
    config = dual_encoder_config(image_encoder=encoder('vit', (64, 32)), type='mmt2ireid.MutualTeaching')
    config['heads'] = dict(mutual=head)
    mutual = MODELS.build(config)
    whole = dict(config, image_encoder=encoder('vit', (128, 32)))
    old = MODELS.build(whole)
    checkpoint = dict(state_dict=old.state_dict(), meta=dict(cfg=Config(dict(model=whole)).pretty_text))
    for given in (plain, checkpoint):
        fit = fit_checkpoint(mutual, given, 'it')
        assert not fit.difference.misshapen
        assert all('from 16 x 4 to 8 x 4 patches' in line for line in fit.adapted)
        assert len(fit.adapted) == (1 if given is plain else 4)
    assert mutual.image_size == (64, 32)


def test_the_same_size_is_left_as_it_is():
    model, checkpoint = build('vit', (128, 32))
    fit = fit_checkpoint(model, checkpoint, 'it')
    assert not fit.difference and not fit.adapted


def test_without_a_config_only_the_same_number_is_taken():
    _, checkpoint = build('vit', (128, 32))
    del checkpoint['meta']['cfg']
    other, _ = build('vit', (64, 32))
    with pytest.raises(
        ValueError, match=r'image_encoder.pos_embed of it: the size of the images that its 64 positions'
    ):
        fit_checkpoint(other, copy.deepcopy(checkpoint), 'it')
    checkpoint['meta']['grid'] = (16, 4)
    assert fit_checkpoint(other, checkpoint, 'it').adapted
    same, checkpoint = build('vit', (128, 32))
    assert not fit_checkpoint(same, dict(checkpoint['state_dict']), 'it').adapted


def test_positions_of_another_width_are_reported():
    _, checkpoint = build('vit', (128, 32))
    wide = dict(encoder('vit', (64, 32)), arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=48))
    neck = dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=32, out_channels=16)
    other = build_dual_encoder(image_encoder=wide, img_neck=neck, heads={})
    assert 'image_encoder.pos_embed' in fit_checkpoint(other, checkpoint, 'it').difference.misshapen


@pytest.mark.parametrize(
    ('config', 'count', 'wanted'),
    [
        ('img_size=(192, 48)', 64, (16, 4)),
        ('img_size=64', 64, (8, 8)),
        ('arch="b"', 64, (8, 8)),
        ('img_size=(256, 128), patch_size=16', 210, (21, 10)),  # stride 12
        ('encoder=dict(image_size=[96, 48])', 18, (6, 3)),
        ('img_size=(192, 48)', 0, None),
    ],
)
def test_grids_of_configs(config, count, wanted):
    meta = dict(cfg=f'model = dict(image_encoder=dict({config}))')
    assert learned_grid(meta, count, (8, 4), 'it') == wanted


@pytest.mark.parametrize('config', ['img_size=(192, 48)', 'arch="b"'])
def test_a_config_that_does_not_fit_is_refused(config):
    with pytest.raises(ValueError, match='it: '):
        learned_grid(dict(cfg=f'model = dict(image_encoder=dict({config}))'), 37, (8, 4), 'it')


def test_config_text_is_read_and_not_run(tmp_path):
    text = f'a = -1.5\nopen({str(tmp_path / "x")!r}, "w")\nb = dict(c=[1, (2, None)], **{{"d.e": "f"}})\ng = print(1)\n'
    assert read_config_text(text) == dict(a=-1.5, b={'c': [1, (2, None)], 'd.e': 'f'}, g=None)
    assert not (tmp_path / 'x').exists()
    for wrong in (None, 5, 'a = (', '(' * 100_000, 'a' * 11_000_000, '\0'):
        assert read_config_text(wrong) == {}
    cfg = Config(dict(model=dual_encoder_config(), x=dict(y=True)))
    assert read_config_text(cfg.pretty_text) == cfg.to_dict()


def test_sizes_of_encoders():
    for kind, wanted in (('vit', (64, 32)), ('timm', (64, 32)), ('clip', (64, 32)), ('clip_resnet', (256, 128))):
        assert build(kind, (64, 32))[0].image_size == wanted
    assert image_size_of(nn.Linear(2, 2)) is None
    swin = dict(type='mmpretrain.SwinTransformer', arch='tiny', img_size=(96, 48))
    assert image_size_of(MODELS.build(swin)) is None
