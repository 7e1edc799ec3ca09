"""Measures training steps of a config: pairs per second, where the time goes, peak memory, TFLOP/s against the peak.

python tools/benchmark_train.py configs/toy/unipt_vit_pool.py
python tools/benchmark_train.py configs/unipt/vitb16_lupt.py --synthetic --amp
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from tqdm import tqdm

from mmt2ireid.apis import get_model
from mmt2ireid.apis.benchmark import benchmark_training, synthetic_batches
from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.devices import usable_device
from mmt2ireid.compat import use_device, write_atomically
from mmt2ireid.engine.config_file import ConfigOptions, read_config
from mmt2ireid.engine.loaders import require_batches
from mmt2ireid.engine.options import use_amp


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--steps', type=int, default=20, help='measured steps (%(default)s)')
    parser.add_argument('--warmup', type=int, default=5, help='steps before them, not measured (%(default)s)')
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision; a config with amp=True does on GPUs anyway'
    )
    parser.add_argument('--device', help='where to train: cpu, cuda, mps (default: a GPU or MPS, if there is one)')
    parser.add_argument('--synthetic', action='store_true', help="noise in place of the config's data")
    parser.add_argument('--tokens', type=int, default=40, help='tokens of a synthetic caption (%(default)s)')
    parser.add_argument('--batch-size', type=int, help="in place of the config's")
    parser.add_argument('--json', type=Path, help='write the figures here as well')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='changes to the config')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.device:
        use_device(usable_device(args.device).type)
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmt2ireid'))
    if args.amp or (cfg.get('amp') and get_device() == 'cuda'):
        use_amp(cfg)
    if args.batch_size:
        cfg.train_dataloader.batch_size = args.batch_size
    torch.manual_seed(0)
    model = get_model(cfg).to(get_device())
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    if args.synthetic:
        classes = [head.num_classes for head in model.heads.values() if hasattr(head, 'num_classes')]
        height, width = next(step for step in cfg.train_pipeline if step.type == 'Resize').scale[::-1]
        batches = synthetic_batches(
            batch_size=cfg.train_dataloader.batch_size,
            image_size=(height, width),
            num_tokens=args.tokens,
            vocab_size=model.text_encoder.vocab_size,
            num_classes=min(classes, default=1),
        )
    else:
        batches = Runner.build_dataloader(cfg.train_dataloader, seed=0)
        require_batches(batches, 'train_dataloader')
    figures = benchmark_training(model, optim_wrapper, batches, steps=args.steps, warmup=args.warmup, progress=tqdm)
    print(figures.table())
    if args.json:
        write_atomically(args.json, json.dumps(asdict(figures), indent=2).encode())


if __name__ == '__main__':
    run_command(main)
