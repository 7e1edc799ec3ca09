"""Whether the pipelines of a run give images of the size that its image encoder is made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.model import is_model_wrapper
from torch import nn

Size = tuple[int, int]
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_SIZED = ('scale', 'scale_factor', 'crop_size', 'size')


def check_image_sizes(model: nn.Module, cfg: Config) -> None:
    """Compares the size of the image encoder with that of each pipeline, as far as the config tells it.

    mmpretrain's transformers take images of any size and interpolate their position embeddings at every step: a run
    with another size than its encoder's trains, only worse.

    Args:
        model: one with an ``image_size`` (height, width), which is None where any size is right; others pass.
        cfg: a complete config.

    Raises:
        ValueError: a pipeline ends with another size.
    """
    own = getattr(model.module if is_model_wrapper(model) else model, 'image_size', None)
    if own is None:
        return
    for name in _LOADERS:
        for pipeline in _pipelines(cfg.get(name)):
            size = final_size(pipeline)
            if size is not None and size != tuple(own):
                raise ValueError(
                    f'{name}: the pipeline must give images of the size of the image encoder, {own[0]} x {own[1]} '
                    f'(height x width; its img_size or image_size), but gives {size[0]} x {size[1]}'
                )


def final_size(pipeline: list[Any]) -> Size | None:
    """Finds the size of the images at the end of a pipeline.

    Args:
        pipeline: configs of transforms.

    Returns:
        (height, width); None where it is not fixed, or set by a transform that is not known here.
    """
    size = None
    for step in pipeline:
        kind = str(step.get('type')).rsplit('.', 1)[-1]
        if kind == 'Resize' and not step.get('keep_ratio') and step.get('scale') is not None:
            size = _pair(step['scale'])
            size = size and (size[1], size[0])  # mmcv's order is (width, height)
        elif kind == 'RandomResizedCrop':
            size = _pair(step.get('scale'))
        elif kind == 'RandomCrop' and 'crop_size' in step:
            size = _pair(step['crop_size'])
        elif any(_has_key(step, key) for key in _SIZED):
            size = None
    return size


def _pair(value: Any) -> Size | None:
    if isinstance(value, int):
        return value, value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(side, int) for side in value):
        return value[0], value[1]
    return None


def _has_key(node: Any, key: str) -> bool:
    if isinstance(node, dict):
        return key in node or any(_has_key(value, key) for value in node.values())
    return isinstance(node, (list, tuple)) and any(_has_key(value, key) for value in node)


def _pipelines(node: Any) -> Iterator[list[Any]]:
    """Every pipeline in the config of a loader: of its data sets, and of further views."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == 'pipeline' and isinstance(value, (list, tuple)):
                yield [step for step in value if isinstance(step, dict)]
            elif key == 'views' and isinstance(value, (list, tuple)):
                yield from ([step for step in view if isinstance(step, dict)] for view in value)
            yield from _pipelines(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _pipelines(value)
