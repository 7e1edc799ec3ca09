"""Killed at any moment and resumed, a run ends as one that was never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_config import HERE, ROOT, tiny_config, write_config

from mmt2ireid.compat import load_from_local

ENVIRONMENT = dict(
    os.environ,
    OMP_NUM_THREADS='1',
    CUDA_VISIBLE_DEVICES='',
    PYTHONPATH=os.pathsep.join([str(ROOT), str(HERE), os.environ.get('PYTHONPATH', '')]),
)


def crash_config(folder: Path, **kwargs) -> Path:
    cfg = tiny_config(folder / 'unused', **kwargs)
    cfg.custom_hooks.append(dict(type='DieHook'))
    return write_config(folder / 'crash.py', cfg)


def crash(config: Path, folder: Path, plans: list[str]) -> None:
    command = [sys.executable, str(HERE / 'crash_runs.py'), str(config), str(folder), 'never', *plans]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
    if done.returncode:
        plan = done.stderr.strip().rsplit('\n', 1)[-1].split(' ')[0].removesuffix(':')
        log = folder / f'{plan}.log'
        pytest.fail(f'{done.stderr}\n{log.read_text()[-3000:] if log.is_file() else ""}')


def assert_same_end(wanted: Path, got: Path) -> None:
    names = sorted(path.name for path in wanted.glob('*.pth'))
    assert sorted(path.name for path in got.iterdir() if path.is_file() and path.suffix != '.py') == [
        '.training.lock',
        *names,
        'last_checkpoint',
    ]
    assert Path((wanted / 'last_checkpoint').read_text()).name == Path((got / 'last_checkpoint').read_text()).name
    for name in names:
        one, two = load_from_local(str(wanted / name)), load_from_local(str(got / name))
        for part in ('state_dict', 'optimizer', 'param_schedulers'):
            assert_equal(one.get(part), two.get(part), f'{name} {part}')
        assert (one['meta']['epoch'], one['meta']['iter']) == (two['meta']['epoch'], two['meta']['iter'])
        hubs = one['message_hub'], two['message_hub']
        assert hubs[0]['runtime_info']['best_score'] == hubs[1]['runtime_info']['best_score']
        for scalar in ('train/loss', 'train/loss_id', 'train/lr', 'val/t2i/R1'):
            assert_equal(*(hub['log_scalars'].get(scalar) for hub in hubs), f'{name} {scalar}')


def assert_equal(one, two, where: str) -> None:
    assert type(one) is type(two), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, two), where
    elif isinstance(one, dict):
        assert list(one) == list(two), where
        for key in one:
            assert_equal(one[key], two[key], f'{where}.{key}')
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(two), where
        for index, pair in enumerate(zip(one, two, strict=True)):
            assert_equal(*pair, f'{where}[{index}]')
    else:
        assert one == two, where


def test_killed_run_ends_as_one_never_killed(tmp_path):
    plans = ['train:6', 'val:5+half:3', 'whole:3', 'removal:1+train:1']
    crash(crash_config(tmp_path), tmp_path, plans)
    for plan in plans:
        assert_same_end(tmp_path / 'never', tmp_path / plan)
    # The reference is no trivial one.
    last = load_from_local(str(tmp_path / 'never/epoch_4.pth'))
    assert len(set(last['message_hub']['log_scalars']['val/t2i/R1']['values'].tolist())) > 1
    assert len(list((tmp_path / 'never').glob('epoch_*.pth'))) == 2
    assert len(list((tmp_path / 'never').glob('best_*.pth'))) == 1


def test_iteration_based_run_is_resumed_exactly(tmp_path):
    plans = ['train:5', 'whole:6']
    crash(crash_config(tmp_path, iters=10), tmp_path, plans)
    for plan in plans:
        assert_same_end(tmp_path / 'never', tmp_path / plan)


@pytest.mark.slow
@pytest.mark.parametrize('iters', [None, 10])
def test_killed_at_every_moment(tmp_path, iters):
    moments = [f'train:{n}' for n in range(1, 11)] + [f'val:{n}' for n in (1, 2, 3, 4, 6, 8)]
    moments += [f'{kind}:{n}' for kind in ('half', 'whole') for n in range(1, 13)]
    moments += ['removal:1', 'removal:2', 'half:2+half:2+val:2', 'train:5+whole:1+train:2+half:1']
    crash(crash_config(tmp_path, iters=iters), tmp_path, moments)
    for moment in moments:
        assert_same_end(tmp_path / 'never', tmp_path / moment)


@pytest.mark.slow
def test_killed_from_outside_at_random_times(tmp_path):
    config = crash_config(tmp_path, epochs=40, train_dataloader__num_workers=2, val_dataloader__num_workers=1)
    crash(config, tmp_path, [])
    command = [
        sys.executable,
        str(ROOT / 'tools/train.py'),
        str(config),
        '--work-dir',
        str(tmp_path / 'killed'),
        '--resume',
    ]
    generator = torch.Generator().manual_seed(0)
    for _ in range(8):
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # The first seconds are imports.
            process.wait(timeout=6 + 4 * torch.rand((), generator=generator).item())
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    assert_same_end(tmp_path / 'never', tmp_path / 'killed')
