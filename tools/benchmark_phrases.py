"""Measures the finding of noun phrases, reading them from the cache, and the Text-IoU of a batch.

    python tools/benchmark_phrases.py --captions 68126
    python tools/benchmark_phrases.py --file captions.txt --taggers embedded

Captions are composed from random attributes; --file takes yours, one per line.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.io.text_files import numbered_lines
from mmt2ireid.pseudo_text import CaptionComposer, load_catalogue, load_templates
from mmt2ireid.text import multi_hot, phrase_table, text_iou

OPTIONAL_SHARE = 0.25
"""How often an optional attribute is present in a composed caption."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--captions', type=int, default=68_126, help='how many are composed')
    parser.add_argument('--file', type=Path, help='text file of captions, one per line, in place of composed ones')
    parser.add_argument('--taggers', nargs='+', default=['nltk', 'embedded'], help='taggers to measure')
    parser.add_argument('--workers', type=int, default=2, help='processes that tag')
    parser.add_argument('--batch', type=int, default=512, help='captions of a Text-IoU')
    parser.add_argument('--repeats', type=int, default=20, help='measured batches')
    parser.add_argument('--json', type=Path, help='write the figures here as well')
    args = parser.parse_args(argv)
    if min(args.captions, args.batch, args.repeats) < 1 or args.workers < 0:
        parser.error('--captions, --batch and --repeats must be at least 1, --workers at least 0')
    return args


def composed_captions(count: int) -> list[str]:
    """Captions of random persons, made by the templates of the pseudo-texts."""
    catalogue = load_catalogue()
    composer, draw = CaptionComposer(catalogue, load_templates()), random.Random(0)
    return [
        composer.compose(
            f'{number}.jpg',
            {
                name: draw.choice(attribute.phrases)
                for name, attribute in catalogue.items()
                if attribute.required or draw.random() < OPTIONAL_SHARE
            },
        )
        for number in range(count)
    ]


def measure(captions: list[str], tagger: str, args: argparse.Namespace) -> dict[str, float]:
    """Seconds and milliseconds of one tagger's phrases."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for _ in range(2):  # the second reads what the first has kept
            start = time.perf_counter()
            table = phrase_table(captions, tagger=tagger, cache_dir=folder, workers=args.workers)
            seconds.append(time.perf_counter() - start)
    batch = [table.ids(number) for number in range(min(args.batch, len(captions)))]
    times: list[tuple[float, float]] = []
    for _ in range(args.repeats + 1):
        start = time.perf_counter()
        rows = multi_hot(batch, num_phrases=table.num_phrases)
        between = time.perf_counter()
        text_iou(rows)
        times.append((between - start, time.perf_counter() - between))
    put, compare = (1000 * statistics.median(column) for column in zip(*times[1:], strict=True))
    return {
        f'{tagger}: phrases of {len(captions):,} captions, s': seconds[0],
        f'{tagger}: the same from the cache, s': seconds[1],
        f'{tagger}: different phrases': table.num_phrases,
        f'{tagger}: phrases per caption': len(table.indices) / len(captions),
        f'{tagger}: multi-hot rows of {len(batch)} captions, ms': put,
        f'{tagger}: their Text-IoU, ms': compare,
    }


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    figures: dict[str, float] = {}
    try:
        captions = composed_captions(args.captions) if args.file is None else read_captions(args.file)
        for tagger in args.taggers:
            figures.update(measure(captions, tagger, args))
    except (ValueError, ImportError, OSError, LookupError) as error:
        sys.exit(f'{error}')
    for name, value in figures.items():
        print(f'{name:60} {value:12,.3f}' if value < 100 else f'{name:60} {value:12,.0f}')
    if args.json:
        write_atomically(args.json, json.dumps(figures, indent=2).encode())


def read_captions(path: Path) -> list[str]:
    captions = [line for _, line in numbered_lines(path) if line.strip()]
    if not captions:
        raise ValueError(f'{path} must hold captions, one per line, but got none')
    return captions


if __name__ == '__main__':
    run_command(main)
