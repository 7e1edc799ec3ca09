"""Losses for the log without a synchronisation per iteration."""

from __future__ import annotations

import math
from typing import Any

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import Runner
from torch import Tensor

from mmt2ireid.engine.hooks.saving import saves_after_iter
from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class DeferredRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's ``RuntimeInfoHook`` that copies losses to the host in bunches.

    MMEngine calls ``item()`` on every loss of every iteration, which makes the host wait for the device each time. Here
    they are kept on the device and copied together, before the logger reads them and before a checkpoint is written;
    the histories are the same.

    Args:
        interval: iterations between two copies; lowered to a divisor of the logger's own.
    """

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but got {interval}')
        self.interval = interval
        self._every = interval
        self._pending: list[dict[str, Any]] = []

    def before_train(self, runner: Runner) -> None:
        """Fits the interval to the logger's.

        Args:
            runner: the runner.
        """
        super().before_train(runner)
        self._pending = []
        self._every = math.gcd(self.interval, *(hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)))

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Keeps the losses and, where due, copies them.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
            outputs: scalars by name.
        """
        if outputs:
            # Detached, or the graphs of the waiting iterations stay alive.
            self._pending.append(
                {name: value.detach() if isinstance(value, Tensor) else value for name, value in outputs.items()}
            )
        last = self.end_of_epoch(runner.train_dataloader, batch_idx) or self.is_last_train_iter(runner)
        if last or self.every_n_inner_iters(batch_idx, self._every) or saves_after_iter(runner):
            self._flush(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Copies what is left.

        Args:
            runner: the runner.
        """
        self._flush(runner)

    def before_val(self, runner: Runner) -> None:
        """Copies what is left before the validation's own numbers.

        Args:
            runner: the runner.
        """
        self._flush(runner)
        super().before_val(runner)

    def _flush(self, runner: Runner) -> None:
        tensors = [value for outputs in self._pending for value in outputs.values() if isinstance(value, Tensor)]
        numbers = iter(torch.stack([_mean(tensor) for tensor in tensors]).tolist() if tensors else [])
        for outputs in self._pending:
            for name, value in outputs.items():
                number = next(numbers) if isinstance(value, Tensor) else value
                runner.message_hub.update_scalar(f'train/{name}', number)
        self._pending = []


def _mean(tensor: Tensor) -> Tensor:
    """The mean in float32 at least; float64 of what is float64 only, since not every device has it (Apple's MPS)."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32)).mean()
