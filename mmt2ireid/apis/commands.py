"""How command lines end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED, UNREAD = 130, 141
"""Exit statuses of a command that Ctrl-C, or a reader who had seen enough, ended: as a shell counts signals."""


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and ends the process, without a traceback after Ctrl-C and where the output goes to ``head``.

    Args:
        main: the command; what it returns is the exit status, None is 0.
    """
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:
        # What is still buffered goes nowhere, or the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    sys.exit(status)
