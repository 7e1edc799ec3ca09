"""A tiny world for the generator: coloured pictures, a scorer that sees colours, a composer of one sentence."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from mmt2ireid.pseudo_text.conquer.scorer import FeatureScorer
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue
from mmt2ireid.pseudo_text.generation.generator import PseudoTextGenerator
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions

CATALOGUE = Catalogue(
    {
        'gender': Attribute('gender', True, ['man', 'woman']),
        'upper clothes': Attribute('upper clothes', True, ['a red shirt', 'a green coat', 'a blue t-shirt']),
        'bag': Attribute('bag', False, ['a backpack', 'a handbag'], 'a person without a bag'),
    },
    digest='digest of the tiny catalogue',
)


def to_small_tensor(image: Any) -> torch.Tensor:
    """A transform that can be pickled."""
    return torch.from_numpy(np.asarray(image.resize((3, 4)), dtype=np.float32).ravel() / 255 - 0.5)


class ColourScorer(FeatureScorer):
    """Compares colours with vectors drawn from the phrases' hashes: deterministic, for any catalogue."""

    def __init__(self, catalogue: Catalogue, scale: float = 30.0, name: str = 'colours') -> None:
        self.transform, self.scale, self.name = to_small_tensor, scale, name
        self.vectors = {
            key: torch.stack([_vector(choice) for choice in attribute.choices]) for key, attribute in catalogue.items()
        }

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(images, dim=1)

    def score_features(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {key: (self.scale * features @ vectors.T).softmax(1) for key, vectors in self.vectors.items()}

    def encoder_provenance(self) -> dict[str, Any]:
        return {'name': self.name}

    def provenance(self) -> dict[str, Any]:
        return {'name': self.name, 'scale': self.scale}


def _vector(phrase: str) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(phrase.encode()).digest()[:7], 'little')
    vector = torch.randn(36, generator=torch.Generator().manual_seed(seed))
    return vector / vector.norm()


class TinyComposer:
    """Tells all it is given; the index makes captions differ."""

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.digest = seed, 'digest of the tiny composer'

    def compose_all(self, image_id: str, attributes: dict[str, str | None], count: int) -> list[str]:
        told = ', '.join(phrase for phrase in attributes.values() if phrase is not None)
        return [f'{image_id} {self.seed} {index}: {told}' for index in range(count)]


def picture(number: int, suffix: str = '.png', size: tuple[int, int] = (6, 12)) -> bytes:
    """An encoded picture, another for each number."""
    rng = np.random.default_rng(number)
    colour = rng.integers(0, 256, size=(2, 1, 3), dtype=np.uint8)
    image = Image.fromarray(np.repeat(np.repeat(colour, size[1] // 2, axis=0), size[0], axis=1))
    buffer = io.BytesIO()
    image.save(buffer, {'.png': 'PNG', '.jpg': 'JPEG'}[suffix])
    return buffer.getvalue()


def pictures(count: int) -> dict[str, bytes]:
    """Names in sorted order, in two folders."""
    numbers = [*range(0, count, 2), *range(1, count, 2)]
    return {f'{"ab"[number % 2]}/{number:05}.png': picture(number) for number in numbers}


def write_folder(folder: Path, images: dict[str, bytes]) -> Path:
    for name, content in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_table(path: Path, images: dict[str, bytes | None], id_column: str = 'image_id', rows: int = 4) -> Path:
    """An Arrow or Parquet file with pieces of some rows."""
    table = pa.table({id_column: list(images), 'image': pa.array(list(images.values()), pa.binary())})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.parquet':
        pq.write_table(table, path, row_group_size=rows)
        return path
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


def generator(source: Any, out: Path, *, scorer: Any = None, composer: Any = None, features: Any = None,
              ranks: Any = None, **options: Any) -> PseudoTextGenerator:  # fmt: skip
    """A generator of the tiny world, with small shards."""
    given = {'shard_size': 10, 'batch_size': 4, 'num_workers': 0, 'progress': False, **options}
    return PseudoTextGenerator(
        source, scorer or ColourScorer(CATALOGUE), CATALOGUE, composer or TinyComposer(), out=out, features=features,
        options=GeneratorOptions(**given), ranks=ranks,
    )  # fmt: skip


OTHERS = ('provenance.json', '.lock', '.image_stamps')


def results(out: Path) -> dict[str, bytes]:
    """All files of a folder by their names, but for what tells of versions, processes and times of change."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in OTHERS}


def captions_of(out: Path) -> dict[str, list[str]]:
    records = json.loads((out / 'captions.json').read_text(encoding='utf-8'))
    return {record['file_path']: record['captions'] for record in records}
