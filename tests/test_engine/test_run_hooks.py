"""Seeds, progress, deferred logging and checkpoints."""

from __future__ import annotations

import logging
import random
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dist import utils as dist_utils
from mmengine.runner import Runner

from mmt2ireid.engine.hooks import (
    AtomicCheckpointHook,
    DeferredRuntimeInfoHook,
    ProgressBarHook,
    StepSeedHook,
    progress_bar,
)
from mmt2ireid.engine.hooks.plain_data import to_plain
from mmt2ireid.engine.hooks.step_seed import mix_seed
from mmt2ireid.engine.launch import build_runner, run


def draw():
    return torch.rand(2).tolist(), np.random.rand(), random.random()


def seeded(seed, step, rank=0):
    hook = StepSeedHook()
    hook._seed, hook._rank = seed, rank
    hook.before_train_iter(SimpleNamespace(iter=step), 0)
    return draw()


def test_a_step_has_its_own_randomness():
    assert seeded(1, 5) == seeded(1, 5)
    draws = [seeded(1, 5), seeded(1, 6), seeded(2, 5), seeded(1, 5, rank=1)]
    for part in range(3):
        assert len({str(one[part]) for one in draws}) == len(draws)


def test_neighbouring_keys_give_unrelated_seeds():
    seeds = {
        mix_seed(seed, kind, step, rank)
        for seed in range(4)
        for kind in range(2)
        for step in range(50)
        for rank in range(4)
    }
    assert len(seeds) == 4 * 2 * 50 * 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    flips = [bin(mix_seed(0, 0, step, 0) ^ mix_seed(0, 0, step + 1, 0)).count('1') for step in range(200)]
    assert 28 < np.mean(flips) < 35


def test_modules_are_told_the_step_on_every_rank_alike(make_cfg, monkeypatch):
    runner = build_runner(make_cfg(epochs=1))
    runner.train()
    told = runner.model.noise.seeds
    assert len(told) == 4 and len(set(told)) == 4
    hook = StepSeedHook()
    monkeypatch.setattr('mmt2ireid.engine.hooks.step_seed.get_rank', lambda: 3)
    hook.before_train(SimpleNamespace(seed=3, model=runner.model, _randomness_cfg=dict(diff_rank_seed=True)))
    hook.before_train_iter(SimpleNamespace(iter=2), 2)
    assert told[4] == told[2]


def test_seeding_is_cheap():
    hook = StepSeedHook()
    start = time.perf_counter()
    for step in range(200):
        hook.before_train_iter(SimpleNamespace(iter=step), 0)
    assert (time.perf_counter() - start) / 200 < 1e-3


def test_deferred_log_equals_mmengines(make_cfg, tmp_path):
    histories = []
    for kind in ('DeferredRuntimeInfoHook', 'mmengine.RuntimeInfoHook'):
        cfg = make_cfg(work_dir=tmp_path / kind, epochs=2)
        cfg.default_hooks.runtime_info = dict(type=kind)
        runner = build_runner(cfg)
        runner.train()
        histories.append(
            {
                name: history.data[0].tolist()
                for name, history in runner.message_hub.log_scalars.items()
                if 'time' not in name
            }
        )
    assert histories[0] == histories[1]
    assert len(histories[0]['train/loss_id']) == 8


def test_deferred_log_copies_in_bunches(monkeypatch):
    hook = DeferredRuntimeInfoHook(interval=4)
    hook._every = 4
    hub = SimpleNamespace(seen=[], update_scalar=lambda name, value: hub.seen.append(value))
    loader = [0] * 10
    runner = SimpleNamespace(message_hub=hub, hooks=[], train_dataloader=loader, iter=0, max_iters=10)
    sizes = []
    for step in range(10):
        runner.iter = step
        hook.after_train_iter(runner, step, outputs=dict(loss=torch.tensor(float(step), requires_grad=True) * 1))
        sizes.append(len(hub.seen))
    assert sizes == [0, 0, 0, 4, 4, 4, 4, 8, 8, 10]
    assert hub.seen == [float(step) for step in range(10)]


def test_deferred_log_fits_the_loggers_interval(make_cfg):
    cfg = make_cfg(epochs=1, default_hooks__logger__interval=15)
    runner = build_runner(cfg)
    runner.train()
    assert next(hook for hook in runner.hooks if isinstance(hook, DeferredRuntimeInfoHook))._every == 5


def test_progress_in_a_log_file(make_cfg, capsys):
    cfg = make_cfg(epochs=2)
    cfg.custom_hooks[-1] = dict(type='ProgressBarHook', plain_interval=0, loss_interval=2)
    run(cfg, Runner.train)
    lines = capsys.readouterr().err.splitlines()
    first = [line for line in lines if line.startswith('train epoch 1/2: ')]
    assert [line.split(',')[0] for line in first] == [f'train epoch 1/2: {step}/8' for step in range(1, 5)]
    assert any(line.startswith('train epoch 2/2: 8/8') for line in lines)
    assert 'it/s' in first[0] and ' left' in first[0] and 'loss ' in first[-1]
    assert any(line.startswith('val: 4/4') for line in lines)


def test_epochs_shorter_than_the_interval_are_heard_of(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, 'monotonic', lambda: now[0])
    hook = ProgressBarHook(plain_interval=30)
    runner = SimpleNamespace(train_dataloader=[0] * 4, max_iters=40, max_epochs=10, train_loop=None, iter=0)
    runner.message_hub = SimpleNamespace(log_scalars={})
    for runner.epoch in range(10):
        hook.before_train_epoch(runner)
        for step in range(4):
            now[0] += 2.5
            hook.after_train_iter(runner, step)
            runner.iter += 1
        hook.after_train_epoch(runner)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'train epoch 3/10: 12/40, 0.40 it/s, 01:10 left'
    assert len(lines) == 3


def test_progress_on_a_terminal(make_cfg, capsys, monkeypatch):
    import sys

    cfg = make_cfg(iters=6)
    runner = build_runner(cfg)
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True, raising=False)
    runner.train()
    captured = capsys.readouterr()
    assert '6/6' in captured.err and 'it/s' in captured.err
    assert 'Saving checkpoint' in captured.out
    handlers = [handler for handler in runner.logger.handlers if type(handler) is logging.StreamHandler]
    assert all(type(handler.stream).__name__ == '_AboveBar' for handler in handlers)


@pytest.mark.parametrize(
    ('options', 'message'), [(dict(plain_interval=-1), 'plain_interval'), (dict(loss_interval=0), 'loss_interval')]
)
def test_bad_progress_options(options, message):
    with pytest.raises(ValueError, match=message):
        ProgressBarHook(**options)


def test_checkpoint_holds_plain_data_only(make_cfg, tmp_path):
    run(make_cfg(epochs=2), Runner.train)
    assert dist_utils.is_distributed() is False
    for path in (tmp_path / 'work').glob('*.pth'):
        loaded = torch.load(path, weights_only=True)
        assert loaded['message_hub']['log_scalars']['train/loss']['values'].dtype == torch.float64
        assert isinstance(loaded['message_hub']['runtime_info'].get('best_score', 0.0), float)


def test_to_plain():
    from mmengine.config import ConfigDict

    entries = dict(a=ConfigDict(b=np.float32(1.5)), c=(np.arange(2), {3}), d=object(), e=None)
    assert to_plain(entries) == ['d']
    assert entries == dict(a=dict(b=1.5), c=([0, 1], {3}), e=None)
    assert type(entries['a']) is dict and type(entries['a']['b']) is float


@pytest.mark.parametrize('iters', [None, 4])
def test_checkpoint_hook_must_fit_the_loop(make_cfg, iters):
    cfg = make_cfg(iters=iters, default_hooks__checkpoint__by_epoch=bool(iters))
    with pytest.raises(ValueError, match=f'by_epoch of AtomicCheckpointHook must be {not iters} with'):
        run(cfg, Runner.train)


def test_unknown_metric_for_the_best(make_cfg):
    with pytest.raises(ValueError, match=r"save_best must be among the metrics \['t2i/R1'\], but got \['t2i/mAP'\]"):
        run(make_cfg(default_hooks__checkpoint__save_best='t2i/mAP'), Runner.train)


def test_old_checkpoints_go_only_when_new_ones_stand(make_cfg, tmp_path, monkeypatch):
    seen = []
    save = Runner.save_checkpoint

    def watch(runner, *args, **kwargs):
        seen.append(sorted(path.name for path in (tmp_path / 'work').glob('*.pth')))
        save(runner, *args, **kwargs)

    monkeypatch.setattr(Runner, 'save_checkpoint', watch)
    run(make_cfg(epochs=5, default_hooks__checkpoint__max_keep_ckpts=1), Runner.train)
    assert all(any(name.startswith('epoch_') for name in names) for names in seen[1:])
    best = [sum(name.startswith('best_') for name in names) for names in seen]
    assert best[best.index(1) :].count(0) == 0
    left = sorted(path.name for path in (tmp_path / 'work').glob('*.pth'))
    assert len(left) == 2 and left[1] == 'epoch_5.pth'


def test_several_best_checkpoints(make_cfg, tmp_path):
    cfg = make_cfg(epochs=3)
    cfg.default_hooks.checkpoint.update(save_best=['t2i/R1', 't2i/R2'], rule=['greater', 'less'])
    cfg.val_evaluator = dict(type='TwoMetrics')
    from tiny_parts import TinyMetric

    from mmt2ireid.registry import METRICS

    @METRICS.register_module(force=True)
    class TwoMetrics(TinyMetric):
        def compute_metrics(self, results):
            values = super().compute_metrics(results)
            return dict(values, R2=-values['R1'])

    run(cfg, Runner.train)
    names = sorted(path.name.split('_epoch')[0] for path in (tmp_path / 'work').glob('best*.pth'))
    assert names == ['best_t2i_R1', 'best_t2i_R2']


def test_leftovers_of_a_killed_run_are_removed(make_cfg, tmp_path):
    work = tmp_path / 'work'
    work.mkdir()
    for name in ('.epoch_1.pth.123.tmp', '.last_checkpoint.5.tmp', 'mine.tmp', '.hidden'):
        (work / name).write_text('x')
    run(make_cfg(epochs=1), Runner.train)
    assert not (work / '.epoch_1.pth.123.tmp').exists() and not (work / '.last_checkpoint.5.tmp').exists()
    assert (work / 'mine.tmp').exists() and (work / '.hidden').exists()


def test_uneven_accumulation_is_mentioned(make_cfg, tmp_path):
    run(make_cfg(epochs=1, optim_wrapper__accumulative_counts=3), Runner.train)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'every 4 iterations, but gradients accumulate over 3' in log


def test_standalone_validation_saves_nothing(make_cfg, tmp_path):
    runner = build_runner(make_cfg())
    assert 't2i/R1' in runner.val()
    assert not list((tmp_path / 'work').glob('*.pth'))
    assert isinstance(runner.hooks[-2], AtomicCheckpointHook)
