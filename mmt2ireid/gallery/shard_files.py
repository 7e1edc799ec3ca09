"""The files of a gallery's folder: crops with their vectors, and ids of deleted crops, each with a checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.gallery.base import GalleryError
from mmt2ireid.gallery.records import Crop, check_crops, check_vectors

FORMAT = 'mmt2ireid.gallery'
VERSION = 1


@dataclass(frozen=True)
class Shard:
    """One file: crops with their vectors, or ids of crops that are deleted.

    Attributes:
        name: of the file.
        crops: crops that it adds or replaces.
        vectors: float32 (N, D), theirs.
        deleted: ids that it deletes; empty where it adds crops.
    """

    name: str
    crops: list[Crop]
    vectors: np.ndarray
    deleted: list[str]


def pack_crops(crops: Sequence[Crop], vectors: np.ndarray, model: str) -> bytes:
    """The content of a file of crops (safetensors: vectors, and the crops as JSON in bytes)."""
    from safetensors.numpy import save

    records = _json([{'id': crop.id, 'path': crop.path, 'metadata': dict(crop.metadata)} for crop in crops])
    vectors = np.ascontiguousarray(vectors)
    words = {'format': FORMAT, 'version': str(VERSION), 'model': model, 'crc32': _crc_of_crops(records, vectors)}
    return save({'vectors': vectors, 'crops': np.frombuffer(records, dtype=np.uint8)}, metadata=words)


def pack_deleted(ids: Sequence[str]) -> bytes:
    """The content of a file of deleted ids (JSON)."""
    return _json({'format': FORMAT, 'version': VERSION, 'deleted': list(ids), 'crc32': zlib.crc32(_json(list(ids)))})


def read_crops(path: Path, model: str, dim: int) -> Shard:
    """Reads a file of crops.

    Raises:
        FileNotFoundError: there is no such file.
        GalleryError: it is broken, or of another model.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='numpy') as file:
            words = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except SafetensorError as error:
        raise GalleryError(f'{path}: expected crops of a gallery, but got a broken file: {error}') from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise GalleryError(f'{path}: expected crops of a gallery, but it cannot be read: {error}') from error
    header = (words.get('format'), words.get('version'), sorted(tensors))
    if header != (FORMAT, str(VERSION), ['crops', 'vectors']):
        raise GalleryError(f'{path}: expected crops of a gallery ({FORMAT}, version {VERSION}), but got {header}')
    if words.get('model') != model:
        raise GalleryError(f'{path}: expected vectors of model {model}, but got {words.get("model")!r}')
    vectors, records = tensors['vectors'], tensors['crops'].tobytes()
    if words.get('crc32') != _crc_of_crops(records, vectors):
        raise GalleryError(f'{path}: expected checksums {words.get("crc32")}: the content has changed')
    try:
        crops = check_crops(Crop(**record) for record in json.loads(records))
        return Shard(path.name, crops, check_vectors(vectors, dim, len(crops)), [])
    except (ValueError, TypeError) as error:
        raise GalleryError(f'{path}: expected crops of a gallery, but: {error}') from error


def read_deleted(path: Path) -> Shard:
    """Reads a file of deleted ids.

    Raises:
        FileNotFoundError: there is no such file.
        GalleryError: it is broken.
    """
    try:
        words: Any = json.loads(path.read_bytes())
        ids = words['deleted']
        good = words['format'] == FORMAT and words['version'] == VERSION and words['crc32'] == zlib.crc32(_json(ids))
        if not good or not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
            raise ValueError('the content has changed')
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryError(f'{path}: expected ids of deleted crops, but got {error!r}') from error
    return Shard(path.name, [], np.empty((0, 0), dtype=np.float32), ids)


def _json(words: object) -> bytes:
    return json.dumps(words, ensure_ascii=False, separators=(',', ':'), allow_nan=False).encode()


def _crc_of_crops(records: bytes, vectors: np.ndarray) -> str:
    return f'{zlib.crc32(records)},{zlib.crc32(vectors.data)}'
