"""What a page answers at all: the paths it needs, requests of a bounded size, nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from mmt2ireid.apis.web.limits import PageLimits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

UPLOAD = '/gradio_api/upload'
# Gradio has more: files of its cache, a proxy, recordings, statistics. The page needs none of them.
_EXACT = re.compile(
    r'/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login_check|user)?/?'
    r'|/gradio_api/(info|app_id|startup-events|login_check|user|theme\.css|heartbeat/\w+|cancel|reset'
    r'|queue/(join|data|status)|upload|upload_progress|call/\w+(/\w+)?)/?'
)
_HALF = re.compile(rb'\\u[dD][89a-fA-F]')
_STATIC = ('/assets/', '/static/', '/svelte/')
_HEADERS = (
    (
        b'content-security-policy',
        # Gradio's own scripts stand in the page and make functions of templates.
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        b"form-action 'self'; frame-ancestors 'self'",
    ),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
)


class TooLargeError(Exception):
    """A request has more bytes than it may have."""


class Guard:
    """Stands before the page's application (ASGI).

    Args:
        app: the application.
        limits: of requests.
        folder: of the uploaded files; kept small.
    """

    def __init__(self, app: Any, *, limits: PageLimits, folder: Path) -> None:
        self.app, self.limits, self.folder = app, limits, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or has it answered."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
        elif scope['type'] == 'http':
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope['path']
        started = False

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message['type'] == 'http.response.start':
                started = True
                message = {**message, 'headers': [*message.get('headers', ()), *_HEADERS]}
            await send(message)

        if not is_served(path):
            await _refuse(answer, 404, 'There is nothing here.')
            return
        is_upload = path.rstrip('/') == UPLOAD
        most = self.limits.max_request_bytes if is_upload else 1024 * self.limits.max_request_kb
        try:
            if int(dict(scope['headers']).get(b'content-length', b'0')) > most:
                raise TooLargeError
            receive = _counted(receive, most)
            if is_upload:
                tidy(self.folder, 2**20 * self.limits.max_kept_mb - most, self.limits.kept_s)
            elif scope['method'] == 'POST':
                body = mended(await _read(receive))
                if asks_elsewhere(body):
                    await _refuse(answer, 400, 'Pictures are uploaded from your own machine, not taken from addresses.')
                    return
                receive = _replayed(body, receive)
            await self.app(scope, receive, answer)
        except TooLargeError:
            if not started:
                files = f'{self.limits.max_uploads} files of {self.limits.max_upload_mb:g} MiB'
                what = files if is_upload else f'{self.limits.max_request_kb} KiB'
                await _refuse(answer, 413, f'This request is too large: at most {what}.')


def is_served(path: str) -> bool:
    """Whether a path is one that the page needs.

    Args:
        path: of a request, decoded.
    """
    if '..' in path or '\\' in path or '\0' in path:
        return False
    return path.startswith(_STATIC) or _EXACT.fullmatch(path) is not None


def asks_elsewhere(body: bytes) -> bool:
    """Whether a request names a file by a web address, which Gradio would fetch.

    Args:
        body: JSON, or anything else.
    """
    if b'path' not in body and b'\\u' not in body:
        return False
    try:
        return any(
            isinstance(part.get('path'), str) and '://' in part['path'].strip()[:12]
            for part in _objects(json.loads(body))
        )
    except (ValueError, RecursionError):
        return False  # nor can Gradio read it


def mended(body: bytes) -> bytes:
    """A request in which halves of letters, which no answer could repeat, are the replacement sign.

    Args:
        body: JSON, or anything else, which stays as it is.
    """
    if _HALF.search(body) is None:
        return body
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
    return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').encode()


def tidy(folder: Path, max_bytes: float, max_age: float) -> None:
    """Deletes uploaded files that are too old, and of the others the oldest until the rest is small enough.

    Args:
        folder: of the files, with folders in it.
        max_bytes: of what stays.
        max_age: in seconds.
    """
    known = []
    for path in _files(folder):
        try:
            status = path.stat()
            known.append((status.st_mtime, status.st_size, path))
        except OSError:
            continue
    oldest = time.time() - max_age
    total = 0
    for changed, size, path in sorted(known, reverse=True):
        total += size
        if changed < oldest or total > max_bytes:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _objects(value: Any) -> Iterator[dict]:
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            yield part
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)


def _counted(receive: Receive, most: int) -> Receive:
    total = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal total
        message = await receive()
        total += len(message.get('body', b''))
        if total > most:
            raise TooLargeError
        return message

    return counted


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get('body', b''))
        if message['type'] != 'http.request' or not message.get('more_body'):
            return b''.join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replayed() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return dict(type='http.request', body=body, more_body=False)

    return replayed


async def _refuse(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [(b'content-type', b'text/plain; charset=utf-8'), (b'content-length', str(len(body)).encode())]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=body))
