"""Run the transforms of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def run_pipeline(transforms: Iterable[Callable[[dict], dict | None]], data: dict[str, Any]) -> dict[str, Any] | None:
    """Apply transforms in turn, as MMEngine's ``Compose`` does.

    Args:
        transforms: callables, each given what the one before it returns.
        data: of an item.

    Returns:
        What the last transform returns; None as soon as one returns None.

    Raises:
        ValueError: a transform reads a key that is not there, as in a pipeline without ``LoadPersonImage``.
    """
    result: dict[str, Any] | None = data
    for transform in transforms:
        try:
            result = transform(data)
        except KeyError as error:
            key = error.args[0] if error.args else None
            if key in data:  # a KeyError of another dict
                raise
            raise ValueError(
                f'The pipeline must give {key!r} before {type(transform).__name__}, but the item has '
                f'{", ".join(map(str, data))} only'
            ) from error
        if result is None:
            return None
        data = result
    return result
