"""Uploads on their way in: few at a time, of bounded size and duration, and nothing of an aborted one stays."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from mmt2ireid.apis.web.limits import PageLimits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
_CHUNK = 2**18


class RefusedError(Exception):
    """A request is not taken in.

    Args:
        status: of HTTP.
        words: for the visitor.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class LeftError(Exception):
    """The visitor has gone before the request was complete."""


class Intake:
    """Takes the bodies of uploads in before anything is made of them.

    Gradio writes files while they arrive, any number at a time, and keeps what it has when a visitor leaves.

    Args:
        limits: of the page.
        folder: for files without a name, which are gone with the upload.
    """

    def __init__(self, limits: PageLimits, folder: Path) -> None:
        self.limits, self.folder = limits, folder
        self.uploads = self.bytes = 0

    @asynccontextmanager
    async def taken(self, receive: Receive, most: int) -> AsyncIterator[Receive]:
        """Takes in one upload.

        Args:
            receive: gives its body.
            most: bytes that it may have.

        Yields:
            What gives the body again, from the disk.

        Raises:
            LeftError: the visitor has gone.
            RefusedError: it is too large, too slow, or there are too many.
        """
        if self.uploads >= self.limits.max_uploading:
            raise _too_many()
        self.uploads += 1
        size = 0
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                async for part in body_parts(receive, self.limits.idle_s, self.limits.upload_s):
                    size += len(part)
                    self.bytes += len(part)
                    if size > most:
                        raise too_large(self.limits)
                    if self.bytes > self.limits.max_uploading_bytes:
                        raise _too_many()
                    file.write(part)
                file.seek(0)
                yield _replayed(file, receive)
        finally:
            self.uploads -= 1
            self.bytes -= size


async def body_parts(receive: Receive, idle_s: float, total_s: float) -> AsyncIterator[bytes]:
    """The body of a request as it arrives.

    Args:
        receive: of ASGI.
        idle_s: seconds that may pass without a byte.
        total_s: seconds that all of it may take.

    Raises:
        LeftError: the visitor has gone.
        RefusedError: it takes too long.
    """
    end = time.monotonic() + total_s
    while True:
        try:
            message = await asyncio.wait_for(receive(), min(idle_s, max(0.0, end - time.monotonic())))
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise RefusedError(408, 'This request took too long to arrive.') from error
        if message['type'] != 'http.request':
            raise LeftError
        yield message.get('body', b'')
        if not message.get('more_body'):
            return


def too_large(limits: PageLimits) -> RefusedError:
    """The refusal of an upload with too many bytes."""
    files = f'{limits.max_uploads} files of {limits.max_upload_mb:g} MiB'
    return RefusedError(413, f'This request is too large: at most {files}.')


def _too_many() -> RefusedError:
    return RefusedError(503, 'There are too many uploads at the moment. Try again in a minute.')


def _replayed(file: IO[bytes], receive: Receive) -> Receive:
    complete = False

    async def replayed() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        body = file.read(_CHUNK)
        complete = len(body) < _CHUNK
        return dict(type='http.request', body=body, more_body=not complete)

    return replayed
