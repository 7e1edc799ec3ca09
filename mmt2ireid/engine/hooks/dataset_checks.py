"""What a run says about its dataset: identities that no classifier knows, images that were skipped."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.engine.dataset_parts import find_all, split_of
from mmt2ireid.registry import HOOKS

_COUNTED = dict(num_skipped='unreadable images were skipped', num_truncated='captions were cut at the token limit')
_UNTRAINABLE = 'There is no other person to tell this one from'
_ALWAYS_RIGHT = 'Every answer is right: R1 is always 100 %, whatever the model'


@HOOKS.register_module()
class IdentityCountHook(Hook):
    """Looks at the identities of the data before a run starts.

    Compares the classes of every head with the identities of the training set, and warns of a split that has one
    identity only: nothing can be told apart in it, and R1 on it is always 100 %.
    """

    def before_run(self, runner: Runner) -> None:
        """Warns of splits with one identity, of all loops that the run has.

        Args:
            runner: the runner.
        """
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            dataset = loop.dataloader.dataset if isinstance(loop, BaseLoop) else None
            if find_all(dataset, 'num_pids') == [1]:
                what = _UNTRAINABLE if loop is runner._train_loop else _ALWAYS_RIGHT
                runner.logger.warning(f'The {split_of(dataset) or "whole"} split has one identity only. {what}')

    def before_train(self, runner: Runner) -> None:
        """Compares.

        Args:
            runner: the runner.

        Raises:
            ValueError: a head has fewer classes than there are identities, or there are none at all, or the set joins
                several that each number their identities from 0.
        """
        dataset = runner.train_dataloader.dataset
        found = find_all(dataset, 'num_pids')
        if not found:
            return
        num_pids, num_relabelled = 0 if 0 in found else sum(found), sum(map(bool, find_all(dataset, 'relabel')))
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, module in model.named_modules():
            num_classes = getattr(module, 'num_classes', None)
            if not name.startswith('heads.') or not isinstance(num_classes, int):
                continue
            if num_pids == 0:
                raise ValueError(f'{name} must be trained on a set with identities, but got one without')
            if num_relabelled > 1:
                raise ValueError(
                    f'{name} must tell identities apart, but the training set joins {num_relabelled} sets that each '
                    'number theirs from 0; give them relabel=False and ids that do not meet'
                )
            if num_classes < num_pids:
                raise ValueError(
                    f'{name}.num_classes must be {num_pids}, the number of identities of the training '
                    f'set, but got {num_classes}'
                )
            if num_classes > num_pids:
                runner.logger.warning(
                    f'{name} has {num_classes} classes, but the training set has only {num_pids} identities'
                )


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Reports what a dataset could not use, over all ranks: images it skipped, captions it cut.

    Each training epoch that had some is reported, the run's total at its end, and so is each evaluation.
    """

    def __init__(self) -> None:
        self._reported: dict[str, int] = {}

    def after_train_epoch(self, runner: Runner) -> None:
        """Reports the epoch's.

        Args:
            runner: the runner.
        """
        for name, what in _COUNTED.items():
            count, before = _count(runner.train_dataloader.dataset, name), self._reported.get(name, 0)
            if count > before:
                runner.logger.warning(f'{count - before} {what} in epoch {runner.epoch + 1}, {count} so far')
            self._reported[name] = count

    def after_train(self, runner: Runner) -> None:
        """Reports the total.

        Args:
            runner: the runner.
        """
        _report(runner, runner.train_dataloader.dataset, 'in this run')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Reports the validation's.

        Args:
            runner: the runner.
            metrics: of the validation.
        """
        _report(runner, runner.val_dataloader.dataset, 'in validation so far')

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Reports the test's.

        Args:
            runner: the runner.
            metrics: of the test.
        """
        _report(runner, runner.test_dataloader.dataset, 'in this test')


def _report(runner: Runner, dataset: Any, when: str) -> None:
    for name, what in _COUNTED.items():
        count = _count(dataset, name)
        if count:
            runner.logger.warning(f'{count} {what} {when} (an item counts each time it is drawn)')


def _count(dataset: Any, name: str) -> int:
    """A dataset's counter, summed over ranks, each of which counts for its own workers."""
    count = torch.tensor(sum(find_all(dataset, name)))
    all_reduce(count)
    return int(count)
