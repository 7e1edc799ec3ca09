"""Measures the making of pseudo-texts: captions composed and checked per second, and what matching adds to CLIP.

python tools/benchmark_pseudo_text.py compose check
python tools/benchmark_pseudo_text.py match --pretrained '' --batch-sizes 16 32

An empty --pretrained means random weights, which cost what real ones do. Compose and check use one core.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.pseudo_text.conquer.clip_scorer import PRECISIONS, CLIPScorer
from mmt2ireid.pseudo_text.conquer.scorer import choose_attributes
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, load_catalogue

OPTIONAL_SHARE = 0.25
"""How often an optional attribute is present in a random choice."""


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 1, but got {text!r}')
    return int(text)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='+', choices=('compose', 'check', 'match'), help='what to measure')
    parser.add_argument('--catalogue', type=Path, help="in place of LUPerson-T's")
    parser.add_argument('--captions', type=positive, default=50_000, help='captions that are composed or checked')
    parser.add_argument('--model', default='ViT-B-16', help='as open_clip names it')
    parser.add_argument('--pretrained', default='', help="tag, file, or '' for random weights")
    parser.add_argument('--device', help='default: a GPU where there is one')
    parser.add_argument('--precision', default='auto', choices=('auto', *PRECISIONS))
    parser.add_argument('--batch-sizes', type=positive, nargs='+', default=[16, 32], help='images at a time')
    parser.add_argument('--repeats', type=positive, default=10, help='measured batches of each size')
    parser.add_argument('--json', type=Path, help='write the figures here as well')
    return parser.parse_args(argv)


def random_choices(catalogue: Mapping[str, Attribute], count: int) -> list[dict[str, str]]:
    """Valid choices of attributes: all required ones and some of the others."""
    draw = random.Random(0)
    return [
        {
            name: draw.choice(attribute.phrases)
            for name, attribute in catalogue.items()
            if attribute.required or draw.random() < OPTIONAL_SHARE
        }
        for _ in range(count)
    ]


def measure_text(args: argparse.Namespace) -> dict[str, float]:
    """Captions per second on one core."""
    from mmt2ireid.pseudo_text.combine.composer import CaptionComposer
    from mmt2ireid.pseudo_text.combine.templates import load_templates

    catalogue = load_catalogue(args.catalogue)
    composer = CaptionComposer(catalogue, load_templates())
    choices = random_choices(catalogue, args.captions)
    start = time.perf_counter()
    captions = [composer.compose(f'{number}.jpg', chosen) for number, chosen in enumerate(choices)]
    figures = {'composed captions/s': args.captions / (time.perf_counter() - start)}
    if 'check' in args.parts:
        from mmt2ireid.pseudo_text.defects import find_defects

        start = time.perf_counter()
        defective = sum(bool(find_defects(caption)) for caption in captions)
        figures['checked captions/s'] = args.captions / (time.perf_counter() - start)
        figures['defective captions'] = defective
    return figures


def measure_matching(args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds per batch: CLIP's image forward, that with matching and choosing, and these two alone."""
    catalogue = load_catalogue(args.catalogue)
    start = time.perf_counter()
    scorer = CLIPScorer(catalogue, args.model, args.pretrained, device=args.device, precision=args.precision)
    figures = {'model and prompts ready, s': time.perf_counter() - start}
    dtype = PRECISIONS[scorer.precision]
    height, width = _size(scorer)

    @torch.no_grad()
    def bare(images: torch.Tensor) -> None:
        with torch.autocast(scorer.device.type, dtype=dtype, enabled=dtype != torch.float32):
            scorer.network.encode_image(images)

    for size in args.batch_sizes:
        images = torch.randn(size, 3, height, width, device=scorer.device)
        features = scorer.encode(images)
        # Interleaved, so that another load on the machine hits all three.
        steps: list[Callable[[], object]] = [
            lambda images=images: bare(images),
            lambda images=images: choose_attributes(scorer.score(images), catalogue),
            lambda features=features: choose_attributes(scorer.score_features(features), catalogue),
        ]
        times = [[_seconds(step, scorer.device) for step in steps] for _ in range(args.repeats + 1)][1:]
        forward, both, rest = (statistics.median(column) for column in zip(*times, strict=True))
        kind = f'{args.model} {scorer.precision} on {scorer.device.type}, batch {size}'
        figures[f'{kind}: image forward, ms'] = forward * 1000
        figures[f'{kind}: forward, match and choose, ms'] = both * 1000
        figures[f'{kind}: match and choose alone, ms'] = rest * 1000
        figures[f'{kind}: ratio of the first two'] = statistics.median(two / one for one, two, _ in times)
    return figures


def _size(scorer: CLIPScorer) -> tuple[int, int]:
    size = scorer.preprocess['size']
    return (size, size) if isinstance(size, int) else tuple(size)


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    on_gpu = device.type == 'cuda'
    if on_gpu:
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    step()
    if on_gpu:
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    figures: dict[str, float] = {}
    if {'compose', 'check'} & set(args.parts):
        figures.update(measure_text(args))
    if 'match' in args.parts:
        figures.update(measure_matching(args))
    for name, value in figures.items():
        print(f'{name:60} {value:12,.3f}' if value < 100 else f'{name:60} {value:12,.0f}')
    if args.json:
        write_atomically(args.json, json.dumps(figures, indent=2).encode())


if __name__ == '__main__':
    run_command(main)
