"""A small reverse proxy, as nginx or Caddy would stand before the page."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def reverse_proxy(address: str, prefix: str, *, strips: bool, keeps_host: bool):
    """Shows a page below a prefix; yields the address there.

    Args:
        address: of the page.
        prefix: such as ``/find``.
        strips: takes the prefix out of the paths, as ``proxy_pass http://host/;`` and ``handle_path`` do.
        keeps_host: passes the browser's ``Host`` on; otherwise in ``X-Forwarded-Host`` only.
    """
    page = urlsplit(address)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def handle_any(self):
            if not self.path.startswith(f'{prefix}/'):
                self.send_error(404)
                return
            path = self.path[len(prefix) :] if strips else self.path
            body = self.rfile.read(int(self.headers.get('content-length', 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != 'host'}
            headers['X-Forwarded-Host'] = self.headers['host']
            headers['X-Forwarded-Proto'] = 'http'
            headers['Host'] = self.headers['host'] if keeps_host else page.netloc
            connection = http.client.HTTPConnection(page.hostname, page.port, timeout=60)
            connection.request(self.command, path, body, headers)
            answer = connection.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ('transfer-encoding', 'content-length', 'connection'):
                    self.send_header(name, value)
            self.send_header('Connection', 'close')
            self.end_headers()
            self.close_connection = True
            while part := answer.read1(2**16):
                self.wfile.write(part)
                self.wfile.flush()
            connection.close()

        def __getattr__(self, name):
            if name.startswith('do_'):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}{prefix}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
