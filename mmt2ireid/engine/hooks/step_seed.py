"""Randomness that depends on nothing but the step."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmt2ireid.registry import HOOKS

_ITERATION, _EPOCH, _SHARED = range(3)


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seeds all generators before every training iteration from (seed, rank, iteration).

    Dropout, sampling in losses and the like are then the same whether or not a validation, a resume or another number
    of workers came before; a run that is killed and resumed ends with the weights of one that was not. Sub-modules
    with a method ``seed_step(seed: int)`` are given a number that is the same on all ranks. Generators are seeded
    before every epoch too, for loaders that draw from the main process. Seeding takes some 20 microseconds.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._seed = 0
        self._rank = 0
        self._listeners: list[Any] = []

    def before_train(self, runner: Runner) -> None:
        """Notes the seed, the rank and the modules that want a seed per step.

        Args:
            runner: the runner.
        """
        self._rank = get_rank()
        own_per_rank = runner._randomness_cfg.get('diff_rank_seed', False)
        self._seed = runner.seed - (self._rank if own_per_rank else 0)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._listeners = [module for module in model.modules() if callable(getattr(module, 'seed_step', None))]

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds what the data loader draws from the main process.

        Args:
            runner: the runner.
        """
        _seed_all(mix_seed(self._seed, _EPOCH, runner.epoch, self._rank))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seeds the iteration.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
        """
        _seed_all(mix_seed(self._seed, _ITERATION, runner.iter, self._rank))
        if self._listeners:
            shared = mix_seed(self._seed, _SHARED, runner.iter)
            for module in self._listeners:
                module.seed_step(shared)


def mix_seed(seed: int, *key: int) -> int:
    """Hashes a seed with a key.

    Args:
        seed: not negative.
        *key: not negative; what is to be told apart.

    Returns:
        A number of 63 bits; numbers of neighbouring keys are unrelated.
    """
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint64)[0] >> 1)


def _seed_all(seed: int) -> None:
    # torch.manual_seed asks for every kind of device each time, which takes 100 microseconds.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    random.seed(seed)
