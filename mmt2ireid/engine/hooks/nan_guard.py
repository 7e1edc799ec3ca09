"""Stops a run whose loss is no number any more."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmt2ireid.engine.hooks.saving import saves_after_iter
from mmt2ireid.registry import HOOKS

_NEVER = 2**62


@HOOKS.register_module()
class NaNGuardHook(Hook):
    """Stops when a loss is NaN or infinite, and says at which iteration and which loss.

    The first bad iteration of every loss is kept on the device; it is copied to the host (the only synchronisation)
    every ``interval`` iterations, at the end of an epoch and before a checkpoint is written. On a CPU, where nothing is
    gained by waiting, every iteration is checked. Weights are checked before they are written. Ranks stop together.

    Args:
        interval: iterations between two checks on an accelerator.
    """

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but got {interval}')
        self.interval = interval
        self._first_bad: dict[tuple[str, ...], Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        """Forgets an earlier run.

        Args:
            runner: the runner.
        """
        self._first_bad = {}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Tensor] | None = None
    ) -> None:
        """Notes bad losses and, where due, looks for them.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
            outputs: scalars by name; those with ``loss`` in their names are watched.

        Raises:
            FloatingPointError: a loss was NaN or infinite.
        """
        on_host = self._note(runner.iter, outputs or {})
        if on_host or self.every_n_train_iters(runner, self.interval) or saves_after_iter(runner):
            self._check(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Looks for bad losses before the epoch's checkpoint is written.

        Args:
            runner: the runner.

        Raises:
            FloatingPointError: a loss was NaN or infinite.
        """
        self._check(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keeps weights that are no numbers out of the file: a finite last loss may have had gradients that are not.

        Args:
            runner: the runner.
            checkpoint: what is to be written.

        Raises:
            FloatingPointError: a parameter holds NaN or infinity.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        trained = {name for name, _ in model.named_parameters()}
        bad = [
            name
            for name, value in checkpoint['state_dict'].items()
            if name in trained and value.is_floating_point() and not torch.isfinite(value).all()
        ]
        if bad:
            raise FloatingPointError(
                f'{len(bad)} parameters hold NaN or infinity at iteration {runner.iter + 1}, '
                f'{bad[0]} first; no checkpoint is written'
            )

    def _note(self, step: int, outputs: dict[str, Any]) -> bool:
        losses = {name: torch.as_tensor(value).detach() for name, value in outputs.items() if 'loss' in name}
        if not losses:
            return True
        names = tuple(losses)
        values = torch.stack([value.float().mean() for value in losses.values()])
        first = self._first_bad.get(names)
        if first is None:
            first = self._first_bad[names] = torch.full(values.shape, _NEVER, device=values.device)
        first.masked_fill_(~torch.isfinite(values) & (first == _NEVER), step)
        return values.device.type == 'cpu'

    def _check(self, runner: Runner) -> None:
        found = {}
        for names, steps in self._first_bad.items():
            found.update({name: step for name, step in zip(names, steps.tolist(), strict=True) if step != _NEVER})
        earliest = torch.tensor(min(found.values(), default=_NEVER), device=next(runner.model.parameters()).device)
        all_reduce(earliest, 'min')
        step = int(earliest)
        if step == _NEVER:
            return
        culprits = [name for name, bad in found.items() if bad == step]
        # The sum of all losses is bad whenever one of them is.
        named = ', '.join([name for name in culprits if name != 'loss'] or culprits) or 'a loss on another rank'
        raise FloatingPointError(
            f'{named} became NaN or infinite at epoch {runner.epoch + 1}, iteration {step + 1} '
            f'(found after iteration {runner.iter + 1}); lower the learning rate, clip gradients, '
            'or look at the batch'
        )
