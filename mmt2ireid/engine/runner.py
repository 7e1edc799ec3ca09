"""MMEngine's Runner with checks that come before the first step."""

from __future__ import annotations

from typing import Any

from mmengine.dist import is_main_process
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from mmt2ireid.engine.compile import compile_encoders
from mmt2ireid.engine.loaders import require_all_items, require_batches
from mmt2ireid.engine.schedules import fit_schedules
from mmt2ireid.engine.work_dir_lock import only_training

__all__ = ['CheckedRunner']

_NAMED = dict(initial_lr='rate', weight_decay='weight decay', betas='betas', momentum='momentum', eps='eps')
"""What a checkpoint's optimizer brings along, and what to call it."""


class CheckedRunner(Runner):
    """MMEngine's Runner that refuses loops with nothing to do, and warns of schedules that do not fit the training.

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

    def _maybe_compile(self, target: str) -> None:
        """Has the encoders compiled for training where ``compile`` is set; MMEngine's compiles the whole step."""
        settings = self.cfg.get('compile')
        if settings is None or target != 'train_step':
            return
        names = compile_encoders(self.model, settings)
        if names:
            self.logger.info(f'{", ".join(names)} will be compiled: the first steps take minutes')
        elif settings:
            super()._maybe_compile(target)

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Builds the schedules, without those that training ends before; warns where others do not fit its length.

        Args:
            scheduler: ``param_scheduler``: configs of schedules of one optimizer, or anything else that MMEngine takes.

        Returns:
            The schedules.
        """
        schedules = scheduler if isinstance(scheduler, (list, tuple)) else [scheduler]
        if not all(isinstance(schedule, dict) and 'type' in schedule for schedule in schedules):
            return super().build_param_scheduler(scheduler)
        kept = []
        for by_epoch, length in ((True, self.max_epochs), (False, self.max_iters)):
            mine = [schedule for schedule in schedules if schedule.get('by_epoch', True) == by_epoch]
            if by_epoch and isinstance(self.train_loop, IterBasedTrainLoop):  # which counts as one epoch
                kept += mine
                continue
            found, said = fit_schedules(mine, length)
            kept += found
            for sentence in said:
                self.logger.warning(f'param_scheduler, in {"epochs" if by_epoch else "steps"}: {sentence}')
        return super().build_param_scheduler([schedule for schedule in schedules if schedule in kept])

    def resume(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Resumes; warns where the checkpoint's schedules and optimizer settings, which hold, are not the config's.

        Args:
            filename: the checkpoint.
            *args, **kwargs: as of MMEngine's Runner.
        """
        wanted, asked = _ends(self.param_schedulers), _settings_of(self.optim_wrapper)
        super().resume(filename, *args, **kwargs)
        found, kept = _ends(self.param_schedulers), _settings_of(self.optim_wrapper)
        other = {name: (kept[name], asked[name]) for name in kept if name in asked and kept[name] != asked[name]}
        for name, (its, config) in other.items():
            self.logger.warning(
                f"Resumed with the {name} of {filename}, {its}, not the config's, {config}: to train on with another "
                'one, give the checkpoint as load_from'
            )
        if found != wanted:
            self.logger.warning(
                f'The schedules of {filename} end at {found}, those of the config at {wanted}, in '
                "steps or epochs: the checkpoint's hold"
            )

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


def _ends(schedules: Any) -> list[Any]:
    return [getattr(schedule, 'end', None) for schedule in schedules or ()]


def _settings_of(wrapper: Any) -> dict[str, list[Any]]:
    """Settings of the optimizer that no schedule changes, with their values in the parameter groups."""
    groups = getattr(getattr(wrapper, 'optimizer', None), 'param_groups', [])
    found: dict[str, list[Any]] = {}
    for group in groups:
        for key, name in _NAMED.items():
            if key in group:
                values = found.setdefault(name, [])
                value = list(group[key]) if isinstance(group[key], tuple) else group[key]
                values += [value] * (value not in values)
    return found
