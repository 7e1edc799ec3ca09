from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from mmt2ireid.engine.hooks import NaNGuardHook
from mmt2ireid.engine.launch import build_runner, run


def test_run_stops_and_names_step_and_loss(make_cfg, tmp_path):
    cfg = make_cfg(model__nan_at=5)
    with pytest.raises(FloatingPointError, match=r'^loss_id became NaN or infinite at epoch 2, iteration 6 \('):
        run(cfg, Runner.train)
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')].count('epoch_2.pth') == 0


def fake_runner(step, hooks=()):
    return SimpleNamespace(iter=step, epoch=0, max_iters=100, model=nn.Linear(1, 1), hooks=hooks)


@pytest.fixture
def waiting(monkeypatch):
    """A hook that believes to be on an accelerator."""
    hook = NaNGuardHook(interval=10)
    note = hook._note
    monkeypatch.setattr(hook, '_note', lambda *args: note(*args) and False)
    return hook


def test_checks_at_intervals_and_still_knows_the_step(waiting):
    for step in range(9):
        bad = float('inf') if step in (3, 5) else 1.0
        losses = dict(loss=torch.tensor(bad), loss_a=torch.tensor(1.0), loss_b=torch.tensor(bad, dtype=torch.bfloat16))
        waiting.after_train_iter(fake_runner(step), step, outputs=losses)
    with pytest.raises(FloatingPointError, match=r'loss_b became NaN .* iteration 4 \(found after iteration 10\)'):
        waiting.after_train_iter(fake_runner(9), 9, outputs=dict(loss=torch.tensor(1.0), grad_norm=float('nan')))


def test_checks_before_an_epoch_ends_and_before_a_checkpoint(waiting):
    from mmt2ireid.engine.hooks import AtomicCheckpointHook

    waiting.after_train_iter(fake_runner(0), 0, outputs=dict(loss=float('nan')))
    with pytest.raises(FloatingPointError, match=r'^loss became NaN'):
        waiting.after_train_epoch(fake_runner(0))
    saver = AtomicCheckpointHook(interval=2, by_epoch=False)
    with pytest.raises(FloatingPointError, match=r'^loss became NaN'):
        waiting.after_train_iter(fake_runner(1, [saver]), 1, outputs=dict(loss=1.0))


def test_other_outputs_may_be_nan():
    hook = NaNGuardHook()
    hook.after_train_iter(fake_runner(0), 0, outputs=dict(loss=torch.tensor(1.0), accuracy=torch.tensor(float('nan'))))


def test_bad_weights_are_never_written(make_cfg, tmp_path):
    runner = build_runner(make_cfg(epochs=1, val_cfg=None, val_dataloader=None, val_evaluator=None))
    runner.model.heads['id'].weight.data[0, 0] = float('nan')
    with pytest.raises(FloatingPointError, match=r'1 parameters hold NaN .*heads\.id\.weight'):
        NaNGuardHook().before_save_checkpoint(
            SimpleNamespace(model=runner.model, iter=3), dict(state_dict=runner.model.state_dict())
        )


def test_bad_option():
    with pytest.raises(ValueError, match='interval must be at least 1, but got 0'):
        NaNGuardHook(interval=0)
