"""Visitors who ask and do not wait for the answer: what they have asked for is not computed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

GRACE_S = 5.0
"""Seconds between a question and the request that listens for its answer."""


class Visitors:
    """Sessions, and whether they listen for their answers.

    Gradio takes questions out of its queue when a visitor stops listening, but keeps those of one who never began to.

    Args:
        forget: takes the questions of a session out of the queue.
        grace_s: seconds that a session has to begin to listen.
    """

    def __init__(self, forget: Callable[[str], Coroutine[Any, Any, None]], grace_s: float = GRACE_S) -> None:
        self.forget, self.grace_s = forget, grace_s
        self._listening: Counter[str] = Counter()
        self._unheard: dict[str, list[asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task] = set()

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """As long as the context lasts, a session listens.

        Args:
            session: its name.
        """
        self._listening[session] += 1
        for timer in self._unheard.pop(session, ()):
            timer.cancel()
        try:
            yield
        finally:
            self._listening[session] -= 1
            if not self._listening[session]:
                del self._listening[session]

    def asks(self, session: str) -> None:
        """Takes in that a session asks something.

        Args:
            session: its name.
        """
        if session not in self._listening:
            timer = asyncio.get_running_loop().call_later(self.grace_s, self._forget, session)
            self._unheard.setdefault(session, []).append(timer)

    def _forget(self, session: str) -> None:
        for timer in self._unheard.pop(session, ()):
            timer.cancel()
        task = asyncio.get_running_loop().create_task(self.forget(session))
        self._tasks.add(task)  # or it might be collected before it has run
        task.add_done_callback(self._tasks.discard)
