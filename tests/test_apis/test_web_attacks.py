"""What strangers may try with a page: foreign names and scripts, stalled and aborted uploads, silent connections."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from reverse_proxy import reverse_proxy
from web_parts import ColourEncoder, PageClient, colour_gallery, picture

pytest.importorskip('gradio', reason="needs 'mmt2ireid[demo]'")

from mmt2ireid.apis.web import Address, PageLimits, SearchService, open_searcher, running_page
from mmt2ireid.apis.web.hosts import Hosts
from mmt2ireid.apis.web.intake import Intake, LeftError, RefusedError
from mmt2ireid.apis.web.visitors import Visitors

LIMITS = PageLimits(max_upload_mb=1, max_uploads=2, max_uploading=2, max_uploading_mb=3, idle_s=1.0, max_connections=24)


@contextlib.contextmanager
def page(folder, limits=LIMITS, encoder=None, **address):
    with open_searcher(
        encoder or ColourEncoder(), folder, index='memory', progress=False, tell=lambda text: None
    ) as searcher:
        service = SearchService(searcher, limits=limits)
        with running_page(service, model='m', address=Address(port=0, **address)) as url:
            yield url.rstrip('/')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return colour_gallery(tmp_path_factory.mktemp('page') / 'crops')


@pytest.fixture(scope='module')
def address(folder):
    with page(folder, allow_hosts=('crops.example.org',)) as url:
        yield url


def ask(address, method='GET', path='/config', body=None, **headers):
    """A request with any headers; returns status, headers and content."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host='Host' in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader('Content-Length', str(len(body)))
        connection.putheader('Content-Type', 'application/json')
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content.decode()


@pytest.mark.parametrize(
    'host', ['evil.example', 'evil.example:7860', 'localhost.evil.example', 'x@127.0.0.1', '', '/']
)
def test_a_name_that_is_not_the_pages_is_refused(address, host):
    status, headers, words = ask(address, Host=host)
    assert status == 403 and 'not known as' in words and '--allow-host' in words
    assert 'content-security-policy' in headers
    for path in ('/', '/gradio_api/queue/join', '/theme.css'):
        assert ask(address, 'POST' if 'join' in path else 'GET', path, Host=host)[0] == 403


@pytest.mark.parametrize(
    'host', ['localhost', 'LOCALHOST:1', '127.0.0.1:99', '[::1]:7', '10.1.2.3', 'Crops.Example.org.']
)
def test_names_of_the_page(address, host):
    assert ask(address, Host=host)[0] == 200


def test_a_forwarded_name_must_be_the_pages_too(address):
    assert ask(address, X_Forwarded_Host='evil.example')[0] == 403
    assert ask(address, X_Forwarded_Host='crops.example.org')[0] == 200
    _, _, config = ask(address, X_Gradio_Server='https://evil.example')
    assert 'evil.example' not in config


@pytest.mark.parametrize(
    'origin',
    ['https://evil.example', 'null', 'http://127.0.0.1:1', 'http://localhost.evil.example', 'file://', 'http://[', ''],
)
@pytest.mark.parametrize('host', [None, 'crops.example.org'])
def test_scripts_of_other_sites_get_nothing(address, origin, host):
    own = dict(Host=host) if host else {}
    status, headers, words = ask(address, Origin=origin, **own)
    assert status == 403 and 'other sites' in words
    body = json.dumps(dict(data=[], fn_index=0, session_hash='x')).encode()
    assert ask(address, 'POST', '/gradio_api/queue/join', body, Origin=origin, **own)[0] == 403
    preflight = ask(address, 'OPTIONS', Origin=origin, Access_Control_Request_Method='POST', **own)
    for found in (headers, preflight[1]):
        assert not [name for name in found if name.startswith('access-control-')]


def test_scripts_of_the_page_are_answered(address):
    assert ask(address, Origin=address)[0] == 200
    for origin in ('http://crops.example.org', 'http://crops.example.org:80', 'https://crops.example.org'):
        status, headers, _ = ask(address, Host='crops.example.org', Origin=origin)
        assert status == 200 and not [name for name in headers if name.startswith('access-control-')]
    # Behind a proxy that puts another name in place of the browser's.
    assert ask(address, Origin='https://crops.example.org')[0] == 200


@pytest.mark.parametrize('name', ['http://x', 'a b', 'a/b', '', 'x:80', '*'])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match='allowed hosts must be names'):
        Address(allow_hosts=(name,))


@pytest.mark.parametrize('host', ['::1', '[::1]', '::'])
def test_addresses_of_ipv6(folder, host):
    try:
        Address(host, port=0).check()
    except OSError:
        pytest.skip('this machine has no IPv6')
    assert Address(host).is_local == (host != '::')
    with page(folder, host=host) as url:
        assert url.startswith('http://[::1]:') and ask(url)[0] == 200
        assert ask(url, Origin=url)[0] == 200 and ask(url, Origin='http://[::2]:7860')[0] == 403


def test_what_an_open_page_is_called():
    assert not Hosts().knows('box') and not Address().hosts.knows(socket.gethostname())
    opened = Address('0.0.0.0').hosts
    assert opened.knows(socket.gethostname()) and not opened.knows('evil.example')
    assert Address('box.lan').hosts.knows('box.lan:7860')
    assert Address(share=True).hosts.knows('abc.gradio.live') and not opened.knows('abc.gradio.live')
    assert Address(root_path='https://example.org/find').hosts.knows('example.org')
    for wrong in ('find', '/a b', 'ftp://x/find', '/a?b', 'https://'):
        with pytest.raises(ValueError, match='root_path must be'):
            Address(root_path=wrong)


@pytest.mark.parametrize('strips', [True, False])
@pytest.mark.parametrize('keeps_host', [True, False])
def test_behind_a_proxy(folder, strips, keeps_host):
    with (
        page(folder, root_path='/find') as url,
        reverse_proxy(url, '/find', strips=strips, keeps_host=keeps_host) as outside,
    ):
        client = PageClient(outside)
        assert client.config['root'] == outside
        own = {'origin': outside.removesuffix('/find')}
        client.web.headers.update(own)
        assert 'cam0/red.png' in client.search('red', top_k=2)
        assert client.upload(picture('red'), 'a.png')['path']
        start = client.web.get('/')
        assert start.status_code == 200 and 'evil' not in start.text
        assert client.web.get('/gradio_api/file=/etc/passwd').status_code == 404
        assert client.web.get('/config', headers={'origin': 'http://evil.example'}).status_code == 403


def start_upload(address, length, sent=b'', boundary=b'x'):
    """A connection with an upload that is not complete."""
    place = urlsplit(address)
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    connection = socket.create_connection((place.hostname, place.port), timeout=10)
    connection.sendall(
        b'POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n'
        b'Content-Length: %d\r\n\r\n' % length + head + sent
    )
    return connection


def status_of(connection):
    connection.settimeout(10)
    with contextlib.suppress(OSError):
        return connection.recv(2**16).split(b'\r\n')[0].decode()
    return ''


def kept_files():
    return sorted(name for _, _, files in os.walk(os.environ['GRADIO_TEMP_DIR']) for name in files)


def test_of_aborted_and_stalled_uploads_nothing_stays(address):
    before = kept_files()
    aborted = start_upload(address, 900_000, bytes(500_000))
    time.sleep(0.3)
    aborted.close()
    stalled = start_upload(address, 900_000, bytes(500_000))
    assert '408' in status_of(stalled)
    stalled.close()
    assert kept_files() == before


def test_uploads_on_their_way_are_few(address):
    stalled = [start_upload(address, 900_000, bytes(300_000)) for _ in range(2)]
    time.sleep(0.3)
    third = start_upload(address, 900_000)
    assert '503' in status_of(third)
    for connection in (*stalled, third):
        connection.close()
    deadline = time.monotonic() + 10
    client = PageClient(address)
    while client.web.post('/gradio_api/upload', files={'files': ('a.png', picture('red'))}).status_code != 200:
        assert time.monotonic() < deadline


def test_uploads_on_their_way_have_few_bytes_in_all(tmp_path):
    intake = Intake(PageLimits(max_upload_mb=1, max_uploads=1, max_uploading_mb=2), tmp_path)

    async def upload(parts, gate):
        todo = list(parts)

        async def receive():
            if not todo:
                await gate.wait()
                return dict(type='http.disconnect')
            return dict(type='http.request', body=todo.pop(0), more_body=True)

        async with intake.taken(receive, 2**21):
            raise AssertionError('it is never complete')

    async def rush():
        gate = asyncio.Event()
        waiting = asyncio.create_task(upload([bytes(2**20), bytes(2**19)], gate))
        while intake.bytes < 2**20 + 2**19:
            await asyncio.sleep(0.001)
        with pytest.raises(RefusedError, match='too many uploads') as refused:
            await upload([bytes(2**20)], gate)
        assert refused.value.status == 503 and intake.bytes == 2**20 + 2**19
        gate.set()
        with pytest.raises(LeftError):
            await waiting

    asyncio.run(rush())
    assert (intake.uploads, intake.bytes, list(tmp_path.iterdir())) == (0, 0, [])


@pytest.mark.parametrize('sent', [b'', b'GET / HT', b'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: '])
def test_connections_that_ask_for_nothing_are_closed(address, sent):
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(sent)
        start = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b''
        assert 0.5 < time.monotonic() - start < 8


def test_a_second_request_may_not_stall_either(address):
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(b'GET /robots.txt HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert b'HTTP/1.1' in connection.recv(2**16)
        connection.sendall(b'GET / HT')
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(2**16):
                pass


def test_a_body_that_stalls_is_refused(address):
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(
            b'POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"data"'
        )
        assert '408' in status_of(connection)


def test_connections_are_few(address):
    place = urlsplit(address)
    silent = [socket.create_connection((place.hostname, place.port), timeout=10) for _ in range(60)]
    time.sleep(0.3)
    closed = 0
    for connection in silent:
        connection.setblocking(False)
        try:
            closed += connection.recv(1) == b''
        except BlockingIOError:
            pass
        except OSError:
            closed += 1
        connection.close()
    assert 30 <= closed < 60
    time.sleep(0.2)
    assert ask(address)[0] == 200


def test_a_slow_picture_holds_no_search_up(folder, monkeypatch):
    started = threading.Event()

    def slow(self, path, name):
        started.set()
        time.sleep(6)
        raise ValueError('took long')

    monkeypatch.setattr(SearchService, 'read_upload', slow)
    with page(folder) as url:
        client = PageClient(url)
        for number in range(4):
            file = client.upload(picture((number, 9, 9)), f'{number}.png')
            client.join('picture_file', 'upload', [file])
        assert started.wait(10)
        start = time.monotonic()
        assert 'cam0/red.png' in PageClient(url).search('red', top_k=2)
        assert time.monotonic() - start < 5


def test_questions_of_those_who_do_not_listen_are_forgotten(folder, monkeypatch):
    asked = []

    class Encoder(ColourEncoder):
        def encode_texts(self, texts):
            asked.extend(texts)
            time.sleep(1)
            return super().encode_texts(texts)

    monkeypatch.setattr(Visitors.__init__, '__defaults__', (1.0,))
    with page(folder, encoder=Encoder()) as url:
        for number in range(12):
            PageClient(url).join('search', 'click', [f'left {number}', None, 0.5, 2, [], []])
        time.sleep(1.5)
        assert 'cam0/red.png' in PageClient(url).search('red', top_k=2)
        assert 1 <= len([text for text in asked if 'left' in text]) < 8
