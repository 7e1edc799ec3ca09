from __future__ import annotations

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmt2ireid.engine.optim import CPUAmpOptimWrapper
from mmt2ireid.engine.optim.grouped import merge_groups

PARAMWISE = dict(norm_decay_mult=0.0, bias_decay_mult=0.0, custom_keys=dict(text=dict(lr_mult=0.1)))


def model():
    torch.manual_seed(0)
    tower = nn.Sequential(*[module for _ in range(3) for module in (nn.Linear(6, 6), nn.LayerNorm(6))])
    return nn.ModuleDict(dict(image=tower, text=copy.deepcopy(tower), head=nn.Linear(6, 2)))


def build(net, constructor='mmt2ireid.GroupedOptimWrapperConstructor', paramwise=PARAMWISE, **optimizer):
    return build_optim_wrapper(
        net,
        dict(
            type='OptimWrapper',
            constructor=constructor,
            paramwise_cfg=paramwise,
            optimizer=dict(dict(type='AdamW', lr=1e-2, weight_decay=0.1), **optimizer),
        ),
    )


def train(net, wrapper, steps=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(5, 6, generator=generator)
        wrapper.update_params(net['head'](net['image'](x) * net['text'](x)).square().mean())


@pytest.mark.parametrize('kind', ['AdamW', 'SGD', 'Adam'])
@pytest.mark.parametrize(
    ('paramwise', 'num_groups'),
    [
        (dict(norm_decay_mult=0.0, bias_decay_mult=0.0), 2),
        (dict(custom_keys=dict(text=dict(lr_mult=0.1), image=dict(decay_mult=0.5))), 3),
        (None, 1),
    ],
)
def test_updates_equal_the_default_constructors(kind, paramwise, num_groups):
    ours, theirs = model(), model()
    wrapper = build(ours, type=kind, paramwise=paramwise)
    train(ours, wrapper)
    train(theirs, build(theirs, 'DefaultOptimWrapperConstructor', type=kind, paramwise=paramwise))
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one, two, rtol=0, atol=1e-7)
    assert len(wrapper.optimizer.param_groups) == num_groups


def test_settings_reach_the_groups():
    groups = build(model()).optimizer.param_groups
    assert [(group['lr'], group['weight_decay'], len(group['params'])) for group in groups] == [
        (1e-2, 0.1, 4),
        (1e-2, 0.0, 10),
        (1e-3, 0.1, 3),
        (1e-3, 0.0, 9),
    ]


def test_wrapped_model_frozen_and_shared_parameters():
    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = model()

    net = Wrapper()
    net.module['text'][0].weight = net.module['image'][0].weight
    net.module['head'].requires_grad_(False)
    groups = build(net).optimizer.param_groups
    assert sum(len(group['params']) for group in groups) == 23
    assert all(parameter.requires_grad for group in groups for parameter in group['params'])


def test_state_is_resumed():
    straight, broken = model(), model()
    wrapper = build(straight)
    train(straight, wrapper)
    train(straight, wrapper, seed=2)
    first = build(broken)
    train(broken, first)
    resumed = build(broken)
    resumed.load_state_dict(copy.deepcopy(first.state_dict()))
    train(broken, resumed, seed=2)
    for one, two in zip(straight.parameters(), broken.parameters(), strict=True):
        assert torch.equal(one, two)


def test_logs_a_table_and_no_line_per_parameter(capsys):
    from mmengine.logging import MMLogger

    MMLogger.get_instance('grouped', log_level='INFO')
    build(model())
    out = capsys.readouterr().out
    assert 'paramwise_options' not in out
    assert '    1       0.01        0       10           56  image, head' in out
    assert 'frozen and left out: 0 tensors by a rate of 0, 0 by the model; 0 shared tensors counted once' in out


def test_merge_keeps_the_order():
    a, b, c = (nn.Parameter(torch.zeros(1)) for _ in range(3))
    flat = [dict(params=[x], names=[name], lr=lr) for x, name, lr in ((a, 'a', 1.0), (b, 'b', 2.0), (c, 'c', 1.0))]
    merged = merge_groups(flat)
    assert [(group['lr'], group['names']) for group in merged] == [(1.0, ['a', 'c']), (2.0, ['b'])]
    assert merged[0]['params'][1] is c


def test_nothing_to_train():
    net = model().requires_grad_(False)
    with pytest.raises(ValueError, match='must have a parameter to train'):
        build(net)


def test_cpu_amp_runs_in_bfloat16_and_keeps_float32_weights():
    net = nn.Linear(4, 4)
    wrapper = build_optim_wrapper(net, dict(type='mmt2ireid.CPUAmpOptimWrapper', optimizer=dict(type='SGD', lr=0.1)))
    assert isinstance(wrapper, CPUAmpOptimWrapper)
    with wrapper.optim_context(net):
        out = net(torch.ones(2, 4))
    assert out.dtype == torch.bfloat16 and net(torch.ones(2, 4)).dtype == torch.float32
    before = net.weight.detach().clone()
    wrapper.update_params(out.float().square().mean())
    assert net.weight.dtype == torch.float32 and not torch.equal(before, net.weight)
