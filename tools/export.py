"""Writes a trained model as ONNX: both encoders, their tokenizer, and what else a search without torch needs.

    python tools/export.py configs/unipt/vitb16_cuhk.py best.pth --out exported/vitb16_cuhk

The exported model is compared with the original on pictures and captions, and both are timed; one whose features
differ is not kept. Searches take the folder in place of config and checkpoint, and a gallery that was made with either
opens with the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.export import export_model
from mmt2ireid.apis.export.graphs import OPSETS
from mmt2ireid.apis.model_zoo import find_config
from mmt2ireid.engine.config_file import ConfigOptions
from mmt2ireid.engine.options import load_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file, or its name, such as unipt/vitb16_cuhk')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write; appears when it is complete')
    parser.add_argument(
        '--opset',
        type=int,
        choices=OPSETS,
        metavar='N',
        help=f"version of ONNX's operators, {OPSETS[0]} to {OPSETS[-1]} (default: torch's choice)",
    )
    parser.add_argument('--force', action='store_true', help='replace an exported model that is there')
    parser.add_argument('--no-timing', action='store_true', help='do not measure how fast both are')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override settings of the config'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(str(find_config(args.config)), args.cfg_options)
    report = export_model(cfg, args.checkpoint, args.out, opset=args.opset, force=args.force, timing=not args.no_timing)
    print(report)


if __name__ == '__main__':
    run_command(main)
