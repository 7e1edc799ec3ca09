"""Loaders that yield nothing, or less than was asked for, are refused before the first step."""

from __future__ import annotations

from collections.abc import Sized

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.runner.runner import _SlicedDataset
from torch.utils.data import DataLoader

__all__ = ['require_all_items', 'require_batches']


def require_batches(loader: DataLoader, name: str) -> None:
    """Refuses a loader without a single batch: a loop over it ends at once, as if all had been done.

    Args:
        loader: with a dataset of known length; one without is let through.
        name: of the loader in the config, such as ``train_dataloader``.

    Raises:
        ValueError: the dataset is empty, this process's share of it makes no batch, or ``num_batch_per_epoch`` asks for
            more items than there are.
    """
    if not isinstance(loader.dataset, Sized):
        return
    num_items = len(loader.dataset)
    if isinstance(loader.dataset, _SlicedDataset) and len(loader.dataset._dataset) < num_items:
        raise ValueError(
            f'{name}.num_batch_per_epoch must ask for at most the {len(loader.dataset._dataset)} items of the dataset, '
            f'but asks for {num_items}'
        )
    if num_items and (len(loader) or isinstance(loader.sampler, InfiniteSampler)):
        return
    if not num_items:
        raise ValueError(f'{name} must give at least one batch, but its {type(loader.dataset).__name__} has 0 items')
    processes = get_world_size()
    raise ValueError(
        f'{name} must give at least one batch, but {num_items} items on {processes} '
        f'process{"" if processes == 1 else "es"} make none{_settings(loader)}'
    )


def require_all_items(loader: DataLoader, name: str) -> None:
    """Refuses a loader that would leave the last items out of an evaluation.

    Args:
        loader: of an evaluation.
        name: of the loader in the config, such as ``test_dataloader``.

    Raises:
        ValueError: ``drop_last`` is set, and the last batch is not full.
    """
    if not loader.drop_last or loader.batch_size is None or not isinstance(loader.sampler, Sized):
        return
    num_items = len(loader.sampler)
    rest = num_items % loader.batch_size
    if rest:
        raise ValueError(
            f'{name}.drop_last must be False, or {rest} of {num_items} items are left out of the evaluation, but it is '
            'True'
        )


def _settings(loader: DataLoader) -> str:
    if loader.batch_size is None:
        return ' with its batch_sampler'
    if not loader.drop_last:
        return f' with {type(loader.sampler).__name__}, which yields no index'
    return f' of batch_size={loader.batch_size} with drop_last=True; lower batch_size or set drop_last=False'
