"""Conditions on the metadata of crops: one meaning, whatever the gallery lies in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmt2ireid.gallery.records import MAX_INT, Value

EQUAL_OPS = ('=', '!=')
ORDER_OPS = ('<', '<=', '>', '>=')
_CONDITION = re.compile(r'\s*([^=!<>]*?)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*', re.DOTALL)
_NUMBER = re.compile(r'[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?', re.ASCII)


@dataclass(frozen=True)
class Condition:
    """One condition on one field.

    A value of the condition is text. It equals a text in the metadata that is the same, a number that it spells
    (``3`` and ``3.0`` spell one number), and a truth value that it names (``true``, ``false``). With ``<``, ``<=``,
    ``>`` and ``>=`` numbers are compared with the number that it spells, texts with the text (by code points, so that
    ISO times stand in order), truth values never. No condition holds for a crop that lacks the field, ``!=`` included.

    Attributes:
        field: name of the metadata field.
        op: ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        values: any of them for ``=``, none of them for ``!=``; exactly one for the others. Numbers and truth values
            are taken as the text that spells them.
    """

    field: str
    op: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        alone = isinstance(self.values, (str, int, float, bool)) or not isinstance(self.values, Iterable)
        values = (self.values,) if alone else tuple(self.values)
        object.__setattr__(self, 'values', tuple(_as_text(value) for value in values))
        if not isinstance(self.field, str) or not self.field.strip():
            raise ValueError(f'a condition must name a field, as in camera=c1, but got {self}')
        if self.op not in EQUAL_OPS + ORDER_OPS:
            raise ValueError(f'op must be one of {", ".join(EQUAL_OPS + ORDER_OPS)}, but got {self.op!r}')
        if not self.values or (self.op in ORDER_OPS and len(self.values) > 1):
            number = 'one value' if self.op in ORDER_OPS else 'one value or more'
            raise ValueError(f'{self.field}{self.op} must have {number}, but got {len(self.values)}')

    def __str__(self) -> str:
        return f'{self.field}{self.op}{",".join(self.values)}'

    def holds(self, value: Value) -> bool:
        """Whether the condition holds for a value of the field."""
        if self.op in EQUAL_OPS:
            return any(_equal(value, text) for text in self.values) == (self.op == '=')
        if isinstance(value, bool):
            return False
        (text,) = self.values
        if isinstance(value, str):
            return _ordered(value, self.op, text)
        number = as_number(text)
        return number is not None and _ordered(value, self.op, number)

    def why_never(self, values: Iterable[Value]) -> str:
        """Why the condition holds for no value of its kind: ``floor>=two`` where floors are numbers.

        Args:
            values: of the field, all of them or the lowest and the highest.

        Returns:
            A sentence; '' if it may hold.
        """
        kinds = {_kind(value) for value in values}
        if not kinds or 'texts' in kinds or self.op == '!=':
            return ''
        if self.op in ORDER_OPS and kinds == {'true and false'}:
            return f'{self}: {self.field} is true or false, which have no order'
        spelled = {kind for text in self.values for kind in _kinds_of(text)}
        if self.op in ORDER_OPS:
            spelled &= {'numbers'}
        if kinds & spelled:
            return ''
        return (
            f'{self}: {self.field} has {" and ".join(sorted(kinds))}, but {" and ".join(self.values)} is none of these'
        )


@dataclass(frozen=True)
class Where:
    """Conditions that must all hold for a crop to be found.

    Attributes:
        conditions: the conditions; none lets all pass.

    Examples:
        >>> where = Where.parse(['camera=c1,c2', 'time>=2026-01-01T10:00', 'floor!=3'])
        >>> where.holds({'camera': 'c2', 'time': '2026-01-01T10:30', 'floor': 2})
        True
        >>> where.holds({'camera': 'c2', 'time': '2026-01-01T09:30', 'floor': 2})
        False
    """

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, texts: str | Iterable[str]) -> Where:
        """Reads conditions as people write them.

        Args:
            texts: like ``camera=c1,c2``, ``time>=2026-01-01T10:00``, ``floor!=3``; blanks around names and values do
                not count. A value with a comma of its own needs :class:`Condition`.

        Raises:
            ValueError: not of the form FIELD OPERATOR VALUE, or no text.
        """
        if not isinstance(texts, Iterable):
            raise ValueError(f'conditions must be texts such as camera=c1,c2, but got {texts!r}')
        return cls(tuple(_parse(text) for text in ([texts] if isinstance(texts, str) else texts)))

    def holds(self, metadata: Mapping[str, Value]) -> bool:
        """Whether all conditions hold for a crop with this metadata."""
        return all(
            condition.field in metadata and condition.holds(metadata[condition.field]) for condition in self.conditions
        )

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __str__(self) -> str:
        return ' and '.join(map(str, self.conditions))


def as_number(text: str) -> int | float | None:
    """The number that a text spells; None if it spells none, or one beyond float64 (or, a whole one, beyond 2**53)."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if number in (float('inf'), float('-inf')):
        return None
    return int(number) if number.is_integer() and abs(number) <= MAX_INT else number


def as_flag(text: str) -> bool | None:
    """The truth value that a text names, in any case; None if it names none."""
    return {'true': True, 'false': False}.get(text.lower())


def _parse(text: str) -> Condition:
    if not isinstance(text, str):
        raise ValueError(f'a condition must be a text such as camera=c1,c2, but got {text!r}')
    match = _CONDITION.fullmatch(text)
    if match is None or not match[1]:
        raise ValueError(f'a condition must look like camera=c1,c2 or time>=2026-01-01T10:00, but got {text!r}')
    field, op, rest = match[1], '=' if match[2] == '==' else match[2], match[3]
    values = tuple(value.strip() for value in rest.split(',')) if op in EQUAL_OPS else (rest,)
    if not all(values) or rest[:1] in tuple('=<>!'):
        raise ValueError(f'a condition must have a value behind {match[2]}, as in camera=c1,c2, but got {text!r}')
    return Condition(field, op, values)


def _kind(value: Value) -> str:
    return 'texts' if isinstance(value, str) else 'true and false' if isinstance(value, bool) else 'numbers'


def _kinds_of(text: str) -> set[str]:
    """What a value of a condition may stand for beside a text."""
    known = {'numbers': as_number(text), 'true and false': as_flag(text)}
    return {kind for kind, value in known.items() if value is not None}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError(f'a value of a condition must be text, a number, true or false, but got {value!r}')
    return value


def _equal(value: Value, text: str) -> bool:
    if isinstance(value, str):
        return value == text
    if isinstance(value, bool):
        return value is as_flag(text)
    return value == as_number(text)


def _ordered(left: str | int | float, op: str, right: str | int | float) -> bool:
    if op == '<':
        return left < right  # type: ignore[operator]
    if op == '<=':
        return left <= right  # type: ignore[operator]
    if op == '>':
        return left > right  # type: ignore[operator]
    return left >= right  # type: ignore[operator]
