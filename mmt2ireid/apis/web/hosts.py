"""Names that a page answers to: a foreign site must reach it neither by its own name nor from its own scripts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_HOST = re.compile(r'(\[[0-9a-f:.]+\]|[^\s\[\]:/@]+)(:\d{1,5})?', re.IGNORECASE)
_NAME = re.compile(r'[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*', re.IGNORECASE)
_DEFAULT_PORTS = {'http': ':80', 'https': ':443'}
_SHARED = '.gradio.live'


class Hosts:
    """Names by which a page may be asked for.

    DNS rebinding gives a foreign site's name the address of this machine; the browser then takes the page for a part of
    that site. It does not work with an address in place of a name, so addresses and ``localhost`` always pass.

    Args:
        names: further names, without port.
        shared: the page is also at a name of gradio.live.

    Raises:
        ValueError: a name that is none.

    Examples:
        >>> hosts = Hosts(['crops.example.org'])
        >>> hosts.knows('crops.example.org:8443'), hosts.knows('192.168.0.7:7860'), hosts.knows('evil.example')
        (True, True, False)
    """

    def __init__(self, names: Iterable[str] = (), *, shared: bool = False) -> None:
        self.names = [name.lower().rstrip('.') for name in names]
        self._suffixes = (_SHARED,) if shared else ()
        for name in self.names:
            if not _NAME.fullmatch(name) and not _is_address(name):
                raise ValueError(f'allowed hosts must be names such as crops.example.org, but got {name!r}')

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` header names this page.

        Args:
            host: its value, with a port or not.
        """
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().rstrip('.')
        return (
            name == 'localhost'
            or name in self.names
            or _is_address(name.strip('[]'))
            or (bool(self._suffixes) and name.endswith(self._suffixes))
        )

    def why_refused(self, headers: Mapping[bytes, bytes]) -> str:
        """Why a request is not answered: it asks for another name, or a script of another site sends it.

        Args:
            headers: of the request, names in lower case.

        Returns:
            A sentence; '' for a request that may be answered.
        """
        asked = [headers[name].decode('latin-1') for name in (b'host', b'x-forwarded-host') if name in headers]
        asked = [part.strip() for value in asked for part in value.split(',')]
        unknown = [host for host in asked if not self.knows(host)]
        if unknown or b'host' not in headers:
            name = unknown[0][:100] if unknown else ''
            return f'This page is not known as {name!r}. Its owner can allow the name with --allow-host.'
        origin = headers.get(b'origin')
        if origin is not None and not self._is_own(origin.decode('latin-1').strip(), asked):
            return 'Scripts of other sites cannot use this page.'
        return ''

    def _is_own(self, origin: str, asked: list[str]) -> bool:
        """Whether a script comes from this page itself."""
        try:
            parts = urlsplit(origin)
            name = (parts.hostname or '').rstrip('.')
        except ValueError:
            return False
        port = _DEFAULT_PORTS.get(parts.scheme)
        if port is None:
            return False
        return name in self.names or any(
            host.lower().removesuffix(port) == parts.netloc.lower().removesuffix(port) for host in asked
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
