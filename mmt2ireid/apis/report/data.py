"""Which data a config evaluates, and the same model on other data."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from mmt2ireid.engine.options import set_test_split


def data_name(cfg: Config) -> str:
    """What the test data is called: its type and place."""
    dataset = cfg.test_dataloader['dataset']
    return ' '.join(str(part) for part in (dataset['type'], dataset.get('data_root')) if part)


def is_same_data(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two dataloaders of configs have the same data; how it is prepared and dealt out does not matter."""
    return bool(_with_pipeline(one['dataset'], None) == _with_pipeline(other['dataset'], None))


def check_splits_differ(cfg: Config) -> None:
    """Refuses a config whose val split is its test split: what it selects on val it selects on test.

    Args:
        cfg: a config with both splits.

    Raises:
        ValueError: the two have the same data.
    """
    if is_same_data(cfg.val_dataloader, cfg.test_dataloader):
        raise ValueError(
            'val_dataloader must have other data than test_dataloader for epochs to be selected on val, but both have '
            f'the same ({data_name(cfg)})'
        )


def on_data_of(cfg: Config, other: Config) -> Config:
    """A model's config with the test data of another: the pictures and words of the one, the pipeline of the model.

    Sizes and tokenizers are the model's, as are batch size and metric; all else that the other config says of its
    test dataset (type, place, split, held-out identities) comes along.

    Args:
        cfg: of the model; not changed.
        other: of the data.

    Raises:
        ValueError: either has no test split, or the model's has none or several pipelines.
    """
    for one in (cfg, other):
        set_test_split(one.copy(), 'test')
    pipelines = _pipelines(cfg.test_dataloader['dataset'])
    if not pipelines or any(pipeline != pipelines[0] for pipeline in pipelines):
        raise ValueError(f'test_dataloader.dataset must have one pipeline, but got {len(pipelines)} different ones')
    changed = cfg.copy()
    changed.test_dataloader = dict(
        cfg.test_dataloader, dataset=_with_pipeline(other.test_dataloader['dataset'], pipelines[0])
    )
    return changed


def _pipelines(node: Any) -> list[Any]:
    if isinstance(node, Mapping):
        own = [node['pipeline']] if 'pipeline' in node else []
        return own + [found for key, value in node.items() if key != 'pipeline' for found in _pipelines(value)]
    if isinstance(node, (list, tuple)):
        return [found for value in node for found in _pipelines(value)]
    return []


def _with_pipeline(node: Any, pipeline: Any) -> Any:
    """A copy in which every pipeline is another."""
    if isinstance(node, Mapping):
        return {
            key: copy.deepcopy(pipeline) if key == 'pipeline' else _with_pipeline(value, pipeline)
            for key, value in node.items()
        }
    if isinstance(node, (list, tuple)):
        return type(node)(_with_pipeline(value, pipeline) for value in node)
    return copy.deepcopy(node)
