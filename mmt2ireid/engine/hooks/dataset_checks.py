"""What a run says about its dataset: identities that no classifier knows, images that were skipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.engine.dataset_parts import captioned_parts, find_all, split_of
from mmt2ireid.registry import HOOKS

_COUNTED = dict(
    num_skipped='unreadable images were skipped',
    num_truncated='captions were cut at the token limit',
    num_unknown='tokens were unknown to the vocabulary',
)
_NUM_SAMPLED = 256  # items of a split whose captions are compared with the vocabulary
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
    """Reports what a dataset could not use, over all ranks: images it skipped, captions it cut, words it did not know.

    Each training epoch that had some is reported, the run's total at its end, and so is each evaluation. Before a run
    starts, some captions of each split are compared with the vocabulary: a model whose words are of another language
    would train, and be tested, on unknown tokens.

    Args:
        max_unknown: the largest share of unknown tokens in a split, from 0 to 1 (no limit). Above it, the run is
            refused; above a tenth of it, there is a warning. Default: 0.5.

    Raises:
        ValueError: ``max_unknown`` is not from 0 to 1; before a run, a split has a larger share.
    """

    def __init__(self, max_unknown: float = 0.5) -> None:
        if not 0 <= max_unknown <= 1:
            raise ValueError(f'max_unknown must be from 0 to 1, but got {max_unknown}')
        self.max_unknown = max_unknown
        self._reported: dict[str, int] = {}

    def before_run(self, runner: Runner) -> None:
        """Compares captions of every split with the vocabulary.

        Args:
            runner: the runner.

        Raises:
            ValueError: too many of their tokens are unknown.
        """
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            for dataset in captioned_parts(loop.dataloader.dataset if isinstance(loop, BaseLoop) else None):
                share = _unknown_share(dataset)
                name = f'the {split_of(dataset) or "whole"} split of {dataset.metainfo.get("dataset", "the data")}'
                told = f'{share:.0%} of the tokens of {name} are unknown to the vocabulary of the model'
                if share > self.max_unknown:
                    raise ValueError(
                        f'{told} (at most {self.max_unknown:.0%} are taken): are the captions in its language? A word '
                        'vocabulary is written by tools/build_vocabulary.py; SkippedImagesHook(max_unknown=1) runs '
                        'nevertheless'
                    )
                if share > self.max_unknown / 10:
                    runner.logger.warning(f'{told} (of {_NUM_SAMPLED} images or captions at most)')

    def after_train_epoch(self, runner: Runner) -> None:
        """Reports the epoch's.

        Args:
            runner: the runner.
        """
        dataset = runner.train_dataloader.dataset
        tokens = _count(dataset, 'num_tokens') - self._reported.get('num_tokens', 0)
        for name, what in _COUNTED.items():
            count, before = _count(dataset, name), self._reported.get(name, 0)
            if count > before:
                share = _percent(count - before, tokens) if name == 'num_unknown' else ''
                runner.logger.warning(f'{count - before} {what}{share} in epoch {runner.epoch + 1}, {count} so far')
            self._reported[name] = count
        self._reported['num_tokens'] = self._reported.get('num_tokens', 0) + tokens

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
            share = _percent(count, _count(dataset, 'num_tokens')) if name == 'num_unknown' else ''
            runner.logger.warning(f'{count} {what}{share} {when} (an item counts each time it is drawn)')


def _unknown_share(dataset: Any) -> float:
    """The share of unknown tokens in some captions, spread over the split."""
    tokenizer = next(
        (
            found
            for step in dataset.pipeline.transforms
            if hasattr(found := getattr(step, 'tokenizer', None), 'unknown_share')
        ),
        None,
    )
    if tokenizer is None:
        return 0.0
    chosen = sorted({int(place) for place in np.linspace(0, len(dataset) - 1, _NUM_SAMPLED)})
    return tokenizer.unknown_share(
        [text for item in chosen for text in dataset.get_data_info(item).get('captions', ())]
    )


def _percent(part: int, whole: int) -> str:
    return f' ({part / max(1, whole):.1%})'


def _count(dataset: Any, name: str) -> int:
    """A dataset's counter, summed over ranks, each of which counts for its own workers."""
    count = torch.tensor(sum(find_all(dataset, name)))
    all_reduce(count)
    return int(count)
