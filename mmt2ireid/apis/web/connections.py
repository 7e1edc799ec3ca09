"""Connections that ask for nothing are closed, and no answer invites scripts of other sites."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def tune(config: Any, *, idle_s: float, max_connections: int) -> None:
    """Changes a running server; connections made from now on are treated so.

    uvicorn waits without limit for the first request of a connection, and for the rest of a request's head.

    Args:
        config: uvicorn's ``Config``, loaded.
        idle_s: seconds that a connection may take for the head of a request.
        max_connections: further ones are closed at once.
    """
    config.http_protocol_class = impatient(config.http_protocol_class, idle_s, max_connections)
    config.loaded_app = WithoutCors(config.loaded_app)


def impatient(protocol: type, idle_s: float, max_connections: int) -> type:
    """Uvicorn's protocol, h11's or httptools', with an end to waiting.

    Args:
        protocol: one of uvicorn's HTTP protocols.
        idle_s: seconds that the head of a request may take.
        max_connections: at once.
    """

    class ImpatientProtocol(protocol):  # type: ignore[misc]
        _timer: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                transport.abort()
                return
            self._timer = self.loop.call_later(idle_s, transport.abort)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop()
            elif self._timer is None:
                self._timer = self.loop.call_later(idle_s, self.transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _unsupported_upgrade_warning(self) -> None:
            pass  # the page has no WebSockets; two lines of the log for each who tries are no help

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return ImpatientProtocol


class WithoutCors:
    """Takes the ``Access-Control-*`` headers out of all answers (ASGI): only the page's own scripts may use it.

    Gradio's own rule lets any site in, with its visitors' cookies, unless the page is asked for as localhost. It stands
    outside of all middleware, so this must stand around the application.

    Args:
        app: the application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message['type'] == 'http.response.start':
                kept = [
                    pair for pair in message.get('headers', ()) if not pair[0].lower().startswith(b'access-control-')
                ]
                message = {**message, 'headers': kept}
            await send(message)

        await self.app(scope, receive, answer)
