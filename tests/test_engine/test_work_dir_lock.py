"""One training at a time in a work dir; ranks end with their launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_config import HERE, ROOT, tiny_config, write_config

from mmt2ireid.engine import work_dir_lock
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.work_dir_lock import LOCK, only_training
from mmt2ireid.io.locks import LockedError, take_lock
from mmt2ireid.registry import HOOKS

pytest.importorskip('fcntl')
ENVIRONMENT = dict(
    os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHONPATH=os.pathsep.join([str(ROOT), str(HERE)])
)
HOLDER = """
import sys, time
from pathlib import Path
from mmt2ireid.io.locks import take_lock
file = take_lock(Path(sys.argv[1]), Path('it'))
print('held', flush=True)
time.sleep(60)
"""


def is_free(work: Path) -> bool:
    try:
        take_lock(work / LOCK, work).close()
    except LockedError:
        return False
    return True


def wait_until(condition, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def holder(tmp_path):
    """Another process that trains in the work dir, as far as the lock is concerned."""
    (tmp_path / 'work').mkdir()
    command = [sys.executable, '-c', HOLDER, str(tmp_path / 'work' / LOCK)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'held\n'
    yield process
    process.kill()
    process.communicate()


@HOOKS.register_module()
class LooksHook(Hook):
    """Notes whether the lock of the work dir is free while it is trained."""

    seen: ClassVar[list[bool]] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen.append(is_free(Path(runner.work_dir)))


def test_a_second_training_is_refused_before_anything_is_written(make_cfg, tmp_path, holder, monkeypatch):
    monkeypatch.setattr(work_dir_lock, 'WAIT_S', 0.2)
    wanted = rf'one training at a time, but another one \(process {holder.pid}\) writes to .*work: wait for it'
    with pytest.raises(ValueError, match=wanted):
        run(make_cfg(epochs=1), Runner.train)
    assert os.listdir(tmp_path / 'work') == [LOCK]
    with pytest.raises(ValueError, match=wanted):
        build_runner(make_cfg(epochs=1)).train()
    # Evaluations write nothing that a training writes.
    assert 't2i/R1' in run(make_cfg(), Runner.test)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    run(make_cfg(epochs=1), Runner.train)
    assert (tmp_path / 'work/epoch_1.pth').is_file() and is_free(tmp_path / 'work')


@pytest.mark.parametrize('way', [lambda cfg: build_runner(cfg).train(), lambda cfg: run(cfg, Runner.train)])
def test_the_lock_is_held_while_training(make_cfg, tmp_path, way):
    cfg = make_cfg(epochs=1)
    cfg.custom_hooks.append(dict(type='LooksHook'))
    LooksHook.seen.clear()
    way(cfg)
    assert LooksHook.seen == [False] * 4
    assert is_free(tmp_path / 'work')


def test_a_worker_that_outlives_its_training_holds_nothing(tmp_path):
    with only_training(tmp_path), only_training(tmp_path):
        assert not is_free(tmp_path)
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
    assert wait_until(lambda: is_free(tmp_path), 10)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_other_ranks_take_no_lock(tmp_path):
    with only_training(tmp_path / 'new', is_main=False):
        assert not (tmp_path / 'new').exists()


def test_a_system_without_locks_is_warned_of(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'fcntl', None)
    with (
        pytest.warns(UserWarning, match='no file locks; let one program at a time write to it'),
        only_training(tmp_path),
    ):
        pass


def test_a_process_ends_with_its_launcher(tmp_path):
    child = (
        'import time; from mmt2ireid.compat import end_with_launcher; end_with_launcher(); '
        f'open({str(tmp_path / "up")!r}, "w"); time.sleep(60)'
    )
    code = (
        f'import subprocess, sys; process = subprocess.Popen([sys.executable, "-c", {child!r}]); '
        'print(process.pid, flush=True); process.wait()'
    )
    launcher = subprocess.Popen(
        [sys.executable, '-c', code], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    rank = int(launcher.stdout.readline())
    assert wait_until((tmp_path / 'up').exists)
    time.sleep(1)
    assert is_alive(rank)
    launcher.kill()
    assert wait_until(lambda: not is_alive(rank), 20)
    assert 'launcher of this process is gone' in launcher.communicate()[1]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


@pytest.mark.slow
def test_ranks_of_a_killed_torchrun_end(tmp_path):
    config = write_config(tmp_path / 'long.py', tiny_config(tmp_path / 'unused', epochs=100_000))
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29671']
    command += [
        str(ROOT / 'tools/train.py'),
        str(config),
        '--work-dir',
        str(tmp_path / 'work'),
        '--launcher',
        'pytorch',
    ]
    with open(tmp_path / 'out.txt', 'w') as out:
        launcher = subprocess.Popen(command, env=ENVIRONMENT, stdout=out, stderr=out, cwd=tmp_path)
    try:
        assert wait_until((tmp_path / 'work/epoch_1.pth').exists, 200), (tmp_path / 'out.txt').read_text()[-3000:]
        listed = subprocess.run(
            ['ps', '-o', 'pid=', '--ppid', str(launcher.pid)], capture_output=True, text=True
        ).stdout
        ranks = [int(pid) for pid in listed.split()]
        assert len(ranks) == 2 and not is_free(tmp_path / 'work')
    finally:
        launcher.kill()
        launcher.wait()
    assert wait_until(lambda: not any(map(is_alive, ranks)), 20)
    assert wait_until(lambda: is_free(tmp_path / 'work'), 10)
