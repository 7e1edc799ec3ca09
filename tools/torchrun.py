"""``torchrun`` that ends quietly: takes its arguments, and adds one line at most to what the failed process has said.

torchrun itself answers every failure, also "no such file", with a traceback of its own and a table below the message.
"""

from __future__ import annotations

import logging
import signal
import sys

from torch.distributed import run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

NAMED = 2
"""Exit status of a process that has named its error in one line."""


def main() -> int:
    # It logs the end of every process, with tracebacks of its own, and signals; its loggers have levels of their own.
    logging.disable(logging.ERROR)
    try:
        run.run(run.parse_args(sys.argv[1:]))
    except ChildFailedError as error:
        return report_failure(error)
    except SignalException as error:
        return 128 + error.sigval
    return 0


def report_failure(error: ChildFailedError) -> int:
    """Say which process failed first, unless it has named its error; return the exit status."""
    rank, failure = error.get_first_failure()
    if failure.exitcode < 0:
        name = signal.Signals(-failure.exitcode).name
        hint = ' (out of memory?)' if name == 'SIGKILL' else ''
        print(f'error: process {rank} was ended by {name}{hint}', file=sys.stderr)
        return 128 - failure.exitcode
    if failure.exitcode != NAMED:
        print(f'error: process {rank} failed first, with exit status {failure.exitcode}', file=sys.stderr)
    return failure.exitcode


if __name__ == '__main__':
    sys.exit(main())
