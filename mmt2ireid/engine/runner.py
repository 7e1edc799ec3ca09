"""MMEngine's Runner with checks that come before the first step."""

from __future__ import annotations

from typing import Any

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from mmt2ireid.engine.loaders import require_all_items, require_batches
from mmt2ireid.engine.work_dir_lock import only_training

__all__ = ['CheckedRunner']


class CheckedRunner(Runner):
    """MMEngine's Runner that refuses loops with nothing to do.

    MMEngine trains for no steps, and saves and evaluates the result, where a loader has fewer items than a batch and
    drops the last one. Loops are built before anything is trained or saved, also by :meth:`train` those of validation.
    """

    def train(self) -> nn.Module:
        """Trains, as the only training in the work dir.

        Returns:
            The trained model.

        Raises:
            ValueError: another training writes to the work dir.
        """
        with only_training(self.work_dir, is_main=is_main_process()):
            return super().train()

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Builds the loop, and looks at its length.

        Args:
            loop: ``train_cfg``, or the loop itself.

        Returns:
            The loop.

        Raises:
            ValueError: it has no step to do.
        """
        built = super().build_train_loop(loop)
        require_batches(built.dataloader, 'train_dataloader')
        if built.max_iters < 1:
            raise ValueError(f'train_cfg must ask for at least one step, but got {self.cfg.get("train_cfg")}')
        return built

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Builds the loop, and looks at its loader.

        Args:
            loop: ``val_cfg``, or the loop itself.

        Returns:
            The loop.

        Raises:
            ValueError: it has nothing to evaluate, or leaves something out.
        """
        return _checked(super().build_val_loop(loop), 'val_dataloader')

    def build_test_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Builds the loop, and looks at its loader.

        Args:
            loop: ``test_cfg``, or the loop itself.

        Returns:
            The loop.

        Raises:
            ValueError: it has nothing to evaluate, or leaves something out.
        """
        return _checked(super().build_test_loop(loop), 'test_dataloader')


def _checked(loop: Any, name: str) -> BaseLoop:
    require_batches(loop.dataloader, name)
    require_all_items(loop.dataloader, name)
    return loop
