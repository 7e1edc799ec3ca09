"""Rules of a leaf hold together with those of its bases; a rate of 0 freezes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import CosineAnnealingLR, build_optim_wrapper
from torch import nn

from mmt2ireid.engine.optim import grouped
from mmt2ireid.engine.optim.rules import ParameterRules

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = ('clip_finetune', 'irra', 'tbps_clip', 'unipt_finetune', 'unipt_pretrain', 'toy_finetune')


class Tower(nn.Module):
    """Names as of BERT, of CLIP's towers and of ViTs."""

    def __init__(self) -> None:
        super().__init__()
        self.position_embeddings = nn.Embedding(3, 4)
        self.pos_embed = nn.Parameter(torch.ones(1, 3, 4))
        self.attn = nn.MultiheadAttention(4, 1)
        self.norm = nn.LayerNorm(4)
        self.fc = nn.Linear(4, 4)


def model():
    torch.manual_seed(0)
    heads = nn.ModuleDict(dict(identity=nn.Linear(4, 2), log_scale=nn.LayerNorm(1)))
    return nn.ModuleDict(dict(image_encoder=Tower(), text_encoder=Tower(), heads=heads))


def build(net, paramwise=None, constructor='mmt2ireid.GroupedOptimWrapperConstructor', **optimizer):
    return build_optim_wrapper(
        net,
        dict(
            constructor=constructor,
            paramwise_cfg=paramwise,
            optimizer=dict(dict(type='AdamW', lr=1.0, weight_decay=1.0), **optimizer),
        ),
    )


def rates(net, paramwise):
    """Rate and decay by name."""
    wrapper = build(net, paramwise)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    return {
        names[id(parameter)]: (round(group['lr'], 9), group['weight_decay'])
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
    }


@pytest.fixture
def log(monkeypatch):
    said = []
    monkeypatch.setattr(
        grouped,
        'print_log',
        lambda text, logger, level=logging.INFO: said.append(f'{logging.getLevelName(level)} {text}'),
    )
    return lambda: '\n'.join(said)


def schedule_of(name):
    cfg = Config.fromfile(ROOT / f'configs/_base_/schedules/{name}.py')
    cfg.optim_wrapper.constructor = 'mmt2ireid.GroupedOptimWrapperConstructor'
    return cfg


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_a_rate_of_0_freezes_whatever_the_base_says(schedule):
    cfg = schedule_of(schedule)
    cfg.merge_from_dict({'optim_wrapper.paramwise_cfg.custom_keys': dict(text_encoder=dict(lr_mult=0.0))})
    net = model()
    wrapper = build_optim_wrapper(net, cfg.optim_wrapper)
    # A rate of 0 in the optimizer would be lifted to a schedule's last one.
    scheduler = CosineAnnealingLR(wrapper, T_max=4, eta_min=1e-2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for _ in range(4):
        wrapper.update_params(sum(parameter.square().sum() for parameter in net.parameters()))
        scheduler.step()
    moved = {name.split('.')[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {'image_encoder', 'heads'}


def test_rates_multiply_and_decay_is_apart():
    keys = dict(
        text_encoder=dict(lr_mult=0.1),
        text_encoder_x=dict(lr_mult=7.0),
        position_embeddings=dict(decay_mult=0.0),
        fc=dict(lr_mult=0.5, decay_mult=0.5),
    )
    found = rates(model(), dict(norm_decay_mult=0.0, bias_lr_mult=2.0, bias_decay_mult=0.25, custom_keys=keys))
    assert found['text_encoder.position_embeddings.weight'] == (0.1, 0.0)
    assert found['text_encoder.fc.weight'] == (0.05, 0.5)
    assert found['text_encoder.fc.bias'] == (0.1, 0.125)
    assert found['text_encoder.norm.bias'] == (0.1, 0.0)
    assert found['text_encoder.attn.in_proj_bias'] == (0.2, 0.25)
    assert found['image_encoder.attn.in_proj_weight'] == (1.0, 1.0)


def test_stars_stand_for_any_characters():
    found = rates(
        model(), dict(custom_keys={'text_encoder*bias': dict(lr_mult=2.0), '.pos_embed': dict(decay_mult=0.0)})
    )
    assert sorted(name for name, (rate, _) in found.items() if rate == 2.0) == [
        f'text_encoder.{name}' for name in ('attn.in_proj_bias', 'attn.out_proj.bias', 'fc.bias', 'norm.bias')
    ]
    assert [name for name, (_, decay) in found.items() if decay == 0] == [
        f'{side}_encoder.pos_embed' for side in ('image', 'text')
    ]


def test_vectors_and_scalars():
    net = nn.ParameterDict(dict(scale=nn.Parameter(torch.ones(())), cls=nn.Parameter(torch.ones(3))))
    assert rates(net, dict(flat_decay_mult=0.0)) == dict(scale=(1.0, 0.0), cls=(1.0, 0.0))
    assert rates(nn.Conv2d(2, 2, 1, groups=2), dict(dwconv_decay_mult=0.5))['weight'] == (1.0, 0.5)


def test_another_rate_than_the_key_says_is_warned_of(log):
    build(model(), dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1), attn=dict(lr_mult=2.0, decay_mult=0.0))))
    out = ' '.join(log().split())
    assert (
        "custom_keys['text_encoder'] has lr_mult=0.1, but 4 of its 10 tensors get another rate, since rules multiply: "
        "text_encoder.attn.in_proj_weight gets custom_keys['attn'] 2 x custom_keys['text_encoder'] 0.1 = 0.2"
    ) in out
    assert "custom_keys['attn'] has lr_mult=2, but 4 of its 8 tensors" in out


def test_rules_that_agree_are_not_warned_of(log):
    keys = dict(text_encoder=dict(lr_mult=0.0), attn=dict(lr_mult=2.0), pos_embed=dict(decay_mult=0.0))
    build(model(), dict(custom_keys=dict(keys, cls_token=dict(decay_mult=0.0))))
    out = log()
    assert 'WARNING' not in out
    assert 'frozen and left out: 10 tensors by a rate of 0' in out and 'keys that match no tensor: cls_token' in out


def test_freezing_of_nothing_is_warned_of(log):
    build(model(), dict(custom_keys=dict(txt_encoder=dict(lr_mult=0))))
    out = ' '.join(log().split())
    assert "custom_keys['txt_encoder'] has lr_mult=0, but freezes nothing: no tensor has such a name" in out


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_rules_of_a_schedule_agree(schedule, log):
    net = nn.ModuleDict(dict(model()))
    net['heads']['pgu'] = nn.ModuleDict(dict(decoder=nn.Linear(2, 2), classifiers=nn.Linear(2, 2)))
    build_optim_wrapper(net, schedule_of(schedule).optim_wrapper)
    assert 'WARNING' not in log()


def test_frozen_tensors_need_no_gradient_but_in_a_wrapped_model():
    net = model()
    build(net, dict(custom_keys=dict(text_encoder=dict(lr_mult=0))))
    assert {name.split('.')[0] for name, x in net.named_parameters() if not x.requires_grad} == {'text_encoder'}
    wrapped = nn.Module()
    wrapped.module = model()
    wrapper = build(wrapped, dict(custom_keys=dict(text_encoder=dict(lr_mult=0))))
    assert all(parameter.requires_grad for parameter in wrapped.parameters())
    assert sum(len(group['params']) for group in wrapper.optimizer.param_groups) == 14


def test_decay_that_the_config_leaves_to_the_optimizer():
    keys = dict(norm_decay_mult=0.0)
    groups = build_optim_wrapper(
        model(),
        dict(
            constructor='mmt2ireid.GroupedOptimWrapperConstructor',
            paramwise_cfg=keys,
            optimizer=dict(type='AdamW', lr=1.0),
        ),
    ).optimizer.param_groups
    assert sorted(group['weight_decay'] for group in groups) == [0.0, 0.01]


def test_settings_of_the_optimizer():
    keys = {'heads': dict(eps=1e-3), 'heads.identity': dict(eps=1e-4)}
    assert {group['eps'] for group in build(model(), dict(custom_keys=keys)).optimizer.param_groups} == {
        1e-8,
        1e-3,
        1e-4,
    }


@pytest.mark.parametrize(
    ('paramwise', 'message'),
    [
        (dict(bias_lr_mul=2.0), "paramwise_cfg must have keys of .*, but got 'bias_lr_mul'"),
        (dict(bias_lr_mult='2'), "paramwise_cfg.bias_lr_mult must be a number of at least 0, but got '2'"),
        (dict(custom_keys=dict(x=dict(lr_mult=-1))), r"custom_keys\['x'\].lr_mult must be a number .* but got -1"),
        (dict(custom_keys=dict(x=0.1)), 'custom_keys must be a dict of dicts'),
        (dict(custom_keys=dict(heads=dict(lr_mul=0))), "settings of the optimizer .*, but got 'lr_mul'"),
        (dict(custom_keys={'': dict(lr_mult=0)}), r'must have a parameter to train, but got none \(24 tensors'),
        (dict(layer_decay_rate=0.5), 'an encoder that has get_layer_depth, but ModuleDict has none'),
    ],
)
def test_bad_rules(paramwise, message):
    with pytest.raises(ValueError, match=message):
        build(model(), paramwise)


def test_optimizer_without_decay():
    with pytest.raises(ValueError, match='no rule of weight decay for Rprop, which has none'):
        build_optim_wrapper(
            model(),
            dict(
                constructor='mmt2ireid.GroupedOptimWrapperConstructor',
                paramwise_cfg=dict(norm_decay_mult=0.0),
                optimizer=dict(type='Rprop', lr=1.0),
            ),
        )
    with pytest.raises(ValueError, match='optim_wrapper must hold an optimizer'):
        from mmt2ireid.engine.optim import GroupedOptimWrapperConstructor

        GroupedOptimWrapperConstructor(dict(type='OptimWrapper'))


def test_layers_have_rates_by_their_depth():
    class Layered(nn.Sequential):
        def get_layer_depth(self, name):
            return int(name.split('.')[0]), len(self)

    net = nn.ModuleDict(dict(image_encoder=Layered(*[nn.Linear(2, 2) for _ in range(3)]), heads=nn.Linear(2, 2)))
    found = rates(net, dict(layer_decay_rate=0.5, custom_keys=dict(image_encoder=dict(lr_mult=0.1))))
    assert [found[f'image_encoder.{depth}.weight'][0] for depth in range(3)] == [0.025, 0.05, 0.1]
    assert found['heads.weight'][0] == 1.0


def test_longest_key_decides_on_other_settings():
    rules = ParameterRules(dict(custom_keys=dict(heads=dict(eps=1.0), he=dict(eps=2.0))))
    assert {setting.options.get('eps') for setting in rules.settings(model())} == {None, 1.0}
