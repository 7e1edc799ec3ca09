"""How command lines end."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable

INTERRUPTED, UNREAD = 130, 141
"""Exit statuses of a command that Ctrl-C, or a reader who had seen enough, ended: as a shell counts signals."""


def run_command(main: Callable[[], int | None]) -> None:
    """Runs a command; after Ctrl-C, and where the output goes to ``head``, it ends without a traceback.

    Args:
        main: the command. The process ends with the status that it returns, unless that is 0 or None.
    """
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:
        if not _has_lost_its_reader():
            raise
        # What is still buffered goes nowhere, or the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    if status:
        sys.exit(status)


def _has_lost_its_reader() -> bool:
    """Whether the broken pipe is the standard output, and not one to a worker or a server."""
    try:
        readable = select.poll()
        readable.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in readable.poll(0))
    except (AttributeError, OSError, ValueError):  # no such call on this system, or no file behind the output
        return False
