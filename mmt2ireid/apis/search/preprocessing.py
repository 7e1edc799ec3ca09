"""The part of a config's test pipeline that changes what a model sees of a picture or text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

from mmt2ireid.registry import TRANSFORMS
from mmt2ireid.text import Tokenizer, WordTokenizer, build_tokenizer

_OF_TEXTS = ('Tokenize', 'MaskTokens', 'AugmentTokens', 'DeleteWords')
_LOADS, _PACKS = 'Load', 'Pack'


def test_pipeline(cfg: Config) -> list[dict]:
    """The pipeline that a config's test split runs through; that of val where there is no test.

    A pre-training has neither; its config may have a setting ``test_pipeline``.

    Args:
        cfg: a complete config.

    Raises:
        ValueError: it has none, or the parts of a joined set have different ones.
    """
    for split in ('test', 'val'):
        loader = cfg.get(f'{split}_dataloader')
        found = [list(pipeline) for pipeline in _pipelines(loader.get('dataset') if loader else None)]
        if found:
            if any(other != found[0] for other in found):
                raise ValueError(f'{split}_dataloader must have one pipeline to search with, but its parts differ')
            return found[0]
    if cfg.get('test_pipeline'):
        return list(cfg.test_pipeline)
    raise ValueError(
        'test_dataloader.dataset must have a pipeline, or the config a setting test_pipeline, which says how pictures '
        'and texts are prepared'
    )


test_pipeline.__test__ = False  # type: ignore[attr-defined]  # its name makes pytest think otherwise


def image_steps(pipeline: Sequence[dict]) -> list[dict]:
    """The steps of a pipeline that change pictures: without loading, texts and packing.

    Args:
        pipeline: configs of transforms.
    """
    return [step for step in pipeline if not _name(step).startswith((_LOADS, _PACKS)) and _name(step) not in _OF_TEXTS]


def pipeline_tokenizer(pipeline: Sequence[dict], words: Sequence[str] | None = None) -> Tokenizer:
    """The tokenizer of a pipeline.

    Args:
        pipeline: configs of transforms.
        words: the vocabulary that a checkpoint was trained with; a word tokenizer takes it in place of its file.

    Raises:
        ValueError: the pipeline has no ``Tokenize``, or more than one.
    """
    found = [step['tokenizer'] for step in pipeline if _name(step) == 'Tokenize']
    if len(found) != 1:
        raise ValueError(f'the test pipeline must have one Tokenize to read texts, but has {len(found)}')
    cfg = dict(found[0])
    if words is not None and str(cfg.get('type')).rsplit('.', 1)[-1] == WordTokenizer.__name__:
        cfg['vocab'] = list(words)
    tokenizer = build_tokenizer(cfg)  # not the shared one: counts of truncated texts stay apart
    tokenizer.load()
    return tokenizer


class PicturePreparation:
    """Brings a picture to the form of a dataset's item.

    Args:
        steps: configs of transforms, see :func:`image_steps`.
        scope: the config's default scope.
    """

    def __init__(self, steps: Sequence[dict], scope: str = 'mmt2ireid') -> None:
        with DefaultScope.overwrite_default_scope(scope):
            self.transforms = [TRANSFORMS.build(dict(step)) for step in steps]

    def __call__(self, picture: np.ndarray) -> Tensor:
        """A picture as the data preprocessor takes it.

        Args:
            picture: uint8 RGB (H, W, 3).

        Returns:
            uint8 BGR (3, H', W').

        Raises:
            ValueError: a transform gives something else.
        """
        shape = picture.shape[:2]
        item: Any = dict(img=np.ascontiguousarray(picture[..., ::-1]), img_shape=shape, ori_shape=shape, img_path='')
        for transform in self.transforms:
            item = transform(item)
            if item is None:
                raise ValueError(f'{type(transform).__name__} of the test pipeline must keep every picture')
        img = item['img']
        if not isinstance(img, np.ndarray) or img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
            raise ValueError(f'the test pipeline must give uint8 pictures of shape (H, W, 3), but gave {type(img)}')
        return torch.from_numpy(np.ascontiguousarray(img.transpose(2, 0, 1)))


def _name(step: dict) -> str:
    kind = step.get('type')
    return (kind.__name__ if isinstance(kind, type) else str(kind)).rsplit('.', 1)[-1]


def _pipelines(dataset: Any) -> Iterator[Sequence[dict]]:
    """Pipelines of a dataset's config and of those that a wrapper such as ``ConcatDataset`` holds."""
    if not isinstance(dataset, dict):
        return
    if dataset.get('pipeline'):
        yield dataset['pipeline']
    for part in dataset.get('datasets') or [dataset.get('dataset')]:
        yield from _pipelines(part)
