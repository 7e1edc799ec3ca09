"""Settings of a run that must be numbers, looked at before anything is built; torch names them late, or not at all."""

from __future__ import annotations

import math
from typing import Any

from mmengine.config import Config

__all__ = ['check_values']

_SPLITS = ('train', 'val', 'test')
_LEAST = {
    **{f'{split}_dataloader.batch_size': 1 for split in _SPLITS},
    **{f'{split}_dataloader.num_workers': 0 for split in _SPLITS},
    'train_cfg.max_epochs': 1,
    'train_cfg.max_iters': 1,
    'train_cfg.val_interval': 1,
    'default_hooks.logger.interval': 1,
    'randomness.seed': 0,
}
_OF_IDENTITIES = ('num_pids', 'num_clusters')


def check_values(cfg: Config) -> None:
    """Refuse what is no number, or too small a one, among the settings that are most often changed.

    Args:
        cfg: a complete config.

    Raises:
        ValueError: a number of items, steps, epochs or workers, or the seed, is no whole number or too small; the rate
            or the weight decay is no finite number of at least 0; a batch does not hold the groups of its sampler.
    """
    for name, least in _LEAST.items():
        value = _look_up(cfg, name)
        if value is not None and (type(value) is not int or value < least):
            raise ValueError(f'{name} must be a whole number of at least {least}, but got {value!r}')
    for name in ('optim_wrapper.optimizer.lr', 'optim_wrapper.optimizer.weight_decay'):
        value = _look_up(cfg, name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value < math.inf):
            raise ValueError(f'{name} must be a finite number of at least 0, but got {value!r}')
    _check_groups(cfg.get('train_dataloader'))


def _check_groups(loader: Any) -> None:
    """A batch that ends within a group of its sampler leaves parts of an identity, or meets it a second time."""
    sampler = _look_up(loader, 'sampler')
    batch_size, per_group = _look_up(loader, 'batch_size'), _look_up(sampler, 'num_instances')
    for name in _OF_IDENTITIES:
        groups = _look_up(sampler, name)
        if not all(type(value) is int and value > 0 for value in (groups, per_group, batch_size)):
            continue
        if batch_size % per_group or (groups * per_group) % batch_size:
            raise ValueError(
                f'train_dataloader.batch_size must be {name} times num_instances of its sampler, {groups} x '
                f'{per_group} = {groups * per_group} (or a part of it in whole groups), but got {batch_size}'
            )


def _look_up(node: Any, name: str) -> Any:
    for key in name.split('.'):
        node = node.get(key) if isinstance(node, (dict, Config)) else None
    return node
