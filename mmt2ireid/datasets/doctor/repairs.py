"""What can be mended in a record without changing what it says."""

from __future__ import annotations

import re
from typing import Any

from mmt2ireid.datasets.annotations import RecordFormat

_PATH_KEYS = ('file_path', 'img_path', 'image')
_NUMBER = re.compile(r'\d+(\.0+)?', re.ASCII)


def repair_record(raw: Any, form: RecordFormat) -> tuple[Any, list[str]]:
    """Writes a record as the release writes it, where its meaning is beyond doubt.

    Args:
        raw: what the JSON file holds; left as it is.
        form: how it should be written.

    Returns:
        The record, or a corrected copy of it, and the names of what was mended.
    """
    if not isinstance(raw, dict):
        return raw, []
    record, codes = dict(raw), []
    if _rename_path_key(record, form.path_key):
        codes.append('path-key')
    path = record.get(form.path_key)
    if isinstance(path, str) and '\\' in path:
        record[form.path_key] = path.replace('\\', '/')
        codes.append('path-separator')
    caption = record.get(form.captions_key)
    if isinstance(caption, str) and caption.strip() and not form.bare_captions:
        record[form.captions_key] = [caption]
        codes.append('bare-caption')
    number = _whole_number(record.get('id'))
    if form.labelled and number is not None:
        record['id'] = number
        codes.append('id-type')
    return (record, codes) if codes else (raw, [])


def _rename_path_key(record: dict[str, Any], key: str) -> bool:
    """Gives the path its right key, in place; False where it has it, or where it is unclear which is the path."""
    others = [other for other in _PATH_KEYS if other != key and isinstance(record.get(other), str)]
    if key in record or len(others) != 1:
        return False
    items = [(key if name == others[0] else name, value) for name, value in record.items()]
    record.clear()
    record.update(items)
    return True


def _whole_number(value: Any) -> int | None:
    """A number that was written as text or with a point; None where it is not one of these."""
    if isinstance(value, float) and value.is_integer() and value < 2**53:
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value.strip().partition('.')[0])
    return None
