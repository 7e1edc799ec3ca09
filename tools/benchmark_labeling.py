"""Measures the making of pseudo labels: seconds and peak memory of each step, beside the physical bound.

python tools/benchmark_labeling.py --rows 20000
python tools/benchmark_labeling.py --rows 68126 --json figures.json
python tools/benchmark_labeling.py --rows 200000 --width 256 --search-only --backend faiss --approximate-from 1

The features are noise around one centre per identity. The bound is 2 N^2 D operations, one product of all rows with
all rows, at the rate of a large matrix product on this machine; the search for neighbours itself does half of them.
``--search-only`` measures the search alone, and which share of the true neighbours an approximate one finds; a row is
its own first neighbour, and always found.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch

from mmt2ireid.apis.benchmark import matmul_rate
from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.labeling import (
    cluster_statistics,
    label_quality,
    nearest_neighbours,
    pseudo_labels,
    refine_labels,
)

CAPTIONS_PER_IMAGE = 2
"""For the refinement: rows are captions, and every other one's row is taken for its image."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=int, default=20_000, help='N')
    parser.add_argument('--width', type=int, default=1024, help='D')
    parser.add_argument('--per-identity', type=float, default=6.0, help='mean number of rows of an identity')
    parser.add_argument('--noise', type=float, default=1.0, help="of a row, in units of the centres' spread")
    parser.add_argument('--k1', type=int, default=30)
    parser.add_argument('--k2', type=int, default=6)
    parser.add_argument('--eps', type=float, default=0.6)
    parser.add_argument('--backend', choices=('torch', 'faiss'), default='torch')
    parser.add_argument('--approximate-from', type=int, help='with faiss: inverted file from this N on')
    parser.add_argument('--search-only', action='store_true', help='neighbours alone, and how many of them are true')
    parser.add_argument('--probes', type=int, nargs='+', default=[32], help='with --search-only: lists to look at')
    parser.add_argument('--sample', type=int, default=1000, help='with --search-only: rows that are searched exactly')
    parser.add_argument('--cpu-seconds', action='store_true', help='seconds of the CPU: on a machine that others use')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--threads', type=int, help="default: torch's choice")
    parser.add_argument('--product', action='store_true', help='measure the bare product of these rows as well')
    parser.add_argument('--json', type=Path, help='write the figures here as well')
    args = parser.parse_args(argv)
    if args.rows < 2 or args.width < 1 or args.per_identity < 1:
        parser.error('--rows must be at least 2, --width and --per-identity at least 1')
    if min(args.sample, *args.probes) < 1:
        parser.error('--sample and --probes must be at least 1')
    if args.approximate_from is not None and (args.backend != 'faiss' or args.approximate_from < 1):
        parser.error('--approximate-from must be at least 1 and needs --backend faiss')
    return args


class Meter:
    """Seconds and peak memory of steps that tell when they go on.

    Args:
        device: whose memory counts: a GPU's allocations, or the resident set of this process.
        cpu_seconds: count the seconds that this process computed, in place of those that passed.
    """

    def __init__(self, device: torch.device, cpu_seconds: bool = False) -> None:
        self.clock = time.process_time if cpu_seconds else time.perf_counter
        self.on_gpu = device.type == 'cuda'
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, int] = {}
        # Freed memory that the allocator keeps would hide as much of what the steps take.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL('libc.so.6').malloc_trim(0)
        self.restart()
        self.base = self._peak()

    def restart(self) -> None:
        """Time and memory count from now on."""
        self._forget_peak()
        self._last = self.clock()

    def __call__(self, step: str, share: float = 1.0) -> None:
        """Puts what has passed since the last call down to a step."""
        if self.on_gpu:
            torch.cuda.synchronize()
        now = self.clock()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self.peaks[step] = max(self.peaks.get(step, 0), self._peak() - self.base)
        self.restart()

    def _peak(self) -> int:
        if self.on_gpu:
            return torch.cuda.max_memory_allocated()
        try:
            status = Path('/proc/self/status').read_text(encoding='ascii')
            return 1024 * int(status.partition('VmHWM:')[2].split()[0])
        except (OSError, IndexError):
            return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def _forget_peak(self) -> None:
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        else:
            # Where that is refused, peaks are those since the start of the process.
            with contextlib.suppress(OSError):
                Path('/proc/self/clear_refs').write_text('5', encoding='ascii')


def make_rows(args: argparse.Namespace) -> tuple[torch.Tensor, np.ndarray]:
    """Features (N, D) and identities (N,)."""
    rng = torch.Generator().manual_seed(0)
    identities = max(1, round(args.rows / args.per_identity))
    pids = torch.randint(identities, (args.rows,), generator=rng)
    feats = torch.randn(args.rows, args.width, generator=rng).mul_(args.noise)
    centres = torch.randn(identities, args.width, generator=rng)
    for part in torch.arange(args.rows).split(4096):
        feats[part] += centres[pids[part]]
    return feats.to(args.device), pids.numpy()


def bare_product(feats: torch.Tensor, size: int = 2048) -> None:
    """All products of blocks, each thrown away."""
    for rows in feats.split(size):
        for columns in feats.split(size):
            rows @ columns.T


def measure(args: argparse.Namespace) -> dict[str, float]:
    """All figures, by name."""
    device = torch.device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    feats, pids = make_rows(args)
    if args.search_only:
        return measure_search(args, feats)
    rate = matmul_rate(device, torch.float32)
    # What is loaded and started once per process is not the labels' memory.
    pseudo_labels(feats[:100], k1=5, k2=2, backend=args.backend)
    meter = Meter(device, args.cpu_seconds)
    options = dict(k1=args.k1, k2=args.k2, eps=args.eps, backend=args.backend)
    found = pseudo_labels(feats, approximate_from=args.approximate_from, progress=meter, **options)
    total = sum(meter.seconds.values())
    meter.restart()
    images, image_of = feats[::CAPTIONS_PER_IMAGE], np.arange(args.rows) // CAPTIONS_PER_IMAGE
    refine_labels(found.labels[::CAPTIONS_PER_IMAGE], found.labels, image_of, images, feats)
    meter('refinement')
    figures = {f'{step}, s': seconds for step, seconds in meter.seconds.items()}
    figures['labels in all, without refinement, s'] = total
    if args.product:
        meter.restart()
        bare_product(feats)
        meter('bare product')
        figures['bare product of all rows with all rows, s'] = meter.seconds['bare product']
    figures['measured matrix rate, TFLOP/s'] = rate / 1e12
    figures['bound 2 N^2 D / rate, s'] = 2 * args.rows**2 * args.width / rate
    figures['features, MiB'] = feats.numel() * feats.element_size() / 2**20
    figures.update({f'{step}, peak MiB beyond the features': peak / 2**20 for step, peak in meter.peaks.items()})
    figures['pairs per row'] = found.num_pairs / args.rows
    figures.update(cluster_statistics(found.labels))
    figures.update(label_quality(found.labels, pids))
    return figures


def measure_search(args: argparse.Namespace, feats: torch.Tensor) -> dict[str, float]:
    """Seconds, peak memory and recall of the search for neighbours, for each number of probes."""
    figures: dict[str, float] = {}
    sample = torch.arange(0, len(feats), max(1, len(feats) // args.sample), device=feats.device)[: args.sample]
    unit = torch.nn.functional.normalize(feats, dim=1)
    exact = (unit[sample] @ unit.T).topk(min(args.k1, len(feats)), dim=1).indices.cpu().numpy()
    del unit
    nearest_neighbours(feats[:1000], 5, backend=args.backend)
    options = dict(backend=args.backend, approximate_from=args.approximate_from)
    for probes in args.probes:
        meter = Meter(feats.device, args.cpu_seconds)
        near = nearest_neighbours(feats, args.k1, probes=probes, **options)
        meter('search')
        found = near[sample.cpu().numpy()]
        figures[f'{probes} probes: search, s'] = meter.seconds['search']
        figures[f'{probes} probes: peak MiB beyond the features'] = meter.peaks['search'] / 2**20
        for wanted in (args.k1, args.k2):
            shares = [np.isin(two[:wanted], one).mean() for one, two in zip(found, exact, strict=True)]
            figures[f'{probes} probes: share of the {wanted} nearest that is found'] = float(np.mean(shares))
    return figures


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    figures = measure(args)
    for name, value in figures.items():
        print(f'{name:50} {value:12,.3f}' if value < 1000 else f'{name:50} {value:12,.0f}')
    if args.json:
        write_atomically(args.json, json.dumps(figures, indent=2).encode())


if __name__ == '__main__':
    run_command(main)
