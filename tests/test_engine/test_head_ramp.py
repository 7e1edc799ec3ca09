"""Numbers of heads that grow step by step."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from torch import nn

from mmt2ireid.registry import HOOKS


def start(hook, value=0.5, steps=8, name='soft_ratio'):
    head = nn.Identity()
    setattr(head, name, value)
    runner = SimpleNamespace(model=SimpleNamespace(heads=dict(contrastive=head)), train_dataloader=range(steps), iter=0)
    hook.before_train(runner)
    return runner, head


def ramp(**options):
    config = dict(type='mmt2ireid.HeadRampHook', head='contrastive', name='soft_ratio')
    return HOOKS.build(dict(config, **options))


@pytest.mark.parametrize('epochs', [1, 2, 0.5])
def test_grows_to_what_the_config_says(epochs):
    hook = ramp(epochs=epochs)
    runner, head = start(hook)
    values = []
    for runner.iter in range(30):
        hook.before_train_iter(runner, runner.iter % 8)
        values.append(head.soft_ratio)
    steps = int(8 * epochs)
    assert values == pytest.approx([0.5 * step / steps for step in range(steps)] + [0.5] * (30 - steps))
    hook.after_train(runner)
    assert head.soft_ratio == 0.5


def test_a_resumed_run_goes_on():
    hook = ramp()
    runner, head = start(hook)
    runner.iter = 4
    hook.before_train_iter(runner, 4)
    assert head.soft_ratio == 0.25


def test_refusals():
    with pytest.raises(ValueError, match='head must be a head of the model, contrastive, but got'):
        start(ramp(head='sdm'))
    for value in (None, 'x', True):
        with pytest.raises(ValueError, match="name must be a number of Identity, but 'soft_ratio' is"):
            start(ramp(), value)
    with pytest.raises(ValueError, match='epochs must be positive'):
        ramp(epochs=0)
