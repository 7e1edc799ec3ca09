from __future__ import annotations

import os
import shutil

import pytest
import torch
from mmengine.runner import Runner

from mmt2ireid.engine.latest_checkpoint import find_latest_checkpoint, is_complete
from mmt2ireid.engine.launch import run
from mmt2ireid.engine.options import set_resume


def save(path, step, age=0.0):
    torch.save(
        dict(meta=dict(epoch=step, iter=10 * step), message_hub={}, optimizer={}, state_dict=dict(w=torch.randn(500))),
        path,
    )
    os.utime(path, (1e9 - age, 1e9 - age))
    return str(path)


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_no_folder_and_empty_folder(tmp_path):
    assert find_latest_checkpoint(str(tmp_path / 'none')) is None
    assert find_latest_checkpoint(str(tmp_path)) is None


def test_pointer_decides(tmp_path):
    save(tmp_path / 'epoch_9.pth', 9)
    wanted = save(tmp_path / 'epoch_2.pth', 2, age=50)
    (tmp_path / 'last_checkpoint').write_text(wanted)
    assert find_latest_checkpoint(str(tmp_path)) == wanted


def test_rubbish_is_no_checkpoint(tmp_path):
    wanted = save(tmp_path / 'epoch_1.pth', 1, age=50)
    (tmp_path / 'last_checkpoint').write_bytes(b'\xff\xfe epoch')
    for step, content in enumerate(([1], 5, dict(meta=None), dict(meta=dict(epoch=2))), start=2):
        torch.save(content, tmp_path / f'epoch_{step}.pth')
    (tmp_path / 'epoch_9.pth').mkdir()
    assert find_latest_checkpoint(str(tmp_path)) == wanted


@pytest.mark.parametrize('damage', ['none', 'missing', 'cut'])
def test_falls_back_on_the_newest_complete(tmp_path, damage):
    save(tmp_path / 'epoch_60.pth', 60, age=1000)
    wanted = save(tmp_path / 'epoch_2.pth', 2, age=10)
    broken = tmp_path / 'epoch_3.pth'
    save(broken, 3, age=5)
    cut(broken)
    torch.save(dict(w=torch.ones(1)), tmp_path / 'epoch_4.pth')
    if damage == 'missing':
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_5.pth'))
    elif damage == 'cut':
        (tmp_path / 'last_checkpoint').write_text(str(broken))
    assert find_latest_checkpoint(str(tmp_path)) == wanted


def test_one_flipped_bit_is_seen(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    save(path, 1)
    assert is_complete(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert not is_complete(path)


def test_working_directory_may_move(tmp_path, make_cfg):
    run(make_cfg(epochs=1), Runner.train)
    shutil.move(tmp_path / 'work', tmp_path / 'moved')
    cfg = make_cfg(work_dir=tmp_path / 'moved', epochs=2)
    set_resume(cfg, 'auto')
    assert cfg.load_from == str(tmp_path / 'moved/epoch_1.pth')
    assert run(cfg, lambda runner: (runner.train(), runner.iter)[1]) == 8
