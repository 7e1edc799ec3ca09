"""What lies in the folder of an exported model, and whether it is all there. Free of torch.

``image.onnx`` and ``text.onnx`` are the encoders; ``meta.json`` says how pictures and texts are prepared for them; the
rest belongs to the tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

FORMAT = 1
"""Of ``meta.json``; a reader refuses later ones."""

META, IMAGE, TEXT = 'meta.json', 'image.onnx', 'text.onnx'
_CHUNK = 1 << 22
_EXPECTED: dict[str, type | tuple[type, ...]] = {
    'fingerprint': str,
    'dim': int,
    'image.height': int,
    'image.width': int,
    'image.interpolation': str,
    'text.pad_id': int,
    'text.pad_to': (int, type(None)),
    'tokenizer.kind': str,
    'tokenizer.file': str,
    'tokenizer.max_length': int,
    'files': dict,
}


def is_export(folder: str | os.PathLike) -> bool:
    """Whether a folder looks like an exported model, whole or broken."""
    return Path(folder, META).is_file()


def file_entry(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file, as ``meta.json`` keeps them."""
    digest, size = hashlib.sha256(), 0
    with open(path, 'rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return dict(bytes=size, sha256=digest.hexdigest())


def read_meta(folder: str | os.PathLike) -> dict[str, Any]:
    """Reads ``meta.json`` and compares every file that it names.

    Args:
        folder: of an exported model.

    Returns:
        What it says, its entries checked for presence and kind.

    Raises:
        FileNotFoundError: the folder or one of its files is missing.
        ValueError: ``meta.json`` is broken or of a later format, or a file is not what the export wrote.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FileNotFoundError(f'an exported model must be a folder, but there is none at {place}')
    if not is_export(place):
        raise FileNotFoundError(f'{place} must be the folder of an exported model, but has no {META}')
    meta = _parse(place / META)
    for key, kind in _EXPECTED.items():
        value: Any = meta
        for part in key.split('.'):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f'{place / META} is broken: {key} is {value!r}; export the model again')
    missing = {IMAGE, TEXT, meta['tokenizer']['file']} - meta['files'].keys()
    if missing:
        raise ValueError(f'{place / META} is broken: files lacks {", ".join(sorted(missing))}; export the model again')
    for name, expected in meta['files'].items():
        _compare(place, name, expected)
    return meta


def _parse(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} must be JSON, but cannot be parsed: {error}; export the model again') from error
    version = meta.get('format') if isinstance(meta, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f'{path} must say the format of an exported model, but says {version!r}')
    if version > FORMAT:
        raise ValueError(
            f'{path} is of format {version}, written by mmt2ireid {_versions(meta).get("mmt2ireid", "?")}; this one '
            f'reads up to format {FORMAT}: update mmt2ireid'
        )
    return meta


def _versions(meta: dict[str, Any]) -> dict[str, Any]:
    versions = meta.get('versions')
    return versions if isinstance(versions, dict) else {}


def _compare(place: Path, name: str, expected: Any) -> None:
    if Path(name).name != name or not isinstance(expected, dict):
        raise ValueError(f'{place / META} is broken: files has an entry {name!r}; export the model again')
    path = place / name
    if not path.is_file():
        raise FileNotFoundError(f'{path} of the exported model is missing; export the model again')
    size = path.stat().st_size
    if size != expected.get('bytes'):
        raise ValueError(
            f'{path} must have {expected.get("bytes")} bytes, but has {size}: it was cut short or replaced; export or '
            'copy the model again'
        )
    if file_entry(path) != expected:
        raise ValueError(f'{path} is not the file that was exported: its content has changed; export or copy it again')
