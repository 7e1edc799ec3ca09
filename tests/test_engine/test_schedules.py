"""Schedules of the rate are tied to the length of the training, or it is said that they are not."""

from __future__ import annotations

import pytest
from mmengine.runner import Runner

from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.schedules import fit_schedules

WARM_UP = dict(type='LinearLR', start_factor=0.1, begin=0, end=1)
COSINE = dict(type='CosineAnnealingLR', begin=1)


def rates(make_cfg, monkeypatch, schedules, epochs):
    """The rate at each step, and what the log warns of."""
    cfg = make_cfg(epochs=epochs)
    cfg.param_scheduler = schedules
    runner = build_runner(cfg)
    said, seen = [], []
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    train_step = runner.model.train_step

    def note(*args, **kwargs):
        seen.append(runner.optim_wrapper.param_groups[0]['lr'])
        return train_step(*args, **kwargs)

    monkeypatch.setattr(runner.model, 'train_step', note)
    runner.train()
    return seen, [text for text in said if 'param_scheduler' in text]


def test_a_shorter_training_has_the_whole_schedule(make_cfg, monkeypatch):
    """Of docs/configs.md: a rate that stays at its maximum would be another training than was asked for."""
    schedules = [dict(schedule, convert_to_iter_based=True) for schedule in (WARM_UP, dict(COSINE, eta_min=0.0))]
    seen, said = rates(make_cfg, monkeypatch, schedules, 2)
    assert max(seen) == seen[4] == pytest.approx(0.05) and seen[-1] < 0.01 and not said
    seen, said = rates(make_cfg, monkeypatch, schedules, 1)
    assert seen == sorted(seen) and len(said) == 1
    assert 'epochs: CosineAnnealingLR begins at 1, when training, of 1, has ended: it is left out' in said[0]


@pytest.mark.parametrize(
    ('schedules', 'message'),
    [
        ([WARM_UP, dict(COSINE, end=12)], 'CosineAnnealingLR ends at 12, but training at 4: its last rates are not'),
        ([WARM_UP, dict(COSINE, T_max=11)], 'CosineAnnealingLR ends at 12, but training at 4: its last rates are not'),
        ([WARM_UP, dict(COSINE, end=3)], 'CosineAnnealingLR ends at 3, but training at 4: the rate stays at its last'),
        ([dict(type='MultiStepLR', milestones=[2, 20, 40])], r'milestones \[20, 40\], but training is of 4'),
        ([dict(WARM_UP, end=5)], 'LinearLR ends at 5, but training at 4'),
    ],
)
def test_what_does_not_fit_is_named(schedules, message):
    kept, said = fit_schedules(schedules, 4)
    assert kept == schedules and len(said) == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(said[0])


@pytest.mark.parametrize(
    'schedules',
    [
        [],
        [WARM_UP],
        [WARM_UP, COSINE],
        [WARM_UP, dict(COSINE, end=2), dict(type='ConstantLR', begin=2)],
        [dict(type='MultiStepLR', milestones=[2])],
        [WARM_UP, dict(COSINE, end=4)],
    ],
)
def test_what_fits(schedules):
    assert fit_schedules(schedules, 4) == (schedules, [])


def test_steps_and_other_forms(make_cfg, monkeypatch):
    poly = dict(type='PolyLR', by_epoch=False, begin=0, end=100)
    seen, said = rates(make_cfg, monkeypatch, dict(poly), 1)
    assert len(seen) == 4 and 'in steps: PolyLR ends at 100, but training at 4' in said[0]
    cfg = make_cfg(iters=2)
    cfg.param_scheduler = dict(type='MultiStepLR', milestones=[3])
    run(cfg, Runner.train)


def test_schedules_of_a_checkpoint_that_end_elsewhere(make_cfg, monkeypatch):
    schedule = [dict(COSINE, eta_min=0.0, begin=0, convert_to_iter_based=True)]
    cfg = make_cfg(epochs=1)
    cfg.param_scheduler = schedule
    run(cfg, Runner.train)
    cfg = make_cfg(epochs=2, load_from=f'{cfg.work_dir}/epoch_1.pth', resume=True)
    cfg.param_scheduler = schedule
    runner, said = build_runner(cfg), []
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    runner.train()
    assert any("end at [4], those of the config at [8], in steps or epochs: the checkpoint's hold" in x for x in said)
