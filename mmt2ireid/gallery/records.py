"""What a gallery holds and gives back: crops, hits, counts; what is checked before anything is stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Value = str | int | float | bool
"""A value of a metadata field."""

MAX_ID_BYTES = 1024
MAX_PATH_BYTES = 4096
MAX_METADATA_BYTES = 16_384
"""Of a crop's metadata as JSON."""

MAX_INT = 2**53
"""Whole numbers up to here are the same in JSON, in float64 and in Milvus."""

UNIT_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be: that of a unit vector that went through float16."""

_FIELD = re.compile(r'[^\W\d](?:[\w .:/-]{0,98}\w)?')


@dataclass(frozen=True)
class Crop:
    """One crop of a person.

    Attributes:
        id: its name in the gallery, at most 1,024 bytes.
        path: of the picture, relative to the gallery's image root, or absolute; '' where there is none.
        metadata: field -> text, number or truth value. Names of fields begin with a letter and go on with letters,
            digits and ``_ . : / -`` or blanks; whole numbers are at most 2**53, all numbers finite.
    """

    id: str
    path: str = ''
    metadata: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """A crop that a search found.

    Attributes:
        crop: the crop.
        score: cosine similarity of the query and the crop.
    """

    crop: Crop
    score: float


@dataclass(frozen=True)
class AddCount:
    """What became of the crops that were to be added.

    Attributes:
        added: were not there before.
        replaced: were there and have been replaced.
        known: were there and have been left as they are.
    """

    added: int = 0
    replaced: int = 0
    known: int = 0

    def __add__(self, other: AddCount) -> AddCount:
        return AddCount(self.added + other.added, self.replaced + other.replaced, self.known + other.known)


def check_crops(crops: Iterable[Crop]) -> list[Crop]:
    """Crops as a list.

    Raises:
        ValueError: an id that is empty, too long or given twice, a path or metadata that no gallery can hold.
    """
    checked = list(crops)
    seen: set[str] = set()
    for crop in checked:
        _check_text(crop.id, 'id of a crop', MAX_ID_BYTES)
        if not crop.id:
            raise ValueError("id of a crop must not be empty, but got ''")
        if crop.id in seen:
            raise ValueError(f'ids of crops that are added together must differ, but got {crop.id!r} twice')
        seen.add(crop.id)
        _check_text(crop.path, f'crop {crop.id!r}: path', MAX_PATH_BYTES)
        _check_metadata(crop)
    return checked


def check_ids(ids: Iterable[str]) -> list[str]:
    """Ids as a list.

    Raises:
        ValueError: one text instead of several, whose letters would be taken for ids.
    """
    if isinstance(ids, (str, bytes)):
        raise ValueError(f'ids must be a list of texts, but got one text: {ids[:80]!r}')
    return list(ids)


def _check_text(text: object, name: str, max_bytes: int) -> None:
    if not isinstance(text, str):
        raise ValueError(f'{name} must be text, but got {text!r}')
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f'{name} must be text that UTF-8 can hold, but got {text!r}') from error
    if size > max_bytes or '\0' in text:
        raise ValueError(f'{name} must have at most {max_bytes} bytes and no zero byte, but got {size}: {text[:80]!r}')


def _check_metadata(crop: Crop) -> None:
    if not isinstance(crop.metadata, Mapping):
        raise ValueError(f'crop {crop.id!r}: metadata must be a mapping, but got {crop.metadata!r}')
    for name, value in crop.metadata.items():
        place = f'crop {crop.id!r}: metadata'
        if not isinstance(name, str) or not _FIELD.fullmatch(name):
            raise ValueError(
                f'{place}: names of fields must begin with a letter and have at most 100 letters, digits, blanks '
                f'or any of _.:/-, but got {name!r}'
            )
        _check_text(name, f'{place}: name of a field', MAX_ID_BYTES)
        if isinstance(value, str):
            _check_text(value, f'{place}: {name!r}', MAX_METADATA_BYTES)
        elif isinstance(value, bool):
            continue
        elif not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f'{place}: {name!r} must be text, a finite number, true or false, but got {value!r}')
        elif isinstance(value, int) and abs(value) > MAX_INT:
            raise ValueError(f'{place}: {name!r}: whole numbers must be at most 2**53 (or text), but got {value}')
    if crop.metadata and len(json.dumps(dict(crop.metadata), ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise ValueError(f'crop {crop.id!r}: metadata must have at most {MAX_METADATA_BYTES} bytes as JSON')


def check_vectors(vectors: object, dim: int, num: int | None = None, *, ids: Sequence[str] = ()) -> np.ndarray:
    """Vectors as a float32 array (N, D) in one piece of memory.

    Args:
        vectors: (N, D), real numbers.
        dim: D.
        num: N; None takes any.
        ids: of the crops they belong to, to name a bad one; otherwise it is named by its row.

    Raises:
        ValueError: another shape, numbers that are not finite, rows that have not unit length.
    """
    array = np.asarray(vectors)
    if array.dtype.kind not in 'fiu':
        raise ValueError(f'vectors must be real numbers, but got dtype {array.dtype}')
    if array.ndim != 2 or array.shape[1] != dim:
        raise ValueError(f'vectors must have shape (N, {dim}), but got {array.shape}')
    if num is not None and len(array) != num:
        raise ValueError(f'vectors must be as many as crops, {num}, but got {len(array)}')
    array = np.ascontiguousarray(array, dtype=np.float32)
    # float64: the square of a huge number is a number still.
    squares = np.einsum('nd,nd->n', array, array, dtype=np.float64)
    # Also true of NaN.
    bad = np.flatnonzero(~(np.abs(squares - 1) <= 2 * UNIT_TOLERANCE))
    if len(bad):
        row = int(bad[0])
        name = f'crop {ids[row]!r}' if len(ids) else f'row {row}'
        length = float(np.sqrt(squares[row]))
        what = f'length {length:.4g}' if np.isfinite(length) else 'numbers that are not finite'
        raise ValueError(f'vectors must be finite and of unit length, but got {what} in {name} ({len(bad)} such rows)')
    return array
