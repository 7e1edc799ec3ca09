"""From the metadata of a gallery to the fields of a form, and from the form back to a filter."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmt2ireid.gallery import Condition, Value, Where

MAX_FIELDS = 8
_FEW = 6
_ISO_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d')
_SHOWN_TIME = re.compile(r'^(\d{4}-\d\d-\d\d) +(?=\d)')


@dataclass(frozen=True)
class Filter:
    """A field of the form.

    Attributes:
        name: of the metadata field.
        kind: ``'few'`` or ``'many'`` values to choose from, or ``'number'`` or ``'text'`` from a lowest to a highest.
        values: to choose from; of a range its ends.
    """

    name: str
    kind: str
    values: tuple[Value, ...]

    @property
    def width(self) -> int:
        """Entries of the form that it takes: one to choose from, two for a range."""
        return 1 if self.kind in ('few', 'many') else 2

    @property
    def choices(self) -> list[str]:
        """Values as the form shows them."""
        return [spelled(value) for value in self.values]


def filters_of(fields: Mapping[str, Any]) -> list[Filter]:
    """The fields of the form, for the first :data:`MAX_FIELDS` metadata fields.

    Args:
        fields: of :meth:`mmt2ireid.gallery.Gallery.fields`.
    """
    found = []
    for name, values in list(fields.items())[:MAX_FIELDS]:
        if isinstance(values, tuple):
            is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
            found.append(Filter(name, 'number' if is_number else 'text', values))
        elif values:
            found.append(Filter(name, 'few' if len(values) <= _FEW else 'many', tuple(values)))
    return found


def where_of(filters: Sequence[Filter], entries: Sequence[Any]) -> Where | None:
    """The filter that a filled form stands for.

    Args:
        filters: of :func:`filters_of`.
        entries: what stands in the form, :attr:`Filter.width` of each.

    Returns:
        None where nothing is restricted.

    Raises:
        ValueError: an entry is no number where one is needed.
    """
    conditions: list[Condition] = []
    rest = list(entries)
    for entry in filters:
        own, rest = rest[: entry.width], rest[entry.width :]
        if entry.width == 1:
            chosen = tuple(str(value) for value in own[0] or ())
            if chosen:
                conditions.append(Condition(entry.name, '=', chosen))
            continue
        for op, value in zip(('>=', '<='), own, strict=True):
            bound = _bound(entry, value)
            if bound:
                conditions.append(Condition(entry.name, op, (bound,)))
    return Where(tuple(conditions)) if conditions else None


def spelled(value: Value) -> str:
    """A value as text, as filters spell it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bound(entry: Filter, value: Any) -> str:
    if value is None or not str(value).strip():
        return ''
    if entry.kind == 'number':
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f'{entry.name} must be a number, but got {str(value)[:40]!r}.') from error
        if not math.isfinite(number):
            raise ValueError(f'{entry.name} must be a finite number, but got {value}.')
        return str(int(number)) if number.is_integer() else repr(number)
    text = str(value).strip()[:200]
    if any(_ISO_TIME.match(str(end)) for end in entry.values):
        return _SHOWN_TIME.sub(r'\1T', text)  # as the page shows it; texts are compared letter by letter
    return text
