"""What a page answers at all: the paths it needs, requests of a bounded size, nothing from elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from mmt2ireid.apis.web.hosts import Hosts
from mmt2ireid.apis.web.intake import Intake, LeftError, RefusedError, body_parts, too_large
from mmt2ireid.apis.web.limits import PageLimits
from mmt2ireid.apis.web.requests_log import note_failure
from mmt2ireid.apis.web.visitors import Visitors

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

UPLOAD, JOIN, DATA = '/gradio_api/upload', '/gradio_api/queue/join', '/gradio_api/queue/data'
# Gradio has more: files of its cache, a proxy, recordings, statistics. The page needs none of them.
_EXACT = re.compile(
    r'/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|login_check|user)?/?'
    r'|/gradio_api/(info|app_id|startup-events|login_check|user|theme\.css|heartbeat/\w+|cancel|reset'
    r'|queue/(join|data|status)|upload|upload_progress|call/\w+(/\w+)?)/?'
)
_SERVER = b'x-gradio-server'  # would be taken for the page's own address
_HALF = re.compile(rb'\\u[dD][89a-fA-F]')
_LONGEST = 250
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


class Guard:
    """Stands before the page's application (ASGI).

    Args:
        app: the application.
        limits: of requests.
        folder: of the uploaded files; kept small.
        hosts: names that the page is known by.
        root_path: where a proxy shows the page, such as ``/find``; a proxy may leave it in the paths or not.
        visitors: hears who asks and who listens.
    """

    def __init__(
        self,
        app: Any,
        *,
        limits: PageLimits,
        folder: Path,
        hosts: Hosts | None = None,
        root_path: str = '',
        visitors: Visitors | None = None,
    ) -> None:
        self.app, self.limits, self.folder = app, limits, folder
        self.hosts, self.root_path = hosts or Hosts(), root_path.rstrip('/')
        self.visitors = visitors
        self.intake = Intake(limits, folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or has it answered."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
        elif scope['type'] == 'http':
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message['type'] == 'http.response.start':
                started = True
                message = {**message, 'headers': [*message.get('headers', ()), *_HEADERS]}
            await send(message)

        try:
            await self._guarded(scope, receive, answer)
        except LeftError:
            pass
        except RefusedError as error:
            if not started:
                await _refuse(answer, error.status, error.words)
        except Exception as error:  # of whatever Gradio stumbles over, uvicorn would log 80 lines
            note_failure(f'{scope["method"]} {scope["path"][:100]}', error)
            if started:
                await answer(dict(type='http.response.body', body=b''))
            else:
                await _refuse(answer, 500, 'The server could not answer this request; its log says why.')

    async def _guarded(self, scope: Scope, receive: Receive, answer: Send) -> None:
        headers = dict(scope['headers'])
        reason = self.hosts.why_refused(headers)
        if reason:
            raise RefusedError(403, reason)
        path = scope['path']
        if self.root_path and path.startswith(f'{self.root_path}/'):
            path = path[len(self.root_path) :]
        if not is_served(path):
            raise RefusedError(404, 'There is nothing here.')
        scope = {**scope, 'path': path, 'raw_path': path.encode(), 'headers': _without(scope['headers'], _SERVER)}
        is_upload = path.rstrip('/') == UPLOAD
        most = self.limits.max_request_bytes if is_upload else 1024 * self.limits.max_request_kb
        if int(headers.get(b'content-length', b'0')) > most:
            raise self._too_large(is_upload)
        if is_upload:
            async with self.intake.taken(receive, most) as receive:
                tidy(self.folder, 2**20 * self.limits.max_kept_mb - most, self.limits.kept_s)
                await self.app(scope, receive, answer)
        elif scope['method'] == 'POST':
            await self.app(scope, _replayed(await self._body(path, receive, most), receive), answer)
        else:
            with self._listening(path, scope):
                await self.app(scope, receive, answer)

    async def _body(self, path: str, receive: Receive, most: int) -> bytes:
        """The body of a request that is no upload."""
        body = b''
        async for part in body_parts(receive, self.limits.idle_s, self.limits.request_s):
            body += part
            if len(body) > most:
                raise self._too_large(False)
        body = mended(body)
        if asks_elsewhere(body):
            raise RefusedError(400, 'Pictures are uploaded from your own machine, not taken from addresses.')
        if path.rstrip('/') == JOIN:
            session = session_of(body)
            if session and self.visitors is not None:
                self.visitors.asks(session)
        return body

    def _listening(self, path: str, scope: Scope) -> contextlib.AbstractContextManager[None]:
        session = parse_qs(scope.get('query_string', b'').decode('latin-1')).get('session_hash', [''])[0]
        if path.rstrip('/') != DATA or not session or self.visitors is None:
            return contextlib.nullcontext()
        return self.visitors.listening(session)

    def _too_large(self, is_upload: bool) -> RefusedError:
        if is_upload:
            return too_large(self.limits)
        return RefusedError(413, f'This request is too large: at most {self.limits.max_request_kb} KiB.')


def is_served(path: str) -> bool:
    """Whether a path is one that the page needs.

    Args:
        path: of a request, decoded.
    """
    if len(path) > _LONGEST or '..' in path or '\\' in path or '\0' in path:
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


def session_of(body: bytes) -> str:
    """The session that a request is of; '' if it names none.

    Args:
        body: JSON, or anything else.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ''
    session = content.get('session_hash') if isinstance(content, dict) else None
    return session if isinstance(session, str) else ''


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


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replayed() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return dict(type='http.request', body=body, more_body=False)

    return replayed


def _without(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [pair for pair in headers if pair[0].lower() != name]


async def _refuse(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [(b'content-type', b'text/plain; charset=utf-8'), (b'content-length', str(len(body)).encode())]
    await send(dict(type='http.response.start', status=status, headers=headers))
    await send(dict(type='http.response.body', body=body))
