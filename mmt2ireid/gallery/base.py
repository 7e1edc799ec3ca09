"""What every gallery can do, wherever its crops lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from mmt2ireid.gallery.records import AddCount, Crop, Hit, Value
from mmt2ireid.gallery.where import Where

Range = tuple[Value, Value]
_Self = TypeVar('_Self', bound='Gallery')

MAX_LISTED = 50
"""A field with more values than this is described by its range."""


class GalleryMismatchError(ValueError):
    """A gallery holds the features of another model."""


class GalleryError(ValueError):
    """A gallery cannot be opened or used: a broken or foreign file, a lock, a server that does not answer."""


class Gallery(ABC):
    """Crops of persons with one feature vector each, made by one model.

    A context manager that closes itself. Searches may run in several threads beside one that adds or deletes.

    Attributes:
        model: fingerprint of the model that made the vectors.
        dim: D, width of the vectors.
    """

    model: str
    dim: int

    @abstractmethod
    def __len__(self) -> int:
        """Number of crops."""

    @abstractmethod
    def add(self, crops: Sequence[Crop], vectors: np.ndarray, *, replace: bool = False) -> AddCount:
        """Adds crops; when it returns, they are stored for good.

        Each crop is there once or not at all: killed and called again with the same crops, it adds what is missing.

        Args:
            crops: N crops with different ids.
            vectors: float32 (N, D), rows of unit length.
            replace: crops that are there already are replaced, and stand in the order of insertion as new ones;
                otherwise they stay as they are.

        Raises:
            ValueError: crops or vectors that no gallery can hold. Nothing has been added then.
        """

    @abstractmethod
    def delete(self, ids: Iterable[str]) -> int:
        """Takes crops out, for good; returns how many. Ids that are not there are passed over.

        Raises:
            ValueError: ``ids`` is one text, whose letters nobody meant; so in the methods below.
        """

    @abstractmethod
    def known(self, ids: Iterable[str]) -> set[str]:
        """Those of ``ids`` that are there."""

    @abstractmethod
    def get(self, ids: Iterable[str]) -> list[Crop]:
        """The crops of ``ids``, in their order; KeyError for one that is not there."""

    @abstractmethod
    def vectors(self, ids: Iterable[str]) -> np.ndarray:
        """Vectors of ``ids``, float32 (N, D), in their order; KeyError for one that is not there."""

    @abstractmethod
    def search(self, vectors: np.ndarray, top_k: int = 10, where: Where | None = None) -> list[list[Hit]]:
        """The crops that are most similar to each query.

        Args:
            vectors: float32 (Q, D), rows of unit length.
            top_k: how many hits a query gets; fewer where fewer crops pass ``where``.
            where: conditions on the metadata; None lets all pass.

        Returns:
            Q lists of hits by descending score; of equal scores the crop that was inserted earlier comes first.

        Raises:
            ValueError: queries of another width, not finite or not of unit length; ``top_k`` below 1.
        """

    @abstractmethod
    def fields(self) -> dict[str, list[Value] | Range]:
        """Metadata fields, by name.

        Returns:
            For each field its values in ascending order (numbers before texts), where there are at most 50; otherwise
            (smallest, largest).
        """

    @abstractmethod
    def ids(self) -> Iterator[str]:
        """All ids, in the order of insertion."""

    @abstractmethod
    def close(self) -> None:
        """Gives back files, locks and connections; may be called again."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_model(place: object, model: str, dim: int, stored_model: Any, stored_dim: Any) -> None:
    """Raises GalleryMismatchError where a gallery was made with another model, or with vectors of another width."""
    if (stored_model, stored_dim) != (model, dim):
        raise GalleryMismatchError(
            f'{place}: the gallery was made with model {stored_model} (vectors of {stored_dim}), but the model now is '
            f'{model} (vectors of {dim}); open it with the model that made it, or add the crops to a new gallery'
        )


def check_top_k(top_k: int) -> int:
    """``top_k`` as an int; ValueError where it is none from 1 on."""
    try:
        good = not isinstance(top_k, bool) and int(top_k) == top_k and top_k >= 1
    except (TypeError, ValueError, OverflowError):  # no number, not a number, infinite
        good = False
    if not good:
        raise ValueError(f'top_k must be a whole number from 1 on, but got {top_k!r}')
    return int(top_k)


def check_fingerprint(model: str, dim: int) -> None:
    """Raises ValueError where model or dim can be none."""
    if not isinstance(model, str) or not model or len(model) > 256:
        raise ValueError(f'model must be a fingerprint of 1 to 256 characters, but got {model!r}')
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= 32_768:
        raise ValueError(f'dim must be a whole number from 1 to 32768, but got {dim!r}')


def unknown_id(name: str) -> KeyError:
    """The error for an id that is not in the gallery."""
    return KeyError(f'there is no crop {name!r} in the gallery')


def summary(values: Iterable[Value]) -> list[Value] | Range:
    """What :meth:`Gallery.fields` says of a field with these (different) values."""
    ordered = sorted(values, key=lambda value: (isinstance(value, str), value))
    return ordered if len(ordered) <= MAX_LISTED else (ordered[0], ordered[-1])
