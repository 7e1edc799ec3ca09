"""Numbers of a config are looked at before anything is built, and named by their key."""

from __future__ import annotations

import pytest
from mmengine.config import Config, ConfigDict

from mmt2ireid.engine.launch import build_runner
from mmt2ireid.engine.plain_values import check_values


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('optim_wrapper.optimizer.lr', 'abc'),
        ('optim_wrapper.optimizer.lr', -1),
        ('optim_wrapper.optimizer.lr', float('nan')),
        ('optim_wrapper.optimizer.weight_decay', True),
        ('train_dataloader.batch_size', 'abc'),
        ('test_dataloader.batch_size', 0),
        ('val_dataloader.num_workers', -1),
        ('train_cfg.max_epochs', 1.5),
        ('train_cfg.val_interval', 0),
        ('default_hooks.logger.interval', 0),
        ('randomness.seed', 'abc'),
    ],
)
def test_wrong_numbers(make_cfg, key, value):
    cfg = make_cfg()
    cfg.merge_from_dict({key: value})
    with pytest.raises(ValueError, match=rf'^{key} must be a .* number of at least \d, but got {value!r}$'):
        build_runner(cfg)


def test_missing_parts_pass():
    check_values(Config(dict(train_cfg=None, default_hooks=dict(logger=None), randomness=dict(seed=None))))


@pytest.mark.parametrize('batch_size', [6, 10, 48, 32])
def test_batches_that_cut_groups(batch_size):
    with pytest.raises(
        ValueError, match=rf'must be num_pids times num_instances .*4 x 4 = 16 .* but got {batch_size}$'
    ):
        check_values(grouped('num_pids', batch_size))


@pytest.mark.parametrize('name', ['num_pids', 'num_clusters'])
@pytest.mark.parametrize('batch_size', [4, 8, 16])
def test_batches_of_whole_groups(name, batch_size):
    check_values(grouped(name, batch_size))


def grouped(name, batch_size):
    sampler = {'type': 'IdentitySampler', name: 4, 'num_instances': 4}
    return Config(dict(train_dataloader=ConfigDict(batch_size=batch_size, sampler=sampler)))
