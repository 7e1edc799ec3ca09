"""Learned scales start from the one that CLIP's weights carry."""

from __future__ import annotations

import logging
import math

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from test_clip_encoders import VIT, save, upstream

from mmt2ireid.apis import get_model
from mmt2ireid.registry import MODELS

pytest.importorskip('open_clip')
ITC = dict(
    type='mmt2ireid.ContrastiveHead', loss=dict(type='mmt2ireid.ContrastiveLoss', logit_scale=None, learn_scale=True)
)
LABELS = dict(type='mmt2ireid.LabelContrastiveHead')


def weights(folder, scale, seed=0):
    """A CLIP model's folder whose weights carry a scale."""
    model = upstream(VIT, seed)
    model.logit_scale.data.fill_(math.log(scale))
    return dict(type='mmt2ireid.OpenCLIPPretrained', model=save(model, VIT, folder))


def config_of(img=None, txt=None, head=LABELS, wrap=None):
    """A dual encoder on CLIP's towers with one head."""
    encoders = dict(
        image_encoder=dict(type='mmt2ireid.OpenCLIPImageEncoder', model=VIT, init_cfg=img),
        text_encoder=dict(type='mmt2ireid.OpenCLIPTextEncoder', model=VIT, init_cfg=txt),
    )
    if wrap is not None:
        encoders = {name: dict(wrap, encoder=encoder) for name, encoder in encoders.items()}
    neck = dict(type='mmt2ireid.GlobalTokenNeck', out_channels=24)
    heads = dict(one=head)
    return dict(type='mmt2ireid.DualEncoder', **encoders, img_neck=dict(neck), txt_neck=dict(neck), heads=heads)


def build(*args, **settings):
    """The model, initialized."""
    model = MODELS.build(ConfigDict(config_of(*args, **settings)))
    model.init_weights()
    return model


def scale_of(model):
    head = model.heads.one
    return getattr(head, 'criterion', head).learned_scale().item()


@pytest.mark.parametrize('head', [ITC, LABELS])
@pytest.mark.parametrize(('scale', 'expected'), [(33.0, 33.0), (100.0, 100.0), (120.0, 100.0)])
def test_the_weights_scale_is_used(head, scale, expected, tmp_path):
    init = weights(tmp_path, scale)
    assert scale_of(build(init, init, head)) == pytest.approx(expected, rel=1e-5)


def test_a_number_in_the_config_takes_precedence(tmp_path):
    init = weights(tmp_path, 33.0)
    assert scale_of(build(init, init, dict(LABELS, logit_scale=20.0))) == pytest.approx(20.0)


def test_only_the_scale_of_a_common_space_is_used(tmp_path):
    one, other = weights(tmp_path / 'a', 33.0), weights(tmp_path / 'b', 44.0, seed=1)
    for init in ((None, None), (one, None), (None, one), (one, other)):
        assert scale_of(build(*init)) == pytest.approx(1 / 0.07), init


def test_adapters_around_the_encoders(tmp_path):
    pytest.importorskip('peft')
    init = weights(tmp_path, 33.0)
    wrap = dict(type='mmt2ireid.LoRAEncoder', target_modules=('query', 'value'), rank=2, alpha=2)
    assert scale_of(build(init, init, wrap=wrap)) == pytest.approx(33.0, rel=1e-5)


class Lines(logging.Handler):
    """Collects what is logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture
def lines():
    logger, handler = MMLogger.get_current_instance(), Lines()
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


def test_the_log_says_where_a_scale_starts(tmp_path, lines):
    init = weights(tmp_path, 33.0)
    build(init, init, ITC)
    build()
    build(init, init, dict(LABELS, logit_scale=20.0))
    assert [line for line in lines if 'scale' in line and 'starts' in line] == [
        'heads.one.criterion: the scale starts at 33, as in the loaded CLIP weights',
        'heads.one: the scale starts at 14.29, since the encoders are not loaded from one CLIP',
    ]


def test_a_model_that_is_built_for_a_checkpoint_says_nothing_of_it(lines):
    get_model(Config(dict(model=config_of())))
    assert not any('the scale starts' in line for line in lines)


def test_a_checkpoint_brings_its_own(tmp_path):
    init = weights(tmp_path, 33.0)
    trained = build(init, init)
    trained.heads.one.log_scale.data.fill_(math.log(55.0))
    fresh = build()
    fresh.load_state_dict(trained.state_dict())
    assert scale_of(fresh) == pytest.approx(55.0, rel=1e-5)


def test_a_fixed_scale_needs_a_number():
    with pytest.raises(ValueError, match='logit_scale must be a number where learn_scale is off, but got None'):
        MODELS.build(dict(type='mmt2ireid.ContrastiveLoss', logit_scale=None))
    with pytest.raises(ValueError, match='max_scale must be positive'):
        MODELS.build(dict(LABELS, max_scale=0))
    assert torch.is_tensor(MODELS.build(dict(LABELS, max_scale=10)).log_scale)
