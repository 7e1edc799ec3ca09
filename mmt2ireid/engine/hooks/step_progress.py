"""Progress of work that goes through named steps."""

from __future__ import annotations

import sys
import time

from mmengine.dist import is_main_process
from tqdm import tqdm

_FORMAT = '{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}, {rate_fmt}'


class StepProgress:
    """A bar per step with rate and time left, on rank 0; plain lines now and then where stderr is no terminal.

    It is called as ``mmt2ireid.labeling`` calls it: with the name of a step and the share of it that is done.

    Args:
        title: in front of the names.
        plain_interval: seconds between two plain lines.
    """

    def __init__(self, title: str, plain_interval: float = 30.0) -> None:
        self.title, self.plain_interval = title, plain_interval
        self._shown = is_main_process()
        self._bar: tqdm | None = None
        self._step = ''
        self._start = self._last_line = time.monotonic()

    def __call__(self, step: str, share: float) -> None:
        """Shows how far a step is.

        Args:
            step: its name.
            share: done of it, 0 to 1.
        """
        if not self._shown:
            return
        if step != self._step:
            self.close()
            self._step, self._start = step, time.monotonic()
            if sys.stderr.isatty():
                name = f'{self.title} {step}'
                self._bar = tqdm(total=100, desc=name, unit='%', bar_format=_FORMAT, dynamic_ncols=True, leave=False)
        if self._bar is not None:
            self._bar.update(100 * share - self._bar.n)
        else:
            self._line(share)

    def _line(self, share: float) -> None:
        now = time.monotonic()
        if now - self._last_line < self.plain_interval:
            return
        self._last_line = now
        parts = [f'{self.title} {self._step}: {share:.0%}']
        if share > 0:
            rate = share / max(now - self._start, 1e-9)
            parts += [f'{100 * rate:.2g} %/s', f'{tqdm.format_interval((1 - share) / rate)} left']
        print(', '.join(parts), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._step = None, ''
