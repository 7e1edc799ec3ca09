"""Evaluates checkpoints.

    python tools/test.py CONFIG CHECKPOINT                              the metrics, as a table
    python tools/test.py CONFIG CHECKPOINT --report DIR                 and a folder: tables, curves, strips
    python tools/test.py CONFIG SEED0.pth SEED1.pth ... --report DIR    mean and spread
    python tools/test.py CONFIG EPOCH1.pth EPOCH2.pth ... --report DIR --select-by t2i/R1

With --select-by the checkpoints are epochs: those of one folder are one run. The figures are those of the epoch that is
best on val; those of the epoch that is best on test are given too, marked as such.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmt2ireid import visualization
from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.devices import usable_device
from mmt2ireid.apis.report import report_evaluation, report_selection
from mmt2ireid.compat import use_device
from mmt2ireid.engine import options
from mmt2ireid.engine.config_file import ConfigOptions
from mmt2ireid.engine.dataset_parts import split_of
from mmt2ireid.engine.launch import LAUNCHERS, is_main, run
from mmt2ireid.engine.preflight import check_files
from mmt2ireid.engine.report import markdown_table, write_json


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='+', help='checkpoint file; several for --report')
    parser.add_argument('--work-dir', help='where logs go (default: work_dirs/NAME OF THE CONFIG)')
    parser.add_argument('--split', choices=('val', 'test'), help='what to evaluate (default: test)')
    parser.add_argument('--out', metavar='JSON', help='write the metrics to this file')
    parser.add_argument('--strip', metavar='PNG', help='draw ranked strips of some queries to this file')
    parser.add_argument('--report', metavar='DIR', help='write a report to this folder')
    parser.add_argument('--select-by', metavar='METRIC', help='select epochs by this metric of val, such as t2i/R1')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override settings, such as test_dataloader.batch_size=32',
    )
    parser.add_argument('--device', help='cpu, cuda or mps (default: a GPU or MPS, if there is one)')
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none', help='who started this process')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help='set by some launchers')
    args = parser.parse_args(argv)
    if args.report and (args.out or args.strip):
        parser.error('--report holds the metrics and strips: it must be given without --out and --strip')
    if not args.report and (len(args.checkpoint) > 1 or args.select_by):
        parser.error('several checkpoints and --select-by must be given with --report DIR')
    overridden = sorted({'load_from', 'resume'} & set(args.cfg_options or {}))
    if overridden:
        parser.error(f'{overridden[0]} must not be given in --cfg-options: the checkpoint is the second argument')
    if args.select_by and args.split:
        parser.error('--select-by evaluates val and test: it must be given without --split')
    args.split = args.split or 'test'
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.device:
        use_device(usable_device(args.device).type)
    cfg = options.load_config(args.config, args.cfg_options, args.work_dir)
    if args.report:
        report(cfg, args)
    else:
        test(cfg, args)


def report(cfg: Config, args: argparse.Namespace) -> None:
    """Writes a report of one checkpoint or of several."""
    common = dict(config=args.config, launcher=args.launcher)
    if args.select_by:
        metrics = report_selection(cfg, args.checkpoint, args.report, by=args.select_by, **common)
    else:
        options.set_test_split(cfg, args.split)
        metrics = report_evaluation(cfg, args.checkpoint, args.report, split=args.split, **common)
    if is_main(args.launcher):
        print(f'{markdown_table(metrics)}\n\n{os.path.join(args.report, "report.md")}')


def test(cfg: Config, args: argparse.Namespace) -> None:
    """Evaluates one checkpoint."""
    (checkpoint,) = args.checkpoint
    options.set_test_split(cfg, args.split)
    cfg.load_from, cfg.resume = checkpoint, False
    if args.strip:
        visualization.picture_format(args.strip)  # a wrong ending is better told before the evaluation than after it
    check_files(cfg, ('test',))
    features = options.set_features_file(cfg) if args.strip else None

    def evaluate(runner: Runner) -> None:
        metrics = runner.test()
        if not is_main_process():
            return
        print(markdown_table(metrics))
        if args.out:
            split = split_of(runner.test_dataloader.dataset) or args.split
            write_json(args.out, dict(config=args.config, checkpoint=checkpoint, split=split, metrics=metrics))
        if features is not None:
            visualization.ranked_strip_from_features(features, args.strip)

    run(cfg, evaluate, launcher=args.launcher)


if __name__ == '__main__':
    run_command(main)
