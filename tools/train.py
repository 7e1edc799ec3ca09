"""Trains a config: ``python tools/train.py CONFIG``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.device import get_device
from mmengine.runner import Runner

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.devices import usable_device
from mmt2ireid.compat import use_device
from mmt2ireid.engine import options
from mmt2ireid.engine.config_file import ConfigOptions
from mmt2ireid.engine.launch import LAUNCHERS, run
from mmt2ireid.engine.preflight import check_files


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a config.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (default: work_dirs/NAME OF THE CONFIG)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='continue from this checkpoint, with its seed and precision; alone or with "auto" from the newest of the '
        'work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train in mixed precision; a config with amp=True does on GPUs anyway'
    )
    parser.add_argument('--seed', type=int, help="overrides the config's seed")
    parser.add_argument('--no-validate', action='store_true', help='do not validate while training')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate with the batch size')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override settings, such as train_cfg.max_epochs=3',
    )
    parser.add_argument('--device', help='where to train: cpu, cuda, mps (default: a GPU or MPS, if there is one)')
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='who started this process')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help='set by some launchers')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.device:
        use_device(usable_device(args.device).type)
    cfg = options.load_config(args.config, args.cfg_options, args.work_dir)
    if args.resume:
        options.set_resume(cfg, args.resume, seed=args.seed, amp=args.amp)
    if args.amp or (cfg.get('amp') and get_device() == 'cuda'):
        options.use_amp(cfg)
    if args.seed is not None:
        options.set_seed(cfg, args.seed)
    if args.no_validate:
        options.without_validation(cfg)
    if args.auto_scale_lr:
        options.set_auto_scale_lr(cfg)
    check_files(cfg, ('train', 'val'))
    run(cfg, Runner.train, launcher=args.launcher)


if __name__ == '__main__':
    run_command(main)
