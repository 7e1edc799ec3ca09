"""Progress bars of training, validation and test."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from tqdm import tqdm

from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Shows rate, time left and the running loss, on rank 0.

    The bar of training counts the iterations of the whole run, so that the time left is the run's (its validations
    aside); validation and test have bars of their own. Where stderr is no terminal, a plain line is printed now and
    then instead. The loss is read from the message hub, so that it costs no synchronisation.

    Args:
        plain_interval: seconds between two plain lines.
        loss_interval: iterations between two updates of the loss.
    """

    priority = 'LOWEST'

    def __init__(self, plain_interval: float = 30.0, loss_interval: int = 10) -> None:
        if plain_interval < 0:
            raise ValueError(f'plain_interval must not be negative, but got {plain_interval}')
        if loss_interval < 1:
            raise ValueError(f'loss_interval must be at least 1, but got {loss_interval}')
        self.plain_interval = plain_interval
        self.loss_interval = loss_interval
        self._bars: dict[str, tqdm | _PlainProgress] = {}
        self._last_line = time.monotonic()

    def before_run(self, runner: Runner) -> None:
        """Lets log lines appear above the bar instead of in it.

        Args:
            runner: the runner.
        """
        if not sys.stderr.isatty():
            return
        for handler in runner.logger.handlers:
            if type(handler) is logging.StreamHandler and not isinstance(handler.stream, _AboveBar):
                handler.setStream(_AboveBar(handler.stream))

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        if not is_main_process():
            return
        total, done, title = len(getattr(runner, f'{mode}_dataloader')), 0, mode
        if mode == 'train':
            total, done = runner.max_iters, runner.iter
            if not isinstance(runner.train_loop, IterBasedTrainLoop):
                title = f'train epoch {runner.epoch + 1}/{runner.max_epochs}'
        if sys.stderr.isatty():
            self._bars[mode] = tqdm(total=total, initial=done, desc=title, dynamic_ncols=True, leave=False)
        else:
            self._bars[mode] = _PlainProgress(total, done, title, self)

    def _after_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = 'train'
    ) -> None:
        bar = self._bars.get(mode)
        if bar is None:
            return
        if mode == 'train' and self.every_n_inner_iters(batch_idx, self.loss_interval):
            losses = runner.message_hub.log_scalars.get('train/loss')
            if losses is not None:
                bar.set_postfix_str(f'loss {losses.mean(self.loss_interval):.4g}', refresh=False)
        bar.update(1)

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        bar = self._bars.pop(mode, None)
        if bar is not None:
            bar.close()


class _PlainProgress:
    """The part of tqdm that the hook uses, for log files; the hook remembers when a line was last printed."""

    def __init__(self, total: int, done: int, title: str, hook: ProgressBarHook) -> None:
        self._total, self._done, self._title, self._hook = total, done, title, hook
        self._initial, self._start, self._note = done, time.monotonic(), ''

    def set_postfix_str(self, note: str, refresh: bool = True) -> None:
        self._note = note

    def update(self, steps: int) -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._hook._last_line < self._hook.plain_interval:
            return
        self._hook._last_line = now
        rate = (self._done - self._initial) / max(now - self._start, 1e-9)
        left = tqdm.format_interval(max(self._total - self._done, 0) / rate)
        parts = [f'{self._title}: {self._done}/{self._total}', f'{rate:.2f} it/s', f'{left} left', self._note]
        print(', '.join(part for part in parts if part), file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


class _AboveBar:
    """A stream that makes room above the bars before it writes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        tqdm.write(text, file=self._stream, end='')

    def flush(self) -> None:
        self._stream.flush()
