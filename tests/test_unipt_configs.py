"""What UniPT's configs say beyond that they build."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from test_configs import CONFIGS, load, shallow

from mmt2ireid.apis import get_model

FOLDER = CONFIGS / 'unipt'


@pytest.mark.parametrize(
    'row', [f'{encoder}_{data}' for encoder in ('deits', 'vitb16') for data in ('cuhk', 'icfg', 'rstp')]
)
def test_summed_ranking_losses_and_nothing_else(row):
    mean, summed = load(FOLDER / f'{row}.py'), load(FOLDER / f'{row}_sum.py')
    for heads in (mean.model.heads, summed.model.heads):
        found = [heads.ranking.loss.pop('reduction', None), heads.pgu.ranking_loss.pop('reduction', None)]
        assert found == ([None, None] if heads is mean.model.heads else ['sum', 'sum'])
    assert mean.to_dict() == summed.to_dict()


def test_the_release_is_trained_as_its_authors_do():
    cfg = shallow(load(FOLDER / 'vitb16_lupt_release.py'))
    assert cfg.model.heads.mlm.get('init_cfg') is None  # the head of masked words starts from random weights
    model = get_model(cfg)
    dropouts = [module.p for module in model.image_encoder.modules() if isinstance(module, torch.nn.Dropout)]
    assert dropouts.count(0.1) >= 3  # after the positions, after attention, in and after the perceptron
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    decay = {id(param): group['weight_decay'] for group in groups for param in group['params']}
    for name, param in model.named_parameters():
        if 'pos_embed' in name or 'position_embeddings' in name:
            assert decay[id(param)] == 0.01, name


@pytest.mark.parametrize('row', ['deits_cuhk', 'vitb16_icfg', 'clip-vitb16_cuhk_unipt'])
def test_part_maps_start_and_learn_as_in_lgur(row):
    """Kaiming normal by fan out, 2.4 times wider than uniform, at ten times the rate of the rest of PGU."""
    cfg = shallow(load(FOLDER / f'{row}.py'))
    model = get_model(cfg)
    head = model.heads['pgu']
    assert head.project.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.01)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    rate = {id(param): group['lr'] for group in groups for param in group['params']}
    assert rate[id(head.project.weight)] == pytest.approx(1e-3)
    assert rate[id(head.prototypes)] == pytest.approx(1e-4)


def test_pixels_are_as_the_weights_know_them():
    imagenet, half = [123.675, 116.28, 103.53], [127.5] * 3
    for path in FOLDER.glob('*.py'):
        generic_deit = path.stem.startswith('deits') and '_generic' in path.stem
        if not path.stem.startswith('clip'):
            found = list(load(path).model.data_preprocessor.mean)
            assert found == (imagenet if generic_deit else half), path.stem
