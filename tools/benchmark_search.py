"""Measures searches in galleries, beside their bounds: exact search in memory, and a query on an open Milvus gallery.

python tools/benchmark_search.py                                                  # small, some seconds
python tools/benchmark_search.py --rows 1000000 --milvus-rows 100000 --json figures.json      # the figures in docs/
python tools/benchmark_search.py --rows 0 --milvus-rows 100000 --index IVF_FLAT --probes 16   # approximate, with recall

Exact search: all queries at once over a MemoryGallery, at most 1.3 times the time of the bare matrix product, in chunks
of whatever size is fastest here, by the same library with as many threads; within 3 GiB in all. The two take turns, and
medians are compared. Beside it the time it takes to read the features once.

Milvus: one query at a time on a gallery that has been closed and opened again, under 100 ms, without conditions and
with them; and how many of the truly best crops it finds. The crops are drawn around one centre per identity; a query
is a crop with noise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.gallery import Crop, Gallery, MemoryGallery, MilvusGallery, Where

MAX_RATIO, MAX_BYTES, MAX_MILLISECONDS = 1.3, 3 * 2**30, 100.0
CHUNKS = (4096, 8192, 16_384, 65_536)
BATCH = 8192
CONDITIONS = {
    'no condition': None,
    'camera=c1,c2': Where.parse('camera=c1,c2'),
    'camera!=c3, time>=2026-01-15': Where.parse(['camera!=c3', 'time>=2026-01-15']),
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--rows', type=int, default=50_000, help='crops in memory (%(default)s); 0 leaves that part out'
    )
    parser.add_argument(
        '--milvus-rows', type=int, default=2000, help='crops in Milvus (%(default)s); 0 leaves that part out'
    )
    parser.add_argument('--dim', type=int, default=512, help='width of the vectors (%(default)s)')
    parser.add_argument('--queries', type=int, default=64, help='queries at once (%(default)s)')
    parser.add_argument('--top-k', type=int, default=10)
    parser.add_argument('--runs', type=int, default=5, help='measured runs, after one that warms up')
    parser.add_argument(
        '--milvus',
        help='NAME.db, which stays, or the address of a server, on which a '
        'collection mmt2ireid_benchmark_DIM stays; default: a file that is deleted again',
    )
    parser.add_argument('--index', default='FLAT', help='of the Milvus gallery')
    parser.add_argument('--lists', type=int, default=256, help='nlist of IVF_FLAT')
    parser.add_argument('--probes', type=int, default=32, help='nprobe of IVF_FLAT')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path, help='write the figures here as well')
    args = parser.parse_args(argv)
    if min(args.rows, args.milvus_rows) < 0 or min(args.dim, args.queries, args.top_k, args.runs) < 1:
        parser.error('--rows and --milvus-rows must be at least 0; --dim, --queries, --top-k and --runs at least 1')
    return args


def unit(rows: np.ndarray) -> np.ndarray:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def batches(num: int, dim: int, seed: int) -> Iterator[tuple[list[Crop], np.ndarray]]:
    """Crops of 10 cameras with times, some ten of a person."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((max(1, num // 10), dim), dtype=np.float32))
    for start in range(0, num, BATCH):
        count = min(BATCH, num - start)
        vectors = centres[rng.integers(0, len(centres), count)]
        vectors += rng.standard_normal((count, dim), dtype=np.float32) * np.float32(dim**-0.5)
        crops = [
            Crop(f'crop-{n}', metadata={'camera': f'c{n % 10}', 'time': f'2026-01-{1 + n % 28:02d}'})
            for n in range(start, start + count)
        ]
        yield crops, unit(vectors)


def queries_like(gallery: Gallery, num: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ids = [f'crop-{n}' for n in rng.integers(0, len(gallery), num)]
    vectors = gallery.vectors(ids)
    vectors += rng.standard_normal(vectors.shape, dtype=np.float32) * np.float32(0.5 * vectors.shape[1] ** -0.5)
    return unit(vectors)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_bytes() -> int:
    """Largest resident set of this process so far, everything that is imported included."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bare_product(queries: np.ndarray, blocks: list[np.ndarray], chunk: int) -> None:
    """Every score, and nothing done with it."""
    out = np.empty((len(queries), chunk), dtype=np.float32)
    for block in blocks:
        for start in range(0, len(block), chunk):
            rows = block[start : start + chunk]
            np.matmul(queries, rows.T, out=out if len(rows) == chunk else None)


def measure_exact(args: argparse.Namespace) -> dict[str, float]:
    gallery = MemoryGallery(model='benchmark', dim=args.dim)
    for crops, vectors in batches(args.rows, args.dim, args.seed):
        gallery.add(crops, vectors)
    queries = queries_like(gallery, args.queries, args.seed + 1)
    blocks = gallery._blocks.views()
    # The longest run warms up caches, threads and clocks; then the chunk size that is fastest here.
    bare_product(queries, blocks, CHUNKS[0])
    chunk = min(CHUNKS, key=lambda size: min(seconds(lambda: bare_product(queries, blocks, size)) for _ in range(2)))
    gallery.search(queries, args.top_k)
    bare, search = [], []
    for _ in range(args.runs):
        bare.append(seconds(lambda: bare_product(queries, blocks, chunk)))
        search.append(seconds(lambda: gallery.search(queries, args.top_k)))
    reading = min(seconds(lambda: [block @ queries[0] for block in blocks]) for _ in range(args.runs))
    return {
        'rows': len(gallery),
        'product_chunk': chunk,
        'product_seconds': float(np.median(bare)),
        'search_seconds': float(np.median(search)),
        'ratio': float(np.median(search) / np.median(bare)),
        'ratio_of_fastest': min(search) / min(bare),
        'reading_seconds': reading,
        'peak_bytes': peak_bytes(),
    }


def own_collection(place: str, dim: int) -> str:
    """A server's default collection is for people's crops, and would refuse them once it holds made-up ones."""
    return place if '://' not in place or '#' in place else f'{place}#mmt2ireid_benchmark_{dim}'


def measure_milvus(args: argparse.Namespace, place: str) -> dict[str, object]:
    options: dict[str, object] = {'index': args.index}
    if args.index == 'IVF_FLAT':
        options |= {'index_params': {'nlist': args.lists}, 'search_params': {'nprobe': args.probes}}
    exact = MemoryGallery(model='benchmark', dim=args.dim)
    start = time.perf_counter()
    with MilvusGallery(place, model='benchmark', dim=args.dim, **options) as gallery:
        for crops, vectors in batches(args.milvus_rows, args.dim, args.seed):
            gallery.add(crops, vectors)
            exact.add(crops, vectors)
    filling = time.perf_counter() - start
    start = time.perf_counter()
    with MilvusGallery(place, model='benchmark', dim=args.dim, **options) as gallery:
        figures: dict[str, object] = {
            'rows': len(gallery),
            'index': args.index,
            'filling_seconds': filling,
            'opening_seconds': time.perf_counter() - start,
        }
        queries = queries_like(exact, max(args.queries, 20), args.seed + 1)
        for name, where in CONDITIONS.items():
            figures[name] = per_query(gallery, exact, queries, args.top_k, where)
    return figures


def per_query(
    gallery: Gallery, exact: Gallery, queries: np.ndarray, top_k: int, where: Where | None
) -> dict[str, float]:
    """Milliseconds of single queries, and the share of the truly best crops that are found."""
    for query in queries[:3]:
        gallery.search(query[None], top_k, where)
    times, answers = [], []
    for query in queries:
        start = time.perf_counter()
        answers += gallery.search(query[None], top_k, where)
        times.append(1000 * (time.perf_counter() - start))
    # Not between the queries: BLAS' threads go on waiting for work for a while, and would take the cores from Milvus.
    truth = exact.search(queries, top_k, where)
    found = sum(
        len({hit.crop.id for hit in best} & {hit.crop.id for hit in hits})
        for best, hits in zip(truth, answers, strict=True)
    )
    wanted = sum(map(len, truth))
    return {
        'median_ms': float(np.median(times)),
        'p95_ms': float(np.percentile(times, 95)),
        'recall': found / max(1, wanted),
    }


def verdict(value: float, bound: float) -> str:
    return 'within' if value <= bound else 'OVER'


def tell(args: argparse.Namespace, figures: dict) -> None:
    with contextlib.suppress(OSError):
        figures['load'] = os.getloadavg()[0]
    print(f'{os.cpu_count()} cores, load average {figures.get("load", float("nan")):.1f}')
    if exact := figures.get('exact'):
        gib = exact['peak_bytes'] / 2**30
        print(f'exact: {args.queries} queries, {exact["rows"]:,} crops x {args.dim}, best {args.top_k}')
        print(f'  bare product  {exact["product_seconds"]:8.3f} s   in chunks of {exact["product_chunk"]} rows')
        print(f'  search        {exact["search_seconds"]:8.3f} s')
        print(
            f'  ratio         {exact["ratio"]:8.2f}     bound {MAX_RATIO}: {verdict(exact["ratio"], MAX_RATIO)} '
            f'(of the fastest runs {exact["ratio_of_fastest"]:.2f})'
        )
        print(f'  reading once  {exact["reading_seconds"]:8.3f} s   no search of these features takes less')
        print(f'  peak memory   {gib:8.2f} GiB bound 3: {verdict(exact["peak_bytes"], MAX_BYTES)}')
    if left_out := figures.get('milvus_left_out'):
        print(f'milvus: not measured: {left_out}')
    if found := figures.get('milvus'):
        print(f'milvus: {found["rows"]:,} crops x {args.dim}, {found["index"]}, best {args.top_k}, one query at a time')
        print(f'  filled in {found["filling_seconds"]:.1f} s, opened in {found["opening_seconds"]:.1f} s')
        for name in CONDITIONS:
            line = found[name]
            print(
                f'  {name:30} median {line["median_ms"]:6.1f} ms   95 % {line["p95_ms"]:6.1f} ms   bound '
                f'{MAX_MILLISECONDS:.0f}: {verdict(line["median_ms"], MAX_MILLISECONDS)}   recall {line["recall"]:.3f}'
            )


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    figures: dict = {'options': {name: str(value) for name, value in vars(args).items()}}
    if args.rows:
        figures['exact'] = measure_exact(args)
    if args.milvus_rows:
        with tempfile.TemporaryDirectory() as folder:
            try:
                figures['milvus'] = measure_milvus(
                    args, own_collection(args.milvus, args.dim) if args.milvus else str(Path(folder) / 'benchmark.db')
                )
            except (ImportError, ValueError) as error:  # also a place that is taken, or does not answer
                figures['milvus_left_out'] = str(error)
    tell(args, figures)
    if args.json:
        write_atomically(args.json, json.dumps(figures, indent=2).encode())


if __name__ == '__main__':
    run_command(main)
