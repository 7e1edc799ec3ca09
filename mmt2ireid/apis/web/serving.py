"""Showing the page: one address, one folder for uploads that goes with it, and a clean end."""

from __future__ import annotations

import errno
import inspect
import os
import re
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mmt2ireid.apis.web.connections import tune
from mmt2ireid.apis.web.guard import Guard
from mmt2ireid.apis.web.hosts import Hosts
from mmt2ireid.apis.web.service import SearchService
from mmt2ireid.apis.web.visitors import Visitors
from mmt2ireid.compat import keep_log_files

# What the page does not use is off, whatever the environment says; some of it is of later versions of Gradio.
_OFF: dict[str, Any] = dict(
    footer_links=[],
    run_history=False,
    enable_monitoring=False,
    mcp_server=False,
    ssr_mode=False,
    pwa=False,
    inbrowser=False,
    num_workers=0,
    debug=False,
)
OLDEST = (6, 18)
_ROOT_PATH = re.compile(r'(https?://[^\s/?#@]+)?(/[^\s/?#]+)*/?')
LOOPBACK = ('127.0.0.1', 'localhost', '::1')


@dataclass(frozen=True)
class Address:
    """Where the page is.

    Attributes:
        host: address of this machine that is listened on, of IPv6 with brackets or without; the default is reached from
            this machine only.
        port: 0 takes any that is free.
        share: also through a tunnel of gradio.live, for everybody who has the address.
        allow_hosts: names that the page may be asked for by, beside ``localhost``, addresses in numbers, ``host`` and,
            unless only this machine reaches it, the name of this machine.
        root_path: where a proxy shows the page: ``/find``, or ``https://example.org/find``, whose name is allowed then.

    Raises:
        ValueError: one of them is not that.
    """

    host: str = '127.0.0.1'
    port: int = 7860
    share: bool = False
    allow_hosts: tuple[str, ...] = ()
    root_path: str = ''

    def __post_init__(self) -> None:
        object.__setattr__(self, 'host', self.host.strip('[]'))
        if not 0 <= self.port <= 65535:
            raise ValueError(f'port must be from 0 to 65535, but got {self.port}')
        if self.root_path and not _ROOT_PATH.fullmatch(self.root_path):
            raise ValueError(
                'root_path must be a path such as /find, or an address such as https://example.org/find, but got '
                f'{self.root_path!r}'
            )
        Hosts(self.allow_hosts)

    @property
    def hosts(self) -> Hosts:
        """Names that the page is known by."""
        names = [*self.allow_hosts, urlsplit(self.root_path).hostname or '']
        if not self.is_local:
            names += [self.host, socket.gethostname()]
        return Hosts([name for name in names if name], shared=self.share)

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK and not self.share

    def check(self) -> None:
        """Makes sure that the port can be had.

        Raises:
            OSError: it is taken, or the host is none of this machine.
        """
        try:
            family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((self.host, self.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OSError(f'port {self.port} is taken: end what uses it, or give another one') from error
            raise OSError(f'the page cannot be at {self.host}:{self.port}: {error.strerror or error}') from error


def check_gradio() -> None:
    """Makes sure that Gradio is there, recent enough, and silent.

    Raises:
        ImportError: it is not; the extra is named.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'  # read when it is imported
    os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')
    try:
        import gradio
    except ImportError as error:
        raise ImportError(f"the page needs Gradio: pip install 'mmt2ireid[demo]' ({error})") from error
    if tuple(int(part) for part in gradio.__version__.split('.')[:2]) < OLDEST:
        wanted = '.'.join(map(str, OLDEST))
        raise ImportError(
            f'the page needs Gradio {wanted} or later, whose pages contact no other server, but got '
            f"{gradio.__version__}: pip install -U 'mmt2ireid[demo]'"
        )


@contextmanager
def running_page(
    service: SearchService, *, model: str, address: Address | None = None, examples: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Iterator[str]:  # fmt: skip
    """Shows the page as long as the context lasts.

    Args:
        service: what it can do.
        model: name of the model, for the header.
        address: where.
        examples: descriptions to try; None for some that fit many galleries.
        notes: further facts for the header.

    Yields:
        The page's address.

    Raises:
        ImportError: Gradio is missing.
        OSError: the port is taken.
    """
    address = address or Address()
    check_gradio()
    address.check()
    with tempfile.TemporaryDirectory(prefix='mmt2ireid-page-', ignore_cleanup_errors=True) as folder:
        before = os.environ.get('GRADIO_TEMP_DIR')
        os.environ['GRADIO_TEMP_DIR'] = folder
        try:
            page, url = _launch(service, model, address, examples, notes, Path(folder))
            try:
                yield url
            finally:
                page.close(verbose=False)
        finally:
            if before is None:
                os.environ.pop('GRADIO_TEMP_DIR', None)
            else:
                os.environ['GRADIO_TEMP_DIR'] = before


def serve(service: SearchService, **options: Any) -> None:
    """Shows the page until the process is interrupted or told to end.

    Args:
        service: what it can do.
        **options: of :func:`running_page`.
    """
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with running_page(service, **options) as url:
            print(f'the page is at {url}   (Ctrl-C ends it)', flush=True)
            while not ended.wait(0.5):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _launch(
    service: SearchService, model: str, address: Address, examples: Sequence[str] | None, notes: Sequence[str],
    folder: Path,
) -> tuple[Any, str]:  # fmt: skip
    from starlette.middleware import Middleware

    from mmt2ireid.apis.web import style
    from mmt2ireid.apis.web.page import EXAMPLES, build_page

    page = build_page(service, model=model, examples=EXAMPLES if examples is None else examples, notes=notes)
    limits = service.limits
    guard = Middleware(
        Guard,
        limits=limits,
        folder=folder,
        hosts=address.hosts,
        root_path=urlsplit(address.root_path).path,
        visitors=Visitors(lambda session: page._queue.clean_events(session_hash=session)),
    )
    known = inspect.signature(page.launch).parameters
    with keep_log_files():
        _, url, shared = page.launch(
            server_name=f'[{address.host}]' if ':' in address.host else address.host,
            server_port=address.port or _free_port(address.host),
            share=address.share,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            max_file_size=limits.max_upload_bytes,
            root_path=address.root_path.rstrip('/') or None,
            max_threads=8,
            state_session_capacity=200,
            theme=style.theme(),
            css=style.CSS,
            app_kwargs=dict(middleware=[guard]),
            **{name: value for name, value in _OFF.items() if name in known},
        )
    tune(page.server.config, idle_s=limits.idle_s, max_connections=limits.max_connections)
    return page, shared or url.replace('//[::]:', '//[::1]:')  # where this machine reaches it


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind((host, 0))
        return trial.getsockname()[1]
