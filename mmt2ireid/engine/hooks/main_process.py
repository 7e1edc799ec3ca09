"""Work that the main process does for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mmengine.dist import broadcast_object_list, is_main_process

Result = TypeVar('Result')


def from_main_process(make: Callable[[], Result]) -> Result:
    """What a function returns in the main process, in every process.

    Args:
        make: the function; its result must be picklable.

    Returns:
        Its result.

    Raises:
        Exception: what the function raised, in the main process.
        RuntimeError: the function failed there, in the others, which would wait for ever otherwise.
    """
    outcome: list[Any] = [None, None]
    failure: Exception | None = None
    if is_main_process():
        try:
            outcome[0] = make()
        except Exception as error:  # whatever it is, the others must hear of it
            failure = error
            outcome[1] = f'{type(error).__name__}: {error}'
    broadcast_object_list(outcome)
    if failure is not None:
        raise failure
    if outcome[1] is not None:
        raise RuntimeError(f'the main process failed with {outcome[1]}')
    return outcome[0]
