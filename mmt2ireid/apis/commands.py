"""How command lines end: with a status, one line for what the user can change, and a traceback for all else only."""

from __future__ import annotations

import os
import re
import select
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

USER_ERROR, INTERRUPTED, UNREAD = 2, 130, 141
"""Exit statuses of a command that the user called wrongly (as argparse ends one), that Ctrl-C ended, and whose reader
had seen enough (as a shell counts signals)."""
SHOW_TRACEBACK = 'MMT2IREID_TRACEBACK'
"""Environment variable; 1 shows the traceback of user errors too."""
LEADING_RANK_SPEAKS_S = 5.0
"""Seconds by which other ranks wait with an error: rank 0 mostly has the same, and its end is theirs."""

_PACKAGE = Path(__file__).resolve().parents[1]
_DELIBERATE = (ValueError, OSError, ImportError)
_CHECKED = (ValueError, TypeError, KeyError, AssertionError)
_CHECKING = tuple(f'{os.sep}mmengine{os.sep}{room}{os.sep}' for room in ('config', 'optim', 'registry', 'runner'))
_TORCH_CHECKING = (os.path.join('torch', 'optim', ''), os.path.join('torch', 'utils', 'data', 'dataloader.py'))
_WORKER = re.compile(r'Caught (\w+) in DataLoader worker process \d+\.\n')


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command; Ctrl-C, a closed output and what the user can change end it without a traceback.

    Args:
        main: the command. The process ends with the status that it returns, unless that is 0 or None. An error that
            :func:`user_message` has words for is printed as one line ``error: ...``, and the status is 2.
    """
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        if not int(os.environ.get('RANK', 0)):  # Ctrl-C reaches all ranks
            print('interrupted', file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:
        if not _has_lost_its_reader():
            raise
        # What is still buffered goes nowhere, or the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = UNREAD
    except Exception as error:
        message = user_message(error)
        if message is None or os.environ.get(SHOW_TRACEBACK) == '1':
            raise
        _print_error(message)
        status = USER_ERROR
    if status:
        sys.exit(status)


def user_message(error: Exception) -> str | None:
    """A line about an error that the user can do something about; a list of what does not fit has lines of its own.

    These are: ``ValueError``, ``OSError`` and ``ImportError`` that this package or one of its tools raised, also in a
    worker process of a dataloader; operating system errors about a file; and what MMEngine, or an optimizer or
    dataloader of torch, finds wrong with a config while the parts of a run are built.

    Args:
        error: as it was caught.

    Returns:
        The line, or None: the traceback says more.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = frames[-1].filename if frames else ''
    worker = _WORKER.match(str(error))
    if worker:
        return _worker_message(str(error), worker[1])
    if isinstance(error, _DELIBERATE) and (_is_ours(place) or getattr(error, 'filename', None)):
        return str(error).strip() or None
    if isinstance(error, _CHECKED) and any(room in place for room in _CHECKING):
        # KeyError quotes its message; MMEngine's go on with an advice about registering classes.
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        return f'{" ".join(text.split()).split(". Please check", 1)[0]} ({SHOW_TRACEBACK}=1 shows where)'
    if isinstance(error, ValueError) and any(room in place for room in _TORCH_CHECKING):
        return f'{" ".join(str(error).split())} ({SHOW_TRACEBACK}=1 shows where)'
    return None


def _worker_message(text: str, kind: str) -> str | None:
    """The message of an error that a dataloader's worker sent as text, with its traceback."""
    files = re.findall(r'\n  File "([^"]+)", line', text)
    message = text.rsplit(f'{kind}: ', 1)[-1]
    is_deliberate = kind in {error.__name__ for error in _DELIBERATE} or kind.endswith(('ImageError', 'NotFoundError'))
    return ' '.join(message.split()) if is_deliberate and files and _is_ours(files[-1]) else None


def _is_ours(file: str) -> bool:
    """Whether a source file belongs to the package or is the command itself."""
    path = Path(file).resolve()
    command = getattr(sys.modules.get('__main__'), '__file__', None)
    return path.is_relative_to(_PACKAGE) or (command is not None and path == Path(command).resolve())


def _print_error(message: str) -> None:
    rank = int(os.environ.get('RANK', 0))
    if rank:
        time.sleep(LEADING_RANK_SPEAKS_S)
    line = f'rank {rank}: error: {message}' if rank else f'error: {message}'
    print(line.encode(errors='backslashreplace').decode(), file=sys.stderr, flush=True)


def _has_lost_its_reader() -> bool:
    """Whether the broken pipe is the standard output, and not one to a worker or a server."""
    try:
        readable = select.poll()
        readable.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in readable.poll(0))
    except (AttributeError, OSError, ValueError):  # no such call on this system, or no file behind the output
        return False
