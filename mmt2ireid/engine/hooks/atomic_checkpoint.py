"""Checkpoints that a kill at any moment leaves usable, and that anyone may load weights-only."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.compat import TEMP_FILE, write_atomically
from mmt2ireid.engine.hooks import checkpoint_names as names
from mmt2ireid.engine.hooks.plain_data import pack_histories, to_plain, unpack_histories
from mmt2ireid.engine.hooks.resumed_run import machine_sizes, progress, report_resumed
from mmt2ireid.engine.latest_checkpoint import find_latest_checkpoint
from mmt2ireid.engine.tie_break import tie_metric, with_ties
from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` for runs that may be killed at any moment.

    What differs: an old checkpoint is removed after the new one and ``last_checkpoint`` stand, so that there is always
    a complete one; half-written files of an earlier run are removed at the start; a checkpoint whose validation was
    due but is not known to be done is validated when it is resumed, so that the best checkpoint is that of a run
    which was never killed; the file holds tensors and plain data only, so that ``torch.load(weights_only=True)`` reads
    it as it is.

    Args:
        *args: as for MMEngine's ``CheckpointHook``.
        **kwargs: as for MMEngine's ``CheckpointHook``.
    """

    keep_ckpt_ids: deque[int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._validated = False
        self._loaded_unvalidated = False
        self._loaded_sizes: dict[str, Any] = {}

    def before_run(self, runner: Runner) -> None:
        """Chooses the checkpoint of a run that is to be resumed from its own folder, instead of MMEngine.

        Args:
            runner: the runner.
        """
        if runner._resume and runner._load_from is None:
            runner._load_from = find_latest_checkpoint(runner.work_dir, self.out_dir)
            runner._resume = runner._load_from is not None
            if not runner._resume:
                runner.logger.warning(f'{runner.work_dir} holds no complete checkpoint: starting from the beginning')

    def before_train(self, runner: Runner) -> None:
        """Cleans up after a killed run and, where it was killed before its validation, validates.

        Args:
            runner: the runner.

        Raises:
            ValueError: ``by_epoch`` does not fit the training loop.
        """
        self._check_loop(runner)
        known = names.take_file_entries(runner.message_hub.runtime_info)
        super().before_train(runner)
        self.keep_ckpt_ids = deque()
        if is_main_process():
            self._remove_temp_files(runner)
        resumed = runner._resume and runner.iter > 0
        if resumed:
            self._adopt(runner, known)
        sizes = ', '.join(f'{name}={number}' for name, number in machine_sizes().items())
        runner.logger.info(f'Computing with {sizes}.')
        if resumed:
            report_resumed(runner, self._loaded_sizes, self.by_epoch)
        if resumed and self._loaded_unvalidated and self._validation_due(runner):
            runner.logger.info('The checkpoint was written before its validation, which is made up for now.')
            runner.val_loop.run()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restores MMEngine's own form of what :meth:`before_save_checkpoint` made plain.

        Args:
            runner: the runner.
            checkpoint: what was loaded; changed in place.
        """
        meta = checkpoint.get('meta', {})
        self._loaded_unvalidated = meta.get('validated') is False
        self._loaded_sizes = {name: meta.get(name) for name in machine_sizes()}
        # MMEngine would run this text as Python; its own checkpoints have not held it since 0.2.
        meta.pop('config', None)
        if 'message_hub' in checkpoint:
            unpack_histories(checkpoint['message_hub'])

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Makes plain data of all that is about to be written.

        Args:
            runner: the runner.
            checkpoint: what is to be written; changed in place.
        """
        checkpoint['meta'].update(machine_sizes(), validated=self._validated)
        pack_histories(checkpoint['message_hub'])
        names.keep_names(checkpoint['message_hub']['runtime_info'])
        dropped = to_plain(checkpoint['meta']) + to_plain(checkpoint['message_hub']['runtime_info'])
        if dropped:
            runner.logger.warning(f'{", ".join(dropped)} left out of the checkpoint: no plain data')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Saves the best checkpoint.

        Args:
            runner: the runner.
            metrics: of the validation.

        Raises:
            ValueError: a metric of ``save_best`` is not among them.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return
        self._validated = True
        try:
            super().after_val_epoch(runner, metrics)
        finally:
            self._validated = False

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        if self.max_keep_ckpts > 0 and (not self.keep_ckpt_ids or self.keep_ckpt_ids[-1] != step):
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_atomically(os.path.join(runner.work_dir, 'last_checkpoint'), filename.encode())
        self._remove_old(runner)

    def _remove_old(self, runner: Runner) -> None:
        if self.max_keep_ckpts > 0:
            while len(self.keep_ckpt_ids) > self.max_keep_ckpts:
                self._remove(self.filename_tmpl.format(self.keep_ckpt_ids.popleft()))
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        if not self.save_best:
            return
        missing = [name for name in self.key_indicators if name != 'auto' and name not in metrics]
        if missing:
            raise ValueError(f'save_best must be among the metrics {sorted(metrics)}, but got {missing}')
        self._break_ties(runner, metrics)
        before = self._best()
        # MMEngine removes what it knows as the best before it writes the new one; it is made to forget it.
        self._set_best({})
        runner.message_hub.update_info('replaced_ckpts', [path for path in before.values() if path])
        super()._save_best_checkpoint(runner, metrics)
        updated = {name: path for name, path in self._best().items() if path}
        self._set_best({**before, **updated})
        self._remove_replaced(runner, before.values())

    def _break_ties(self, runner: Runner, metrics: dict[str, float]) -> None:
        if 'auto' in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics))])
        for metric, rule in zip(self.key_indicators, self.rules, strict=True):
            entry, tie = f'best_tie{self._suffix(metric)}', metrics.get(tie_metric(metric))
            runner.message_hub.update_info(entry, runner.message_hub.get_info(entry, None))
            self.is_better_than[metric] = with_ties(self.rule_map[rule], runner.message_hub.runtime_info, entry, tie)

    def _suffix(self, metric: str) -> str:
        """What MMEngine adds to the names of its entries where there are several metrics."""
        return '' if len(self.key_indicators) == 1 else f'_{metric}'

    def _best(self) -> dict[str, str | None]:
        if len(self.key_indicators) == 1:
            return {self.key_indicators[0]: self.best_ckpt_path}
        return dict(self.best_ckpt_path_dict)

    def _set_best(self, paths: dict[str, str | None]) -> None:
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = next(iter(paths.values()), None)
        else:
            self.best_ckpt_path_dict = {name: paths.get(name) for name in self.key_indicators}

    def _remove_replaced(self, runner: Runner, paths: Iterable[str | None]) -> None:
        best = set(self._best().values()) if self.save_best else set()
        for path in paths:
            if path and path not in best:
                self._remove(path)
        runner.message_hub.update_info('replaced_ckpts', [])

    def _remove(self, path: str) -> None:
        name = names.own_name(path, self.filename_tmpl)
        if name is None or not is_main_process():
            return
        own = self.file_backend.join_path(self.out_dir, name)
        if self.file_backend.isfile(own):
            self.file_backend.remove(own)

    def _adopt(self, runner: Runner, known: dict[str, Any]) -> None:
        """Takes over what a checkpoint knows of the files of its run, where they are in this run's folder."""
        hub = runner.message_hub
        last = names.own_name(known.get('last_ckpt'), self.filename_tmpl)
        self.last_ckpt = self._own_path(last)
        hub.update_info('last_ckpt', self.last_ckpt)
        source = str(runner._load_from)
        if not names.is_same_folder(os.path.dirname(source), str(self.out_dir)):
            runner.logger.warning(
                f'{source} was resumed, which is in another folder than this run ({self.out_dir}): all files there '
                'stay as they are. Old checkpoints and the best one so far are not here; this folder gets a best one '
                'when it is better than those before.'
            )
            return
        self._adopt_best(runner, known)
        replaced = known.get('replaced_ckpts')
        self._remove_replaced(runner, replaced if isinstance(replaced, list) else [])
        if self.max_keep_ckpts > 0:
            self.keep_ckpt_ids.extend(names.whole_numbers(known.get('keep_ckpt_ids')))
            self._remove_old(runner)

    def _adopt_best(self, runner: Runner, known: dict[str, Any]) -> None:
        if not self.save_best:
            return
        hub, paths = runner.message_hub, {}
        for metric in self.key_indicators:
            suffix = self._suffix(metric)
            stored = known.get(f'best_ckpt{suffix}')
            paths[metric] = self._own_path(names.own_name(stored, self.filename_tmpl, best_of=metric))
            hub.update_info(f'best_ckpt{suffix}', paths[metric])
            if stored and paths[metric] is None:
                for entry in ('best_score', 'best_tie'):
                    hub.runtime_info.pop(f'{entry}{suffix}', None)
                runner.logger.warning(
                    f'The best checkpoint so far, {names.file_name(stored)}, is not one by {metric}: it is kept, and '
                    'the best one is looked for among the epochs to come.'
                )
        self._set_best(paths)

    def _own_path(self, name: str | None) -> str | None:
        return None if name is None else self.file_backend.join_path(self.out_dir, name)

    def _remove_temp_files(self, runner: Runner) -> None:
        for folder in {runner.work_dir, str(self.out_dir)}:
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                if TEMP_FILE.match(name):
                    os.remove(os.path.join(folder, name))

    def _check_loop(self, runner: Runner) -> None:
        loop = runner.train_loop
        unfit = EpochBasedTrainLoop if not self.by_epoch else IterBasedTrainLoop
        if isinstance(loop, unfit):
            raise ValueError(
                f'by_epoch of {type(self).__name__} must be {not self.by_epoch} with '
                f'{type(loop).__name__}, but got {self.by_epoch}'
            )
        every = len(loop.dataloader) if self.by_epoch else self.interval
        accumulated = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        if every % accumulated:
            runner.logger.warning(
                f'Checkpoints are written every {every} iterations, but gradients accumulate over '
                f'{accumulated}: a resumed run will not equal one that was never killed.'
            )

    def _validation_due(self, runner: Runner) -> bool:
        loop = runner.train_loop
        if runner.val_loop is None:
            return False
        loop._decide_current_val_interval()
        done, total = progress(runner, self.by_epoch)
        return done >= loop.val_begin and (done % loop.val_interval == 0 or done == total)
