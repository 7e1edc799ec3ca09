"""No checkpoint, wherever it comes from, has a file removed or written outside of the run's own folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmt2ireid.engine.hooks.checkpoint_names import file_name, own_name
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.options import set_resume


def change_info(path: Path, **entries) -> Path:
    """Writes other entries into the message hub of a checkpoint."""
    checkpoint = torch.load(path, weights_only=True)
    checkpoint['message_hub']['runtime_info'].update(entries)
    checkpoint['message_hub']['resumed_keys'].update(dict.fromkeys(entries, True))
    torch.save(checkpoint, path)
    return path


def info(path: Path) -> dict:
    return torch.load(path, weights_only=True)['message_hub']['runtime_info']


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def resume(cfg, path: Path | str = 'auto'):
    set_resume(cfg, str(path))
    runner = build_runner(cfg)
    runner.train()
    return runner


def log_of(folder: Path) -> str:
    return max(folder.glob('*/*.log'), key=lambda path: path.stat().st_mtime_ns).read_text()


@pytest.fixture
def trained(make_cfg, tmp_path):
    """A run of two epochs; its best checkpoint is made easy to exceed."""
    run(make_cfg(epochs=2), Runner.train)
    last = tmp_path / 'work/epoch_2.pth'
    change_info(last, best_score=-1.0)
    return last


def test_a_checkpoint_holds_names(trained):
    found = info(trained)
    assert found['last_ckpt'] == 'epoch_2.pth'
    assert own_name(found['best_ckpt'], 'epoch_{}.pth', best_of='t2i/R1') == found['best_ckpt']
    assert (trained.parent / 'last_checkpoint').read_text() == 'epoch_2.pth'


@pytest.mark.parametrize('kind', ['absolute', 'relative', 'windows', 'link', 'not text'])
def test_a_foreign_checkpoint_removes_nothing(trained, make_cfg, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    work = tmp_path / 'work'
    # A name that the hook gives, in another folder, and two that it does not give.
    treasures = [tmp_path / 'best_t2i_R1_epoch_1.pth', tmp_path / 'thesis.tex', work / 'notes.pth']
    for path in treasures:
        path.write_text('mine')
    paths = [str(path) for path in treasures]
    if kind == 'relative':
        paths = [os.path.join('..', path.name) for path in treasures[:2]] + ['notes.pth']
    elif kind == 'windows':
        paths = [f'..\\{path.name}' for path in treasures]
    elif kind == 'link':
        for path in list(work.glob('best_*.pth')):
            path.unlink()
        (work / 'best_t2i_R1_epoch_1.pth').symlink_to(treasures[0])
        paths = [str(work / 'best_t2i_R1_epoch_1.pth')] * 2
    entries = dict(replaced_ckpts=paths, keep_ckpt_ids=['../../thesis', -1, None, 1, 2], last_ckpt=paths[1])
    if kind == 'not text':
        entries = dict(replaced_ckpts=[None, 3, dict()], keep_ckpt_ids='12', last_ckpt=5, best_ckpt=['x'])
    for best in paths[:2]:
        change_info(trained, **{'best_ckpt': best, **entries})
        resume(make_cfg(epochs=3), trained)
        assert [path.read_text() for path in treasures] == ['mine'] * 3
        change_info(work / 'epoch_3.pth', best_score=-1.0)
        shutil.copy(work / 'epoch_3.pth', trained)
        break_time(trained)


def break_time(path: Path) -> None:
    """Makes a later checkpoint one of an epoch before the last, so that there is something left to train."""
    checkpoint = torch.load(path, weights_only=True)
    checkpoint['meta'].update(epoch=2, iter=8)
    torch.save(checkpoint, path)


def test_a_foreign_checkpoint_runs_no_code(trained, make_cfg, tmp_path):
    checkpoint = torch.load(trained, weights_only=True)
    checkpoint['meta']['config'] = f'import pathlib\npathlib.Path({str(tmp_path / "ran")!r}).touch()'
    torch.save(checkpoint, trained)
    resume(make_cfg(epochs=3), trained)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('old_paths', [False, True])
def test_resumed_into_another_folder_the_first_stays(trained, make_cfg, tmp_path, old_paths):
    if old_paths:
        best = next((tmp_path / 'work').glob('best_*.pth'))
        change_info(trained, best_ckpt=str(best), replaced_ckpts=[str(best)], last_ckpt=str(trained))
    before = contents(trained.parent)
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'epoch_1.pth').write_text('of another run')
    resume(make_cfg(work_dir=other, epochs=4), trained)
    assert contents(trained.parent) == before
    assert (other / 'epoch_1.pth').read_text() == 'of another run'
    assert {'epoch_3.pth', 'epoch_4.pth'} <= set(names(other))
    assert f'{trained} was resumed, which is in another folder than this run' in log_of(other)


@pytest.mark.parametrize('old_paths', [False, True])
def test_a_copied_folder_is_a_run_of_its_own(trained, make_cfg, tmp_path, old_paths):
    work, copy = tmp_path / 'work', tmp_path / 'copy'
    if old_paths:
        best = next(work.glob('best_*.pth'))
        change_info(trained, best_ckpt=str(best), last_ckpt=str(trained))
        (work / 'last_checkpoint').write_text(str(trained))
    shutil.copytree(work, copy)
    before = contents(work)
    runner = resume(make_cfg(work_dir=copy, epochs=4))
    assert runner._load_from == str(copy / 'epoch_2.pth') and runner.iter == 16
    assert contents(work) == before
    # In the copy, all is replaced as it would have been in the first.
    assert [name for name in names(copy) if name.startswith('epoch')] == ['epoch_3.pth', 'epoch_4.pth']
    assert len([name for name in names(copy) if name.startswith('best')]) == 1


def test_checkpoints_in_a_folder_of_their_own(make_cfg, tmp_path):
    out = dict(default_hooks__checkpoint__out_dir=str(tmp_path / 'out'))
    run(make_cfg(epochs=1, **out), Runner.train)
    runner = resume(make_cfg(epochs=3, **out))
    assert runner._load_from == str(tmp_path / 'out/work/epoch_1.pth')
    assert [name for name in names(tmp_path / 'out/work') if name.startswith('epoch')] == ['epoch_2.pth', 'epoch_3.pth']
    assert 'another folder' not in log_of(tmp_path / 'work')


def test_mmengines_own_runner_finds_the_name(trained, make_cfg, tmp_path):
    runner = Runner.from_cfg(make_cfg(epochs=3, resume=True))
    runner.train()
    assert runner._load_from == str(trained) and runner.iter == 12
    runner = Runner.from_cfg(make_cfg(epochs=1, resume=True, work_dir=tmp_path / 'new'))
    runner.train()
    assert runner.iter == 4 and 'starting from the beginning' in log_of(tmp_path / 'new')


def test_the_best_by_another_metric_is_kept(trained, make_cfg, tmp_path):
    best = next((tmp_path / 'work').glob('best_*.pth'))
    renamed = best.with_name(best.name.replace('t2i_R1', 't2i_mAP'))
    best.rename(renamed)
    change_info(trained, best_ckpt=renamed.name, best_score=1000.0)
    resume(make_cfg(epochs=3), trained)
    assert renamed.is_file() and list((tmp_path / 'work').glob('best_t2i_R1_*.pth'))
    assert f'{renamed.name}, is not one by t2i/R1' in log_of(tmp_path / 'work')


def test_names():
    assert file_name('C:\\runs\\epoch_1.pth') == file_name('/runs/epoch_1.pth') == 'epoch_1.pth'
    assert file_name(None) == '' and own_name(None, 'epoch_{}.pth') is None
    assert own_name('a/step-0007.pth', 'step-{:04d}.pth') == 'step-0007.pth'
    assert own_name('best_val_acc_epoch_3.pth', 'epoch_{}.pth', best_of='auto') == 'best_val_acc_epoch_3.pth'
    for wrong in ('epoch_.pth', 'epoch_x.pth', 'epoch_1.pth\n', 'xepoch_1.pth', 'epoch_1_pth', '..', ''):
        assert own_name(wrong, 'epoch_{}.pth') is None
    assert own_name('epoch_3.pth', 'epoch_{}.pth', best_of='t2i/R1') is None
