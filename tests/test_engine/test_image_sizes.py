"""Encoder and pipelines agree on the size of images; a checkpoint of another size is adapted, but not resumed."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_parts import TinyModel
from torch import nn

from mmt2ireid.engine.image_sizes import check_image_sizes, final_size
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.options import set_resume
from mmt2ireid.registry import MODELS

RESIZE = dict(type='Resize', scale=(48, 96))
CROP = dict(type='mmpretrain.RandomCrop', crop_size=(96, 48), padding=4)


def loader(*steps: dict) -> dict:
    return dict(dataset=dict(type='Joined', datasets=[dict(type='One', pipeline=[dict(type='Load'), *steps])]))


def sized(size):
    model = nn.Identity()
    model.image_size = size
    return model


@pytest.mark.parametrize('name', ['train_dataloader', 'val_dataloader', 'test_dataloader'])
def test_another_size_is_refused(name):
    cfg = Config({name: loader(RESIZE, CROP)})
    check_image_sizes(sized((96, 48)), cfg)
    check_image_sizes(sized(None), cfg)
    check_image_sizes(nn.Identity(), cfg)
    with pytest.raises(ValueError, match=rf'{name}: .* 192 x 96 \(height x width; .*\), but gives 96 x 48'):
        check_image_sizes(sized((192, 96)), cfg)


def test_views_are_looked_at():
    views = [[dict(type='mmpretrain.RandomResizedCrop', scale=(64, 32))], [dict(type='Flip')]]
    cfg = Config(dict(train_dataloader=loader(dict(type='ExtraViews', views=views), RESIZE)))
    with pytest.raises(ValueError, match='but gives 64 x 32'):
        check_image_sizes(sized((96, 48)), cfg)


@pytest.mark.parametrize(
    ('steps', 'wanted'),
    [
        ([], None),
        ([RESIZE], (96, 48)),
        ([dict(type='mmcv.transforms.Resize', scale=(48, 96), keep_ratio=True)], None),
        ([dict(type='Resize', scale_factor=2.0)], None),
        ([RESIZE, dict(type='mmpretrain.RandomResizedCrop', scale=224)], (224, 224)),
        ([RESIZE, dict(type='CenterCrop', crop_size=(40, 80))], None),
        ([RESIZE, dict(type='RandomChoice', transforms=[[RESIZE], [CROP]])], None),
        ([dict(type='RandomChoice', transforms=[[CROP]]), RESIZE, dict(type='Flip', prob=0.5)], (96, 48)),
    ],
)
def test_final_sizes(steps, wanted):
    assert final_size(steps) == wanted


@MODELS.register_module()
class SizedModel(TinyModel):
    """A tiny model whose checkpoints say of which size they are."""

    def __init__(self, size: int = 1, **options) -> None:
        super().__init__(**options)
        self.size = size
        self.image_size = (size, size)
        self.register_buffer('positions', torch.zeros(size))

    def adapt_state(self, state, meta, label):
        if len(state['positions']) == self.size:
            return []
        state['positions'] = torch.ones(self.size)
        return [f'positions of {"a run" if meta["iter"] else "weights"}']


def test_a_checkpoint_of_another_size(make_cfg, tmp_path):
    model = dict(type='SizedModel', size=2)
    run(make_cfg(epochs=1, model=model), Runner.train)
    path = str(tmp_path / 'work/epoch_1.pth')

    def other():
        return make_cfg(work_dir=tmp_path / 'other', epochs=2, model=dict(model, size=3))

    cfg = other()
    set_resume(cfg, path)
    with pytest.raises(ValueError, match=r'must be resumed with the size of images .* but got positions of a run; to'):
        run(cfg, Runner.train)
    for action in ('test', 'train'):
        cfg = other()
        cfg.load_from = path
        runner = build_runner(cfg)
        getattr(runner, action)()
        assert runner.model.positions.tolist() == [1.0] * 3
    log = max((tmp_path / 'other').glob('*/*.log')).read_text()
    assert f'checkpoint {path}: position embeddings resized, positions of a run' in log


def test_a_run_is_refused_when_it_is_built(make_cfg):
    cfg = make_cfg(model=dict(type='SizedModel', size=2))
    cfg.val_dataloader.dataset.pipeline = [RESIZE]
    with pytest.raises(ValueError, match='val_dataloader: the pipeline must give images of the size'):
        build_runner(cfg)
