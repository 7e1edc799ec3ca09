"""How a crop lies in Milvus, and how conditions are put to it.

What a filter compares is kept a second time in the field ``conditions``, in letters that no parser can stumble over:
names and texts as hexadecimal digits of their UTF-8, which stand in the order of the texts, and numbers as floats. So a
filter holds no character of a user's text, quotes, backslashes and line breaks do no harm, and a number is never
compared with a text. The primary key is a digest of the id for the same reason (milvus-lite 2.5 puts keys into SQL as
they are).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from mmt2ireid.gallery.records import Crop
from mmt2ireid.gallery.where import Condition, Where, as_flag, as_number

KEY, VECTOR, SEQUENCE, CROP, CONDITIONS = 'key', 'vector', 'sequence', 'crop', 'conditions'
KEY_LENGTH = 64
# A field that a crop has, under whatever type: `!=` holds only for crops that have it.
_HAS, _TEXT, _NUMBER, _FLAG = 'h', 't', 'n', 'b'


def key_of(name: str) -> str:
    """Primary key of the crop with an id: 64 hexadecimal digits."""
    return hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()


def key_filters(keys: Iterable[str], size: int) -> Iterator[str]:
    """Filters for the rows with these primary keys, each for so many of them at most."""
    different = list(dict.fromkeys(keys))
    for start in range(0, len(different), size):
        yield f'{KEY} in {json.dumps(different[start : start + size])}'


def as_row(crop: Crop, vector: list[float], sequence: int) -> dict[str, Any]:
    """A crop as Milvus stores it."""
    record = {'id': crop.id, 'path': crop.path, 'metadata': dict(crop.metadata)}
    return {
        KEY: key_of(crop.id),
        VECTOR: vector,
        SEQUENCE: sequence,
        CROP: record,
        CONDITIONS: _comparable(crop),
    }


def as_crop(record: Any) -> Crop:
    """A crop from what Milvus stored; ValueError if that is none."""
    try:
        words = json.loads(record) if isinstance(record, (str, bytes)) else record
        return Crop(words['id'], words['path'], words['metadata'])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'expected a crop in field {CROP!r}, but got {record!r}') from error


def filter_expression(where: Where | None) -> str:
    """Conditions in Milvus' language; '' lets all pass."""
    return ' and '.join(f'({_condition(condition)})' for condition in (where.conditions if where is not None else ()))


def _comparable(crop: Crop) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for name, value in crop.metadata.items():
        digits = _hex(name)
        found[_HAS + digits] = 1.0
        if isinstance(value, str):
            found[_TEXT + digits] = _hex(value)
        elif isinstance(value, bool):
            found[_FLAG + digits] = float(value)
        else:
            found[_NUMBER + digits] = float(value) + 0.0  # -0.0 becomes 0.0
    return found


def _condition(condition: Condition) -> str:
    digits = _hex(condition.field)

    def compare(kind: str, op: str, literal: str) -> str:
        return f'{CONDITIONS}["{kind}{digits}"] {op} {literal}'

    if condition.op in ('=', '!='):
        op = '==' if condition.op == '=' else '!='
        parts = [part for text in condition.values for part in _spellings(text)]
        compared = [compare(kind, op, literal) for kind, literal in parts]
        if condition.op == '=':
            return ' or '.join(compared)
        return ' and '.join([compare(_HAS, '==', '1.0'), *compared])
    (text,) = condition.values
    parts = [(kind, literal) for kind, literal in _spellings(text) if kind != _FLAG]
    return ' or '.join(compare(kind, condition.op, literal) for kind, literal in parts)


def _spellings(text: str) -> list[tuple[str, str]]:
    """What a condition's text may stand for: itself, a number, a truth value."""
    found = [(_TEXT, f'"{_hex(text)}"')]
    number, flag = as_number(text), as_flag(text)
    if number is not None:
        found.append((_NUMBER, repr(float(number) + 0.0)))
    if flag is not None:
        found.append((_FLAG, repr(float(flag))))
    return found


def _hex(text: str) -> str:
    # A text that UTF-8 cannot hold is in no crop; it must not stop the search.
    return text.encode('utf-8', 'surrogatepass').hex()
