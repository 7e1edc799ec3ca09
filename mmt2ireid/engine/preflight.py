"""Look at the data and weights of a config before anything large is built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmt2ireid.registry import DATASETS

__all__ = ['check_files']

_FROM_FILE = ('Pretrained', 'BackbonePretrained')
"""Initializers whose ``checkpoint`` is a file or a URL; those of the others are names in a library."""


def check_files(cfg: Config, splits: Iterable[str]) -> None:
    """Check that the files a run starts with are there: annotations, vocabularies, initial weights.

    A model of full size takes ten seconds to build, and every rank builds it. What is missing is found here within
    one; annotations are not read. Datasets of other packages, and weights that a library knows by name, are checked
    when they are loaded.

    Args:
        cfg: a complete config.
        splits: whose dataloaders the run uses, of 'train', 'val' and 'test'; those that the config lacks are skipped.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an argument of a dataset or of its pipeline does not fit.

    Example:
        >>> check_files(cfg, ('train', 'val'))  # doctest: +SKIP
    """
    for name, path in _weight_files(cfg):
        if not os.path.isfile(os.path.expanduser(path)):
            raise FileNotFoundError(f'{name} must be a file, but there is no {path}')
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmt2ireid')):
        for split in splits:
            dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
            for part in _parts(dataset):
                DATASETS.build({**part, 'lazy_init': True}).check_files()


def _weight_files(cfg: Config) -> Iterator[tuple[str, str]]:
    """Names and paths of the local files of initial weights."""
    found = [('load_from', cfg.get('load_from')), *_checkpoints(cfg.get('model'), 'model')]
    yield from ((name, path) for name, path in found if isinstance(path, str) and '://' not in path)


def _checkpoints(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        if str(node.get('type')).rsplit('.', 1)[-1] in _FROM_FILE:
            yield f'{name}.checkpoint', node.get('checkpoint')
        if 'word_vectors' in node:  # of BiLSTMTextEncoder
            yield f'{name}.word_vectors', node['word_vectors']
        for key, value in node.items():
            yield from _checkpoints(value, f'{name}.{key}')
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from _checkpoints(value, f'{name}.{number}')


def _parts(dataset: Any) -> Iterator[dict]:
    """The configs of a dataset, or of those that a wrapper joins, that know which files they need."""
    if isinstance(dataset, dict):
        kind = dataset.get('type')
        if isinstance(kind, str):
            kind = DATASETS.get(kind)
        if hasattr(kind, 'check_files'):
            yield dataset
        else:
            yield from _parts(dataset.get('datasets') or dataset.get('dataset'))
    elif isinstance(dataset, (list, tuple)):
        for part in dataset:
            yield from _parts(part)
