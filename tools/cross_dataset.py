"""Evaluates models on each other's test sets and writes the matrix.

    python tools/cross_dataset.py --report DIR \\
        --train CUHK-PEDES configs/unipt/deits_cuhk.py SEED0.pth SEED1.pth \\
        --train ICFG-PEDES configs/unipt/deits_icfg.py work_dirs/deits_icfg/best.pth \\
        --test CUHK-PEDES configs/unipt/deits_cuhk.py \\
        --test ICFG-PEDES configs/unipt/deits_icfg.py

A test set is the test split of a config; pipeline, batch size and metric are those of the model's own config. Of
several checkpoints of a training set the cells give mean and spread.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.report import TestSet, Trained, report_cross_dataset
from mmt2ireid.engine.config_file import ConfigOptions
from mmt2ireid.engine.launch import LAUNCHERS, is_main
from mmt2ireid.engine.options import load_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--train',
        nargs='+',
        action='append',
        required=True,
        metavar='WORD',
        help='NAME CONFIG CHECKPOINT...: a model, and what the table calls its training set',
    )
    parser.add_argument(
        '--test',
        nargs=2,
        action='append',
        required=True,
        metavar=('NAME', 'CONFIG'),
        help='the test data of a config, and what the table calls it',
    )
    parser.add_argument('--report', required=True, metavar='DIR', help='where report.md and metrics.json go')
    parser.add_argument('--work-dir', default='work_dirs/cross_dataset', help='where logs go (default: %(default)s)')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override settings of all configs'
    )
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='who started this process')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help='set by some launchers')
    args = parser.parse_args(argv)
    for words in args.train:
        if len(words) < 3:
            parser.error(f'--train must be given as NAME CONFIG CHECKPOINT..., but got {" ".join(words)}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    trained = [
        Trained(name, config, load_config(config, args.cfg_options, args.work_dir), checkpoints)
        for name, config, *checkpoints in args.train
    ]
    tests = [TestSet(name, config, load_config(config, args.cfg_options, args.work_dir)) for name, config in args.test]
    report_cross_dataset(trained, tests, args.report, launcher=args.launcher)
    if is_main(args.launcher):
        print(os.path.join(args.report, 'report.md'))


if __name__ == '__main__':
    run_command(main)
