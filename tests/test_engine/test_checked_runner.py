"""What a run leaves in its log: where it failed, and which settings of a checkpoint hold in place of the config's."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmt2ireid.engine.launch import run


def test_the_log_holds_the_traceback(make_cfg, tmp_path, capsys):
    def fail(runner):
        raise ValueError('one line')

    with pytest.raises(ValueError, match='one line'):
        run(make_cfg(), fail)
    log = next(Path(tmp_path, 'work').rglob('*.log')).read_text()
    assert 'Traceback (most recent call last)' in log and "raise ValueError('one line')" in log
    captured = capsys.readouterr()
    assert 'Traceback' not in captured.out + captured.err


def test_another_rate_is_not_taken_over_in_silence(make_cfg, tmp_path):
    run(make_cfg(epochs=1), Runner.train)
    cfg = make_cfg(epochs=2, load_from=str(tmp_path / 'work' / 'epoch_1.pth'), resume=True)
    before = cfg.optim_wrapper.optimizer.lr
    cfg.optim_wrapper.optimizer.lr = 7 * before
    run(cfg, Runner.train)
    log = max(Path(tmp_path, 'work').rglob('*.log'), key=lambda path: path.stat().st_mtime_ns).read_text()
    assert f'Resumed with the rate of {cfg.load_from}, [{before}], not the config' in log
