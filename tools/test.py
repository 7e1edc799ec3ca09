"""Evaluates a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.config import DictAction
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmt2ireid import visualization
from mmt2ireid.engine import options
from mmt2ireid.engine.launch import LAUNCHERS, run
from mmt2ireid.engine.report import markdown_table, write_json


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='where logs go (default: work_dirs/NAME OF THE CONFIG)')
    parser.add_argument('--split', choices=('val', 'test'), default='test', help='what to evaluate')
    parser.add_argument('--out', metavar='JSON', help='write the metrics to this file')
    parser.add_argument('--strip', metavar='PNG', help='draw ranked strips of some queries to this file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override settings, such as test_dataloader.batch_size=32',
    )
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='who started this process')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help='set by some launchers')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = options.load_config(args.config, args.cfg_options, args.work_dir)
    options.set_test_split(cfg, args.split)
    cfg.load_from, cfg.resume = args.checkpoint, False
    if args.strip:
        visualization.picture_format(args.strip)  # a wrong ending is better told before the evaluation than after it
    features = options.set_features_file(cfg) if args.strip else None

    def evaluate(runner: Runner) -> None:
        metrics = runner.test()
        if not is_main_process():
            return
        print(markdown_table(metrics))
        if args.out:
            write_json(
                args.out, dict(config=args.config, checkpoint=args.checkpoint, split=args.split, metrics=metrics)
            )
        if features is not None:
            visualization.ranked_strip_from_features(features, args.strip)

    run(cfg, evaluate, launcher=args.launcher)


if __name__ == '__main__':
    main()
