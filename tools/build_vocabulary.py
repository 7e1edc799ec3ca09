"""Writes the word vocabulary that a config's tokenizer reads, from the captions of its training set.

    python tools/build_vocabulary.py configs/cmmt/r50_cuhk.py
    python tools/build_vocabulary.py configs/cmmt/r50_cuhk.py --checkpoint work_dirs/r50_cuhk/epoch_50.pth

The second writes the words that a checkpoint was trained with. A file that holds other words is replaced with --force
only: checkpoints trained with them could not be used beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from mmt2ireid.apis import build_vocabulary, checkpoint_vocabulary, vocabulary_file
from mmt2ireid.apis.commands import run_command
from mmt2ireid.engine.config_file import ConfigOptions, read_config
from mmt2ireid.io.counts import counted
from mmt2ireid.text import WordTokenizer


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--out', metavar='FILE', help='where to write (default: the file that the tokenizer reads)')
    parser.add_argument('--min-count', type=int, default=3, help='words seen less often are unknown (default: 3)')
    parser.add_argument('--checkpoint', help='take the words from this checkpoint in place of the captions')
    parser.add_argument('--force', action='store_true', help='replace a file that holds other words')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override settings of the config'
    )
    args = parser.parse_args(argv)
    if args.min_count < 1:
        parser.error(f'--min-count must be >= 1, but got {args.min_count}')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    cfg = read_config(args.config, args.cfg_options)
    path = args.out or vocabulary_file(cfg)
    if args.checkpoint:
        tokenizer, source = checkpoint_vocabulary(args.checkpoint), args.checkpoint
    else:
        tokenizer, num_captions = build_vocabulary(cfg, args.min_count)
        source = f'{counted(num_captions, "caption")}, each at least {counted(args.min_count, "time")}'
    if os.path.exists(path) and not args.force and WordTokenizer(path).words != tokenizer.words:
        print(f'error: {path} holds other words; --force replaces it', file=sys.stderr)
        return 1
    tokenizer.save(path)
    print(f'{counted(len(tokenizer.words), "word")} of {source}: {path}')
    return 0


if __name__ == '__main__':
    run_command(main)
