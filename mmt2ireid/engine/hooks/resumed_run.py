"""What a user should know of a run that was resumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.runner import Runner


def machine_sizes() -> dict[str, int]:
    """Counts what changes the order of sums, and with it their last bits, or the batches.

    Returns:
        Threads of torch in this process, and processes of the run.
    """
    return dict(num_threads=torch.get_num_threads(), num_processes=get_world_size())


def progress(runner: Runner, by_epoch: bool) -> tuple[int, int]:
    """Counts what is done and what there is to do.

    Args:
        runner: the runner.
        by_epoch: count epochs instead of iterations.
    """
    loop: Any = runner.train_loop
    return (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)


def report_resumed(runner: Runner, trained_with: Mapping[str, Any], by_epoch: bool) -> None:
    """Warns where a resumed run cannot equal one that was never killed, and where nothing is left to train.

    Args:
        runner: the runner, resumed.
        trained_with: :func:`machine_sizes` from the checkpoint; None for what it does not hold.
        by_epoch: count epochs instead of iterations.
    """
    for name, now in machine_sizes().items():
        before = trained_with.get(name)
        if before not in (None, now):
            runner.logger.warning(
                f'Resumed with {name}={now}, but trained with {name}={before} so far: the result will not equal that '
                'of a run that was never killed.'
            )
    done, total = progress(runner, by_epoch)
    if done >= total:
        unit = 'epochs' if by_epoch else 'iterations'
        runner.logger.warning(
            f'{runner._load_from} is of a finished run ({done} of {total} {unit}): nothing is left to train.'
        )
