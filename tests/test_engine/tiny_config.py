"""Configs of the tiny parts."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from mmengine.config import Config

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_names = itertools.count()


def tiny_config(work_dir: Path, *, epochs: int = 4, iters: int | None = None, **changes) -> Config:
    """The default runtime around the tiny parts.

    Args:
        work_dir: working directory.
        epochs: of the epoch-based loop.
        iters: where given, an iteration-based loop of this length.
        **changes: dotted keys, dots written as two underscores.
    """
    sys.path.insert(0, str(HERE))
    import tiny_parts  # noqa: F401

    cfg = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
    loader = dict(
        batch_size=6,
        num_workers=0,
        dataset=dict(type='TinyPairs'),
        sampler=dict(type='mmengine.DefaultSampler', shuffle=True),
    )
    val_loader = dict(
        loader, dataset=dict(type='TinyPairs', length=20), sampler=dict(type='mmengine.DefaultSampler', shuffle=False)
    )
    train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=1)
    if iters:
        train_cfg = dict(by_epoch=False, max_iters=iters, val_interval=4)
    cfg.merge_from_dict(
        dict(
            custom_imports=dict(imports=['mmt2ireid', 'tiny_parts'], allow_failed_imports=False),
            work_dir=str(work_dir),
            experiment_name=f'tiny{next(_names)}',
            model=dict(type='TinyModel'),
            train_dataloader=loader,
            val_dataloader=val_loader,
            test_dataloader=val_loader,
            val_evaluator=dict(type='TinyMetric'),
            test_evaluator=dict(type='TinyMetric'),
            train_cfg=train_cfg,
            val_cfg=dict(),
            test_cfg=dict(),
            optim_wrapper=dict(
                type='mmengine.OptimWrapper',
                constructor='GroupedOptimWrapperConstructor',
                optimizer=dict(type='AdamW', lr=0.05, weight_decay=0.1),
                paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
            ),
            param_scheduler=[
                dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=5),
                dict(type='CosineAnnealingLR', by_epoch=True, T_max=epochs, convert_to_iter_based=True),
            ],
        )
    )
    if iters:
        cfg.param_scheduler = [dict(type='PolyLR', by_epoch=False, begin=0, end=iters)]
        cfg.default_hooks.checkpoint.update(by_epoch=False, interval=3)
        cfg.log_processor.by_epoch = False
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg


def write_config(path: Path, cfg: Config) -> Path:
    """Writes a config as a file that the tools read, and returns its path."""
    cfg = cfg.copy()
    cfg.pop('experiment_name', None)
    path.write_text(cfg.pretty_text)
    return path
