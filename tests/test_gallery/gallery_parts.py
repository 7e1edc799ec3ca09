"""What the tests of galleries share: vectors, a plain gallery to compare with, and processes that import little."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mmt2ireid.gallery import AddCount, Crop, Where

ROOT = Path(__file__).parents[2]
# The package's own __init__ imports MMEngine; the gallery itself needs numpy and safetensors only.
LIGHT_IMPORT = f"""
import sys, types
package = types.ModuleType('mmt2ireid')
package.__path__ = [{str(ROOT / 'mmt2ireid')!r}]
sys.modules['mmt2ireid'] = package
"""


def milvus_lite_version() -> str:
    try:
        return importlib.metadata.version('milvus-lite')
    except importlib.metadata.PackageNotFoundError:
        return 'none'


needs_milvus_lite = pytest.mark.skipif(
    not milvus_lite_version().startswith('2.5.'), reason=f'milvus-lite 2.5 is not installed ({milvus_lite_version()})'
)


def unit_rows(num: int, dim: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((num, dim), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def crops(num: int, start: int = 0) -> list[Crop]:
    return [Crop(f'c{n}', f'{n}.jpg', {'camera': f'c{n % 3}', 'floor': n % 4}) for n in range(start, start + num)]


def exact_scores(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Inner products in float64, each row's sum in the same order as every other's."""
    wide = rows.astype(np.float64)
    return np.stack(
        [np.einsum('nd,nd->n', np.repeat(query[None].astype(np.float64), len(rows), axis=0), wide) for query in queries]
    )


class PlainGallery:
    """A dictionary with the behaviour of a gallery."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[Crop, np.ndarray]] = {}

    def add(self, new: list[Crop], vectors: np.ndarray, *, replace: bool = False) -> AddCount:
        known = sum(crop.id in self.items for crop in new)
        for crop, vector in zip(new, vectors, strict=True):
            if replace:
                self.items.pop(crop.id, None)
            self.items.setdefault(crop.id, (crop, vector))
        return AddCount(len(new) - known, known if replace else 0, 0 if replace else known)

    def delete(self, ids: list[str]) -> int:
        return sum(self.items.pop(name, None) is not None for name in ids)

    def search(self, vectors: np.ndarray, top_k: int, where: Where | None = None) -> list[list[tuple[Crop, float]]]:
        found = [item for item in self.items.values() if where is None or where.holds(item[0].metadata)]
        if not found:
            return [[] for _ in vectors]
        scores = exact_scores(vectors, np.stack([vector for _, vector in found]))
        order = np.argsort(-scores, axis=1, kind='stable')[:, :top_k]
        return [
            [(found[n][0], line[n]) for n in best] for line, best in zip(scores.tolist(), order.tolist(), strict=True)
        ]


def adding_process(place: str, fault: str = '') -> subprocess.Popen:
    """A process that adds crops c0 to c9999, 200 at a time, and prints how many it has added after each time."""
    code = f"""{LIGHT_IMPORT}
import os, signal
import numpy as np
from mmt2ireid.gallery import Crop, open_gallery
vectors = np.random.default_rng(5).standard_normal((10_000, 16), dtype=np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
{fault}
with open_gallery({place!r}, model='m', dim=16) as gallery:
    print('open', flush=True)
    for start in range(0, 10_000, 200):
        rows = range(start, start + 200)
        gallery.add([Crop(f'c{{n}}', metadata={{'n': n}}) for n in rows], vectors[start:start + 200])
        print(start + 200, flush=True)
print('done', flush=True)
"""
    return subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT
    )


def added_vectors() -> np.ndarray:
    return unit_rows(10_000, 16, seed=5)


def lines(process: subprocess.Popen) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.strip()
