"""Attributes of the data sets that a loader reads, wrappers such as ``ConcatDataset`` looked into."""

from __future__ import annotations

from typing import Any


def find_all(dataset: Any, name: str) -> list[Any]:
    """An attribute of a dataset or, of wrappers such as ``RepeatDataset`` and ``ConcatDataset``, of all within.

    Args:
        dataset: a dataset, a wrapper, or None.
        name: of the attribute.

    Returns:
        Its values; none where no dataset has it.
    """
    if dataset is None:
        return []
    if hasattr(dataset, name):
        return [getattr(dataset, name)]
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    return [value for part in parts for value in find_all(part, name)]


def captioned_parts(dataset: Any) -> list[Any]:
    """The datasets of person images with captions, wrappers looked into.

    Args:
        dataset: a dataset, a wrapper, or None.

    Returns:
        Those that have a pipeline, and items with captions; none where there are no such.
    """
    if dataset is None:
        return []
    if hasattr(dataset, 'pipeline') and hasattr(dataset, 'get_data_info'):
        return [dataset]
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    return [found for part in parts for found in captioned_parts(part)]


def split_of(dataset: Any) -> str | None:
    """The split that a dataset reads, as the dataset itself names it, whatever the name of its loader.

    Args:
        dataset: a dataset or a wrapper.

    Returns:
        Such as 'test'; 'train + val' of joined sets; None where no dataset has a split.
    """
    return ' + '.join(dict.fromkeys(map(str, find_all(dataset, 'split')))) or None
