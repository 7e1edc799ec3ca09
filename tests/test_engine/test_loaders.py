"""Runs with nothing to do end in an error before the first step, and leave no checkpoint."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import Runner
from torch.utils.data import DataLoader, IterableDataset

from mmt2ireid.engine import loaders
from mmt2ireid.engine.hooks.training_features import TrainingFeatures
from mmt2ireid.engine.launch import run
from mmt2ireid.engine.loaders import require_all_items, require_batches

TOO_LARGE = dict(train_dataloader__batch_size=512, train_dataloader__drop_last=True)
NO_BATCH = (
    'train_dataloader must give at least one batch, but 24 items on 1 process make none of batch_size=512 with '
    'drop_last=True; lower batch_size or set drop_last=False'
)


@pytest.mark.parametrize('length', [dict(epochs=2), dict(iters=6)], ids=['epochs', 'iterations'])
def test_training_of_no_steps(make_cfg, tmp_path, length):
    with pytest.raises(ValueError) as error:
        run(make_cfg(**length, **TOO_LARGE), Runner.train)
    assert str(error.value) == NO_BATCH
    assert not list((tmp_path / 'work').rglob('*.pth'))


@pytest.mark.parametrize('split', ['train', 'val'])
def test_empty_set(make_cfg, tmp_path, split):
    sampler = dict(type='mmengine.DefaultSampler', shuffle=False)
    changes = {f'{split}_dataloader__dataset__length': 0, f'{split}_dataloader__sampler': sampler}
    with pytest.raises(ValueError, match=f'{split}_dataloader must give at least one batch, but its TinyPairs has 0'):
        run(make_cfg(**changes), Runner.train)
    assert not list((tmp_path / 'work').rglob('*.pth'))


def test_empty_test_set(make_cfg):
    with pytest.raises(ValueError, match='test_dataloader must give at least one batch, but its TinyPairs has 0 items'):
        run(make_cfg(test_dataloader__dataset__length=0), Runner.test)


def test_epochs_of_no_batches(make_cfg):
    with pytest.raises(ValueError, match='train_dataloader must give at least one batch'):
        run(make_cfg(train_dataloader__num_batch_per_epoch=0), Runner.train)


def test_more_batches_than_there_are(make_cfg):
    with pytest.raises(
        ValueError, match='num_batch_per_epoch must ask for at most the 24 items of the dataset, but as'
    ):
        run(make_cfg(train_dataloader__num_batch_per_epoch=100), Runner.train)


@pytest.mark.parametrize('length', [dict(epochs=1), dict(iters=1)], ids=['epochs', 'iterations'])
def test_length_of_nothing(make_cfg, length):
    cfg = make_cfg(**length)
    cfg.train_cfg[f'max_{next(iter(length))}'] = 0
    with pytest.raises(
        ValueError, match=r'train_cfg\.max_(epochs|iters) must be a whole number of at least 1, but got 0'
    ):
        run(cfg, Runner.train)


def test_evaluation_that_would_drop_the_last_items(make_cfg):
    with pytest.raises(ValueError, match=r'test_dataloader\.drop_last must be False, or 2 of 20 items are left out'):
        run(make_cfg(test_dataloader__drop_last=True), Runner.test)
    require_all_items(DataLoader(range(20), batch_size=5, drop_last=True), 'x')


def test_processes_are_named(monkeypatch):
    monkeypatch.setattr(loaders, 'get_world_size', lambda: 8)
    sampler = torch.utils.data.DistributedSampler(range(64), num_replicas=8, rank=0)
    with pytest.raises(ValueError, match=r'64 items on 8 processes make none of batch_size=9 with drop_last=True'):
        require_batches(DataLoader(range(64), batch_size=9, sampler=sampler, drop_last=True), 'x')


def test_sampler_without_indices():
    with pytest.raises(ValueError, match='3 items on 1 process make none with SubsetRandomSampler'):
        require_batches(DataLoader(range(3), sampler=torch.utils.data.SubsetRandomSampler([])), 'x')


def test_loaders_of_unknown_length_are_let_through():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(3))

    require_batches(DataLoader(Stream()), 'x')


def test_endless_sampler_fills_any_batch(make_cfg):
    sampler = dict(type='mmengine.InfiniteSampler', shuffle=True)
    cfg = make_cfg(iters=2, param_scheduler=None, train_dataloader__sampler=sampler, **TOO_LARGE)
    cfg.train_dataloader.batch_size = 30
    assert run(cfg, lambda runner: (runner.train(), runner.iter)[1]) == 2


def test_loader_of_a_hook(make_cfg):
    cfg = make_cfg(**TOO_LARGE)
    run(cfg, lambda runner: None)
    with pytest.raises(ValueError, match='the dataloader of the hook must give at least one batch, but 24 items'):
        TrainingFeatures(cfg.train_dataloader)
