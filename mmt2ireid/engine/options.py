"""What the options of the command-line tools change in a config."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log

from mmt2ireid.engine.config_file import read_config
from mmt2ireid.engine.resume import find_own_checkpoint, settle_resume

FROM_MSMT17 = ('ICFGPEDES', 'RSTPReid')
"""Dataset types whose pictures were taken from MSMT17."""


def load_config(path: str, changes: dict[str, Any] | None = None, work_dir: str | None = None) -> Config:
    """Reads a config file.

    Args:
        path: a ``.py`` config.
        changes: dotted keys and their values, as ``--cfg-options`` gives them.
        work_dir: overrides the config's; by default ``work_dirs/NAME OF THE CONFIG``.

    Returns:
        The config, with a ``work_dir``.

    Raises:
        FileNotFoundError, ImportError, ValueError: as :func:`~mmt2ireid.engine.config_file.read_config`.
    """
    cfg = read_config(path, changes)
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs', Path(path).stem))
    return cfg


def set_resume(cfg: Config, resume: str, *, seed: int | None = None, amp: bool = False) -> None:
    """Continues a run, with the seed and in the precision of its checkpoint.

    Args:
        cfg: changed in place.
        resume: a checkpoint, or ``auto`` for the newest complete one of the working directory. Where there is none,
            the run starts from the beginning.
        seed: what ``--seed`` asks for. Default: nothing.
        amp: whether ``--amp`` asks for mixed precision.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: it cannot be resumed from, or not with what was asked for.
    """
    # Without a checkpoint the run starts from the beginning, with the initial weights of the config.
    path = find_own_checkpoint(cfg) if resume == 'auto' else resume
    cfg.resume = path is not None
    if path is None:
        return
    cfg.load_from = path
    settle_resume(cfg, seed=seed, amp=amp)


def use_amp(cfg: Config) -> None:
    """Trains in mixed precision: bfloat16 on CPUs, Apple's MPS and GPUs that have it, else float16 with loss scaling.

    Args:
        cfg: changed in place.

    Raises:
        ValueError: the optimiser wrapper is of a kind that has no such variant.
    """
    wrapper = cfg.optim_wrapper
    kind = str(wrapper.get('type', 'OptimWrapper')).rsplit('.', 1)[-1]
    if kind.endswith('AmpOptimWrapper'):
        return
    if kind != 'OptimWrapper':
        raise ValueError(f'optim_wrapper.type must be OptimWrapper for mixed precision, but got {kind}')
    if get_device() == 'mps':
        wrapper.update(type='mmt2ireid.MPSAmpOptimWrapper')
    elif get_device() == 'cpu':
        wrapper.update(type='mmt2ireid.CPUAmpOptimWrapper')
    elif torch.cuda.is_bf16_supported():
        # bfloat16 needs no loss scaling, and the scaler's search for infinities waits for the device at every step.
        wrapper.update(type='mmengine.AmpOptimWrapper', dtype='bfloat16', loss_scale=dict(enabled=False))
    else:
        wrapper.update(type='mmengine.AmpOptimWrapper', dtype='float16', loss_scale='dynamic')


def check_precision(cfg: Config) -> None:
    """Refuses mixed precision beside encoders that keep their weights in float16.

    Raises:
        ValueError: loss scaling and autocast are for float32 weights.
    """
    kind = str((cfg.get('optim_wrapper') or {}).get('type', '')).rsplit('.', 1)[-1]
    if kind.endswith('AmpOptimWrapper') and _has_half_weights(cfg.get('model')):
        raise ValueError('half_weights of the encoders must be False in mixed precision (--amp), but got True')


def _has_half_weights(node: Any) -> bool:
    if isinstance(node, dict):
        return bool(node.get('half_weights')) or any(map(_has_half_weights, node.values()))
    return isinstance(node, (list, tuple)) and any(map(_has_half_weights, node))


def set_seed(cfg: Config, seed: int) -> None:
    """Sets the seed of everything random.

    Args:
        cfg: changed in place.
        seed: not negative.

    Raises:
        ValueError: it is negative.
    """
    if seed < 0:
        raise ValueError(f'seed must not be negative, but got {seed}')
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)


def set_auto_scale_lr(cfg: Config) -> None:
    """Scales the learning rate with the real batch size.

    Args:
        cfg: changed in place.

    Raises:
        ValueError: the config does not say for which batch size its learning rate is meant.
    """
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise ValueError(
            'auto_scale_lr must hold base_batch_size for the learning rate to be scaled, but got '
            f'{cfg.get("auto_scale_lr")}'
        )
    cfg.auto_scale_lr.enable = True


def without_validation(cfg: Config) -> None:
    """Trains without validating.

    Args:
        cfg: changed in place.
    """
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None


def set_test_split(cfg: Config, split: str) -> None:
    """Chooses what a test run evaluates.

    Args:
        cfg: changed in place.
        split: ``test`` or ``val``.

    Raises:
        ValueError: the config has no such split.
    """
    if cfg.get(f'{split}_dataloader') is None or cfg.get(f'{split}_evaluator') is None:
        raise ValueError(
            f'split must be one that the config evaluates, but got {split!r}: {split}_dataloader or '
            f'{split}_evaluator is missing'
        )
    cfg.test_dataloader, cfg.test_evaluator = cfg[f'{split}_dataloader'], cfg[f'{split}_evaluator']
    cfg.test_cfg = cfg.get('test_cfg') or {}


def set_features_file(cfg: Config) -> str:
    """Has the test run write its features, for pictures.

    Args:
        cfg: changed in place.

    Returns:
        Where they will be: the metric's own ``out_file``, or ``features.safetensors`` in the working directory.

    Raises:
        ValueError: the config has no ``RetrievalMetric``.
    """
    metric = _retrieval_metric(cfg)
    metric['out_file'] = metric.get('out_file') or str(Path(cfg.work_dir, 'features.safetensors'))
    return metric['out_file']


def set_both_directions(cfg: Config) -> None:
    """Has the test run measure text-to-image and image-to-text retrieval.

    Args:
        cfg: changed in place.

    Raises:
        ValueError: the config has no ``RetrievalMetric``.
    """
    _retrieval_metric(cfg)['directions'] = ('t2i', 'i2t')


def _retrieval_metric(cfg: Config) -> Any:
    evaluator = cfg.test_evaluator
    for metric in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if str(metric['type']).rsplit('.', 1)[-1] == 'RetrievalMetric':
            return metric
    raise ValueError(f'test_evaluator must hold a RetrievalMetric, but got {evaluator}')


def check_image_sources(cfg: Config) -> bool:
    """Warns when a model is trained on one of the datasets from MSMT17 and tested on another: they may share persons.

    Args:
        cfg: a config.

    Returns:
        Whether it warned.
    """
    if not shares_image_source(cfg):
        return False
    trained, tested = (_dataset_types(cfg.get(f'{split}_dataloader')) & set(FROM_MSMT17) for split in ('train', 'test'))
    print_log(
        f'{"/".join(sorted(trained))} (training) and {"/".join(sorted(tested))} (test) both come from MSMT17 and '
        'may share persons: the result is no clean cross-dataset figure',
        'current',
        logging.WARNING,
    )
    return True


def shares_image_source(cfg: Config) -> bool:
    """Whether a config trains on one of the datasets from MSMT17 and tests on another.

    Args:
        cfg: a config.
    """
    trained, tested = (_dataset_types(cfg.get(f'{split}_dataloader')) & set(FROM_MSMT17) for split in ('train', 'test'))
    return bool(trained and tested and trained != tested)


def _dataset_types(node: Any) -> set[str]:
    """The names of all types in a config, without scopes."""
    if isinstance(node, dict):
        found = {str(node['type']).rsplit('.', 1)[-1]} if 'type' in node else set()
        return found.union(*(_dataset_types(value) for value in node.values()))
    if isinstance(node, (list, tuple)):
        return set().union(*(_dataset_types(value) for value in node))
    return set()
