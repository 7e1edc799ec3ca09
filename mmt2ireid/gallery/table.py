"""Crops as columns: little memory for many crops, and conditions that cost one look per different value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mmt2ireid.gallery.base import Range, summary
from mmt2ireid.gallery.records import Crop, Value
from mmt2ireid.gallery.where import Condition, Where

_MISSING = -1


class GrowingArray:
    """A one-dimensional array that grows at its end.

    Args:
        dtype: of its entries.
    """

    def __init__(self, dtype: type) -> None:
        self._array: np.ndarray = np.empty(0, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, values: Sequence | np.ndarray) -> None:
        """Puts values behind the others."""
        need = self._size + len(values)
        if need > len(self._array):
            # A view that a search holds stays what it was.
            grown = np.empty(max(need, 2 * len(self._array), 64), dtype=self._array.dtype)
            grown[: self._size] = self._array[: self._size]
            self._array = grown
        self._array[self._size : need] = values
        self._size = need

    @property
    def view(self) -> np.ndarray:
        """The entries, without a copy."""
        return self._array[: self._size]


class Column:
    """One metadata field of all rows: a number per row, and the value that a number stands for.

    Args:
        num_rows: rows that are there already and lack the field.
    """

    def __init__(self, num_rows: int) -> None:
        self.codes = GrowingArray(np.int32)
        self.codes.extend(np.full(num_rows, _MISSING))
        self.values: list[Value] = []
        self._numbers: dict[tuple[type, Value], int] = {}

    def code(self, value: Value) -> int:
        """The number of a value; 1, 1.0 and true are three values."""
        number = self._numbers.setdefault((type(value), value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number

    def mask(self, condition: Condition, num_rows: int) -> np.ndarray:
        """Which of the first rows a condition holds for, bool (num_rows,)."""
        holds = np.zeros(len(self.values) + 1, dtype=bool)
        holds[:-1] = [condition.holds(value) for value in self.values]
        # The last entry, which -1 picks, stands for rows that lack the field.
        return holds[self.codes.view[:num_rows]]


class CropTable:
    """Rows of crops, in the order in which they came. A row stays where it is; rows of crops that left are dead."""

    def __init__(self) -> None:
        self.row_of: dict[str, int] = {}
        self._ids: list[str] = []
        self._paths: list[str] = []
        self._alive = GrowingArray(bool)
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        """Number of rows, dead ones too."""
        return len(self._ids)

    @property
    def num_alive(self) -> int:
        """Number of crops."""
        return len(self.row_of)

    def append(self, crops: Sequence[Crop]) -> None:
        """Adds rows; rows of the same ids die."""
        first = len(self)
        coded: dict[str, np.ndarray] = {}
        for number, crop in enumerate(crops):
            for name, value in crop.metadata.items():
                if name not in self._columns:
                    self._columns[name] = Column(first)
                if name not in coded:
                    coded[name] = np.full(len(crops), _MISSING, dtype=np.int32)
                coded[name][number] = self._columns[name].code(value)
        lacking = np.full(len(crops), _MISSING, dtype=np.int32)
        for name, column in self._columns.items():
            column.codes.extend(coded.get(name, lacking))
        self._ids.extend(crop.id for crop in crops)
        self._paths.extend(crop.path for crop in crops)
        self._alive.extend(np.ones(len(crops), dtype=bool))
        self.remove([crop.id for crop in crops])
        self.row_of.update((crop.id, first + number) for number, crop in enumerate(crops))

    def remove(self, ids: Iterable[str]) -> None:
        """Lets the rows of ids die; ids that are not there are passed over."""
        rows = [row for row in (self.row_of.pop(name, None) for name in ids) if row is not None]
        self._alive.view[rows] = False

    def crop(self, row: int) -> Crop:
        """The crop of a row."""
        found = {}
        for name, column in list(self._columns.items()):
            code = column.codes.view[row] if row < len(column.codes) else _MISSING
            if code != _MISSING:
                found[name] = column.values[code]
        return Crop(self._ids[row], self._paths[row], found)

    def ids(self, first: int = 0) -> Iterator[str]:
        """Ids of the crops from a row on, in order."""
        return (self._ids[row] for row in self.rows(first).tolist())

    def rows(self, first: int = 0) -> np.ndarray:
        """Numbers of the rows that are alive, from a row on."""
        return first + np.flatnonzero(self._alive.view[first:])

    def mask(self, where: Where | None, num_rows: int) -> np.ndarray | None:
        """Which of the first rows may be found, bool (num_rows,); None for all."""
        mask = None if self.num_alive == len(self) else self._alive.view[:num_rows].copy()
        for condition in where.conditions if where is not None else ():
            column = self._columns.get(condition.field)
            holds = np.zeros(num_rows, dtype=bool) if column is None else column.mask(condition, num_rows)
            mask = holds if mask is None else mask & holds
        return mask

    def fields(self) -> dict[str, list[Value] | Range]:
        """Fields of the crops that are there, as :meth:`Gallery.fields` tells them."""
        found = {}
        for name in sorted(self._columns):
            column = self._columns[name]
            codes = column.codes.view[self.rows()]
            used = np.unique(codes[codes != _MISSING]).tolist()
            if used:
                found[name] = summary(column.values[code] for code in used)
        return found
