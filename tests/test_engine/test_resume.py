"""A resumed run is that of its checkpoint, with its seed and in its precision, or it is refused."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import Runner

from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.options import set_resume, set_seed, use_amp


def state_of(path):
    return torch.load(path, weights_only=True)['state_dict']


def log_of(folder):
    return max(folder.glob('*/*.log'), key=lambda path: path.stat().st_mtime_ns).read_text()


def make_two(make_cfg, tmp_path):
    """Trains four epochs with a seed that is not the config's, in mixed precision, and takes the last two back."""
    cfg = make_cfg(epochs=4, work_dir=tmp_path / 'part', default_hooks__checkpoint__max_keep_ckpts=-1)
    use_amp(cfg)
    set_seed(cfg, 3)
    run(cfg, Runner.train)
    final = state_of(tmp_path / 'part/epoch_4.pth')
    for epoch in (3, 4):
        (tmp_path / f'part/epoch_{epoch}.pth').unlink()
    return final, tmp_path / 'part/epoch_2.pth'


@pytest.mark.parametrize('how', ['path', 'auto', 'config'])
def test_seed_and_precision_are_those_of_the_checkpoint(make_cfg, tmp_path, how, capsys):
    final, path = make_two(make_cfg, tmp_path)
    cfg = make_cfg(epochs=4, work_dir=tmp_path / 'part')
    if how == 'config':
        cfg.resume = True
    else:
        set_resume(cfg, str(path) if how == 'path' else 'auto')
    runner = build_runner(cfg)
    runner.train()
    assert type(runner.optim_wrapper).__name__ == 'CPUAmpOptimWrapper' and runner.seed == 3
    assert all(torch.equal(final[name], value) for name, value in state_of(tmp_path / 'part/epoch_4.pth').items())
    assert 'seed of' in capsys.readouterr().out or how != 'path'


def test_another_seed_or_precision_is_refused(make_cfg, tmp_path):
    run(make_cfg(epochs=1), Runner.train)
    path = str(tmp_path / 'work/epoch_1.pth')
    with pytest.raises(ValueError, match=r'seed must be 0, with which .*epoch_1.pth was trained, .* but got 5'):
        set_resume(make_cfg(epochs=2), path, seed=5)
    with pytest.raises(ValueError, match='was trained without mixed precision and must be resumed so: leave out --amp'):
        set_resume(make_cfg(epochs=2), path, amp=True)
    cfg = make_cfg(epochs=2, resume=True, load_from=path)
    use_amp(cfg)
    with pytest.raises(ValueError, match='was trained without mixed precision'):
        build_runner(cfg)
    set_resume(make_cfg(epochs=2), path, seed=0)


def test_the_best_one_cannot_be_resumed(make_cfg, tmp_path):
    run(make_cfg(epochs=2), Runner.train)
    best = next((tmp_path / 'work').glob('best_*.pth'))
    with pytest.raises(ValueError, match=r'best_.*of the optimizer .*: resume from .*epoch_2.pth; to start a new'):
        set_resume(make_cfg(epochs=3), str(best))
    with pytest.raises(ValueError, match='resume from'):
        build_runner(make_cfg(epochs=3, load_from=str(best), resume=True))


def test_a_run_without_a_checkpoint_keeps_its_initial_weights(make_cfg, tmp_path, capsys):
    cfg = make_cfg(epochs=1, load_from='weights.pth')
    set_resume(cfg, 'auto')
    assert cfg.load_from == 'weights.pth' and not cfg.resume
    assert 'holds no complete checkpoint to resume' in capsys.readouterr().out


@pytest.mark.parametrize('iters', [None, 4])
def test_a_finished_run_says_so(make_cfg, tmp_path, iters):
    run(make_cfg(epochs=2, iters=iters), Runner.train)
    before = state_of(next((tmp_path / 'work').glob(f'*_{4 if iters else 2}.pth')))
    cfg = make_cfg(epochs=2, iters=iters)
    set_resume(cfg, 'auto')
    run(cfg, Runner.train)
    counts = '4 of 4 iterations' if iters else '2 of 2 epochs'
    assert f'is of a finished run ({counts}): nothing is left to train' in log_of(tmp_path / 'work')
    after = state_of(next((tmp_path / 'work').glob(f'*_{4 if iters else 2}.pth')))
    assert all(torch.equal(before[name], value) for name, value in after.items())


def test_threads_are_recorded_and_a_change_is_reported(make_cfg, tmp_path):
    threads = torch.get_num_threads()
    run(make_cfg(epochs=1), Runner.train)
    path = tmp_path / 'work/epoch_1.pth'
    meta = torch.load(path, weights_only=True)['meta']
    assert (meta['num_threads'], meta['num_processes']) == (threads, 1)
    assert f'Computing with num_threads={threads}, num_processes=1.' in log_of(tmp_path / 'work')
    cfg = make_cfg(epochs=2)
    set_resume(cfg, str(path))
    try:
        torch.set_num_threads(threads + 1)
        run(cfg, Runner.train)
    finally:
        torch.set_num_threads(threads)
    wanted = f'Resumed with num_threads={threads + 1}, but trained with num_threads={threads} so far'
    assert wanted in log_of(tmp_path / 'work')
    assert 'Resumed with num_processes' not in log_of(tmp_path / 'work')
