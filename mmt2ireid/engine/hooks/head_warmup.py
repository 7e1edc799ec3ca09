"""Heads that join later."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner

from mmt2ireid.io.counts import counted
from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class HeadWarmupHook(Hook):
    """Leaves heads out of the loss for the first epochs.

    An encoder that starts at random makes poor clusters; CMMT can so begin by projection matching alone. While the
    memory head is off nothing is clustered, and no threshold is frozen. Whether a head is on follows from the number of
    the epoch, so a resumed run goes on as one that was not killed.

    Args:
        heads: names of the heads. On several ranks they must have no weights of their own, unless the config sets
            ``find_unused_parameters``.
        epochs: how many to leave them out; 0: none, as in the paper.

    Raises:
        ValueError: an argument does not fit.
    """

    priority = 'ABOVE_NORMAL'  # before clustering

    def __init__(self, heads: Sequence[str], epochs: int) -> None:
        if isinstance(heads, str) or not heads:
            raise ValueError(f'heads must be a list of names, but got {heads!r}')
        if not isinstance(epochs, int) or epochs < 0:
            raise ValueError(f'epochs must be an integer of at least 0, but got {epochs!r}')
        self.heads, self.epochs = tuple(heads), epochs

    def before_train(self, runner: Runner) -> None:
        """Looks the heads up.

        Args:
            runner: the runner.

        Raises:
            ValueError: the model has no such heads, no others, or the run has no epochs.
        """
        names = list(_heads(runner))
        unknown = [name for name in self.heads if name not in names]
        if unknown:
            raise ValueError(f'heads must name heads of the model, {names}, but got {unknown}')
        if self.epochs and set(self.heads) == set(names):
            raise ValueError(f'heads must leave one head of the model to train with, but got all: {names}')
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError('HeadWarmupHook must be in an epoch-based run, but got by_epoch=False')

    def before_train_epoch(self, runner: Runner) -> None:
        """Switches the heads.

        Args:
            runner: the runner.
        """
        enabled, heads = runner.epoch >= self.epochs, _heads(runner)
        if any(heads[name].enabled != enabled for name in self.heads):
            state = 'on' if enabled else f'off for {counted(self.epochs - runner.epoch, "epoch")}'
            runner.logger.info(f'epoch {runner.epoch + 1}: heads {", ".join(self.heads)} are {state}')
        for name in self.heads:
            heads[name].enabled = enabled


def _heads(runner: Runner) -> dict:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return dict(model.heads.items())
