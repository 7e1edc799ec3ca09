"""A memory whose sizes the config leaves open: those of the training set, and in a test those of the checkpoint."""

from __future__ import annotations

import shutil

import pytest
import torch
from cmmt_parts import IMAGES, TinyPeople, tiny_cmmt

from mmt2ireid.compat import load_from_local
from mmt2ireid.engine.launch import run
from mmt2ireid.registry import MODELS

OPEN = dict(model__heads__memory__num_images=None, model__heads__memory__num_captions=None)


@pytest.fixture(autouse=True)
def no_collecting(monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)


def go(cfg, mode='train'):
    def keep(runner):
        runner.metrics = getattr(runner, mode)()
        return runner

    return run(cfg, keep)


def assert_equal(one, two):
    assert list(one) == list(two)
    assert all(torch.equal(value, two[key]) for key, value in one.items())


def test_open_sizes_train_resume_and_test_as_given_ones(tmp_path):
    given = go(tiny_cmmt(tmp_path / 'given', epochs=2)).model.state_dict()
    left = go(tiny_cmmt(tmp_path / 'left', epochs=2, **OPEN)).model
    assert left.heads['memory'].img_memory.num_instances == IMAGES
    assert left.heads['memory'].txt_memory.num_instances == len(TinyPeople())
    assert_equal(given, left.state_dict())

    (tmp_path / 'again').mkdir()
    shutil.copy(tmp_path / 'left/epoch_1.pth', tmp_path / 'again/epoch_1.pth')
    (tmp_path / 'again/last_checkpoint').write_text(str(tmp_path / 'again/epoch_1.pth'))
    assert_equal(given, go(tiny_cmmt(tmp_path / 'again', epochs=2, resume=True, **OPEN)).model.state_dict())

    file = str(tmp_path / 'left/epoch_2.pth')
    tested = go(tiny_cmmt(tmp_path / 'tested', load_from=file, **OPEN), 'test')
    assert_equal(load_from_local(file)['state_dict'], tested.model.state_dict())
    wanted = go(tiny_cmmt(tmp_path / 'as_given', load_from=file), 'test')
    assert tested.metrics == wanted.metrics


def test_weights_of_a_run_on_another_set(tmp_path):
    """Its memory is left out, whoever had the sizes said, and with it what was frozen on it."""
    file = tmp_path / 'other.pth'
    state = go(tiny_cmmt(tmp_path / 'first', epochs=1)).model.state_dict()
    for part in ('img', 'txt'):
        for name in ('features', 'labels'):
            state[f'heads.memory.{part}_memory.{name}'] = state[f'heads.memory.{part}_memory.{name}'][:7]
    state['heads.memory.thresholds'] = torch.full((2,), 0.123, dtype=torch.float64)  # as older checkpoints have them
    torch.save(dict(state_dict=state), file)
    head = go(tiny_cmmt(tmp_path / 'second', epochs=1, load_from=str(file), **OPEN)).model.heads['memory']
    assert (head.img_memory.num_instances, head.txt_memory.num_instances) == (IMAGES, len(TinyPeople()))
    assert not (head.thresholds == 0.123).any()
    log = next((tmp_path / 'second').glob('*/*.log')).read_text()
    assert 'of another shape in heads.memory: 4 (heads.memory.img_memory.features (7, 8) instead of (25, 8)' in log


def test_thresholds_are_kept_to_the_last_bit():
    head = MODELS.build(dict(type='mmt2ireid.MemoryHead', num_images=3, num_captions=3, dim=2))
    assert head.thresholds.isnan().all() and head.thresholds.dtype == torch.float64
    head.set_thresholds([0.1, 2 / 3])
    again = MODELS.build(dict(type='mmt2ireid.MemoryHead', num_images=3, num_captions=3, dim=2))
    again.load_state_dict(head.state_dict())
    assert again.thresholds.tolist() == [0.1, 2 / 3]
