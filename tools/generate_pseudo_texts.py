"""Captions unlabelled persons: ``python tools/generate_pseudo_texts.py SOURCE --out DIR``.

A run that was killed goes on where it was when the same command is given again. On several GPUs or machines, which
must share the folders::

    torchrun --nproc_per_node 8 tools/generate_pseudo_texts.py SOURCE --out DIR
    torchrun --nnodes 2 --nproc_per_node 8 --rdzv_backend c10d --rdzv_endpoint HOST:29500 \
        tools/generate_pseudo_texts.py SOURCE --out DIR

The captions are then read by ``dict(type='LUPersonT', ann_file='DIR/captions.json')`` with the source's root as
``data_prefix``, or, where images are embedded, by ``dict(type='LUPersonT', ann_file='DIR/pseudo_texts-*.arrow')``.
"""

from __future__ import annotations

import argparse
import ast
import logging
from collections.abc import Sequence
from typing import Any

import torch

from mmt2ireid.apis.commands import run_command
from mmt2ireid.io.counts import counted
from mmt2ireid.pseudo_text.combine.composer import CaptionComposer
from mmt2ireid.pseudo_text.combine.synonyms import load_synonyms
from mmt2ireid.pseudo_text.combine.templates import Templates, load_templates
from mmt2ireid.pseudo_text.conquer.clip_scorer import PRECISIONS, RESIZE_MODES, CLIPScorer
from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer, load_scorer
from mmt2ireid.pseudo_text.divide.catalogue import Catalogue, load_catalogue
from mmt2ireid.pseudo_text.generation.features import DTYPES
from mmt2ireid.pseudo_text.generation.final_files import Counts
from mmt2ireid.pseudo_text.generation.generator import PseudoTextGenerator
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions
from mmt2ireid.pseudo_text.generation.ranks import LeadingRankError, Ranks
from mmt2ireid.pseudo_text.generation.store import FORMATS
from mmt2ireid.pseudo_text.sources.opening import open_source

DEFAULTS = GeneratorOptions()
CLIP_OPTIONS = ('model', 'pretrained', 'quick_gelu', 'resize', 'precision', 'device')


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description='Caption unlabelled persons.')
    parser.add_argument('source', nargs='+', help='folder, list (.txt, .json), LMDB, .tar or .arrow/.parquet files')
    parser.add_argument('--out', required=True, help='folder of the results')
    parser.add_argument('--root', help='folder that image names are relative to, for a folder or a list')
    parser.add_argument(
        '--allow-outside', action='store_true', help='read images that a list names outside of --root (or its folder)'
    )
    parser.add_argument('--fresh', action='store_true', help='remove earlier results of this tool in the folder')
    _add_words(parser.add_argument_group('what is said'))
    _add_scorer(parser.add_argument_group('who looks'))
    _add_storage(parser.add_argument_group('how it is stored'))
    return parser


def _add_words(group: Any) -> None:
    group.add_argument('--catalogue', metavar='FILE', help="attributes (default: LUPerson-T's 14)")
    group.add_argument('--templates', metavar='N|FILE', help='so many of our 456 templates, or a file of others')
    group.add_argument('--synonyms', metavar='FILE', help='table of synonyms (default: ours)')
    group.add_argument('--say-most', action='store_true',
                       help='draw a template that says most of the optional attributes that were found')  # fmt: skip
    group.add_argument('--captions', type=int, default=DEFAULTS.num_captions, metavar='N', help='captions per image')
    group.add_argument('--seed', type=int, default=0, help='of what is drawn (default: 0)')
    group.add_argument('--threshold', type=float, default=DEFAULTS.threshold,
                       help='an optional attribute is said above this probability (default: %(default)s)')  # fmt: skip


def _add_scorer(group: Any) -> None:
    group.add_argument('--model', help="a name that open_clip knows (default: CLIP's ViT-B-16)")
    group.add_argument('--pretrained', metavar='TAG|FILE', help='its weights (default: openai)')
    group.add_argument('--quick-gelu', action=argparse.BooleanOptionalAction,
                       help="whether a file's weights were trained with QuickGELU, as all of OpenAI were; a tag says "
                       'so itself')  # fmt: skip
    group.add_argument('--resize', choices=RESIZE_MODES, help='how a crop becomes a square (default: squash)')
    group.add_argument('--precision', choices=('auto', *PRECISIONS), help='of the image forward (default: auto)')
    group.add_argument('--device', help='where to compute (default: a GPU of its own for each rank, if there is one)')
    group.add_argument('--scorer', metavar='MODULE:NAME', help='another scorer than CLIP')
    group.add_argument('--scorer-options', nargs='+', default=[], metavar='KEY=VALUE', help='its options')


def _add_storage(group: Any) -> None:
    group.add_argument('--features', metavar='DIR', help='keep image features there, or use those that are kept')
    group.add_argument('--feature-dtype', choices=DTYPES, default=DEFAULTS.feature_dtype,
                       help='of kept features (default: %(default)s; float32 takes twice the space)')  # fmt: skip
    group.add_argument('--shard-size', type=int, default=DEFAULTS.shard_size, help='images per shard (%(default)s)')
    group.add_argument('--batch-size', type=int, default=DEFAULTS.batch_size, help='images per batch (%(default)s)')
    group.add_argument('--workers', type=int, default=DEFAULTS.num_workers, help='processes that read images')
    group.add_argument('--embed-images', action='store_true', help='put the encoded images beside the captions')
    group.add_argument('--format', choices=FORMATS, default=DEFAULTS.file_format, help='of the shards (%(default)s)')
    group.add_argument('--split', default=DEFAULTS.split, help='what the column split says (%(default)s)')
    group.add_argument('--no-progress', action='store_true', help='show no progress bar')


def build_options(args: argparse.Namespace) -> GeneratorOptions:
    return GeneratorOptions(
        threshold=args.threshold, num_captions=args.captions, shard_size=args.shard_size, batch_size=args.batch_size,
        num_workers=args.workers, embed_images=args.embed_images, file_format=args.format, split=args.split,
        feature_dtype=args.feature_dtype, progress=not args.no_progress, fresh=args.fresh,
    )  # fmt: skip


def build_templates(text: str | None) -> Templates:
    templates = load_templates() if text is None or text.isdigit() else load_templates(text)
    if text is None or not text.isdigit():
        return templates
    if not 1 <= int(text) <= len(templates):
        raise ValueError(f'--templates must be a file or a number from 1 to {len(templates)}, but got {text}')
    return templates[: int(text)]


def build_scorer(args: argparse.Namespace, catalogue: Catalogue, ranks: Ranks) -> AttributeScorer:
    given = {name: getattr(args, name) for name in CLIP_OPTIONS if getattr(args, name) is not None}
    if args.scorer:
        if given:
            option = next(iter(given)).replace('_', '-')
            raise ValueError(f'--{option} must be given for CLIP only, not with --scorer, whose options are given by '
                             '--scorer-options')  # fmt: skip
        return load_scorer(args.scorer, catalogue, **parse_options(args.scorer_options))
    if args.scorer_options:
        raise ValueError('--scorer-options must be given with --scorer only')
    if torch.cuda.is_available():
        given.setdefault('device', f'cuda:{ranks.local_rank}')
    return CLIPScorer(catalogue, **given)


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition('=')
        if not sign or not key.isidentifier():
            raise ValueError(f'--scorer-options must be KEY=VALUE, but got {pair!r}')
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options


def take_own_gpu(ranks: Ranks) -> None:
    if ranks.local_rank >= torch.cuda.device_count():
        raise ValueError(f'--nproc_per_node must be at most {torch.cuda.device_count()}, the GPUs of this machine, but '
                         f'there is a local rank {ranks.local_rank}; --device cuda:0 lets ranks share one')  # fmt: skip
    torch.cuda.set_device(ranks.local_rank)


def start_logging(rank: int) -> None:
    """Shows what this project has to tell, and warnings of others, once."""
    logging.basicConfig(format='%(message)s')
    logging.getLogger('mmt2ireid').setLevel(logging.WARNING if rank else logging.INFO)
    logging.getLogger('huggingface_hub').propagate = False  # it prints its warnings itself


def generate(args: argparse.Namespace, ranks: Ranks) -> Counts:
    options = build_options(args)
    if torch.cuda.is_available() and ranks.world_size > 1 and args.device in (None, 'cuda'):
        take_own_gpu(ranks)
    source = open_source(args.source, args.root, allow_outside=args.allow_outside)
    catalogue = load_catalogue(args.catalogue)
    composer = CaptionComposer(
        catalogue, build_templates(args.templates), args.seed,
        synonyms=load_synonyms(args.synonyms), say_most=args.say_most,
    )  # fmt: skip
    scorer = build_scorer(args, catalogue, ranks)
    return PseudoTextGenerator(
        source, scorer, catalogue, composer, out=args.out, features=args.features, options=options, ranks=ranks
    ).run()


def report(counts: Counts, out: str) -> None:
    captioned = f'{counted(counts.captions, "caption")} of {counted(counts.captioned, "image")}'
    left_out = f', {counted(counts.left_out, "other file")} left out' if counts.left_out else ''
    hint = ' (see unreadable.jsonl)' if counts.unreadable or counts.left_out else ''
    print(f'{out}: {captioned}, {counts.unreadable} of {counts.images} images unreadable{left_out}{hint}')
    for name, number in counts.kept.items():
        print(f'  {name:20} {number:>10} {100 * number / max(counts.captioned, 1):6.1f} %')


def main(argv: Sequence[str] | None = None) -> None:
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        ranks = Ranks.from_environment()
        start_logging(ranks.rank)
        counts = generate(args, ranks)
    except LeadingRankError:
        parser.exit(2)  # rank 0 has told why
    except (ValueError, ImportError, OSError) as error:
        parser.exit(2, f'{parser.prog}: error: {error}\n')
    if ranks.rank == 0:
        report(counts, args.out)


if __name__ == '__main__':
    run_command(main)
