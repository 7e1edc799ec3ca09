"""Train the toy CLIP that captions ToyPEDES' pool: ``python tools/train_toy_clip.py [OUT] [options]``.

Its persons and cameras are its own: it never sees the pool nor what is true of it. About a minute on two cores; what
is there already is left as it is. To use it: ``model='local-dir:OUT'`` wherever a name of open_clip is asked for.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import Any

import torch

from mmt2ireid.apis.commands import run_command
from mmt2ireid.datasets.toy import ToyOptions
from mmt2ireid.datasets.toy.clip_domain import draw_clip_domain
from mmt2ireid.pseudo_text.conquer.toy_clip import ToyClipOptions, toy_clip_config, train_toy_clip
from mmt2ireid.pseudo_text.conquer.toy_clip_folder import toy_clip_stands, write_toy_clip
from mmt2ireid.pseudo_text.data_folder import DATA
from mmt2ireid.pseudo_text.divide.catalogue import load_catalogue

VERSION = 1


def parse_args() -> argparse.Namespace:
    world, default = ToyOptions(), ToyClipOptions()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('out', nargs='?', default='data/toy_clip', help='folder to make')
    parser.add_argument('--catalogue', default=str(DATA / 'toy_catalogue.yaml'), help='attributes and their prompts')
    parser.add_argument('--persons', type=int, default=24000, help='to be drawn, with a picture each')
    parser.add_argument('--passes', type=int, default=default.passes, help='times that each picture is seen')
    parser.add_argument('--text-steps', type=int, default=default.text_steps, help='of the text tower, beforehand')
    parser.add_argument('--seed', type=int, default=default.seed, help='of the training')
    parser.add_argument('--world-seed', type=int, default=world.seed, help='that ToyPEDES was drawn with')
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), default=world.size, help='of a picture')
    parser.add_argument('--workers', type=int, default=2, help='processes that draw; they do not change a pixel')
    parser.add_argument('--threads', type=int, default=2, help='that train; another number changes the last digits')
    parser.add_argument('--fresh', action='store_true', help='train again what is there already')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.threads < 1:
        raise ValueError(f'threads must be at least 1, but got {args.threads}')
    world = ToyOptions(seed=args.world_seed, size=tuple(args.size))
    options = ToyClipOptions(passes=args.passes, text_steps=args.text_steps, seed=args.seed)
    catalogue = load_catalogue(args.catalogue)
    recipe: dict[str, Any] = {
        'version': VERSION,
        'catalogue': catalogue.digest,
        'pictures': {'persons': args.persons, 'world': world.as_json()},
        'training': asdict(options),
    }
    if toy_clip_stands(args.out, recipe, fresh=args.fresh):
        print(f'{args.out}: complete already, with the same options; nothing to do (--fresh trains it again)')
        return
    started = time.monotonic()
    pictures, truths = draw_clip_domain(args.persons, world, workers=args.workers)
    drawn = time.monotonic()
    torch.set_num_threads(args.threads)
    network = train_toy_clip(pictures, truths, catalogue, options)
    write_toy_clip(args.out, network, toy_clip_config(options, world.size), recipe)
    print(f'{args.out}: {drawn - started:.0f} s drawing, {time.monotonic() - drawn:.0f} s training')


if __name__ == '__main__':
    run_command(main)
