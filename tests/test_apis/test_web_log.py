"""The page's log: a line at most for each request that cannot be answered."""

from __future__ import annotations

import logging
import socket
from urllib.parse import urlsplit

import pytest
from web_parts import ColourEncoder, PageClient, colour_gallery, file_data, picture

pytest.importorskip('gradio', reason="needs 'mmt2ireid[demo]'")

from mmt2ireid.apis.web import Address, SearchService, open_searcher, running_page
from mmt2ireid.apis.web.requests_log import note_failure

JOIN = '/gradio_api/queue/join'
SEARCH = ['red', None, 0.5, 5, [], []]


@pytest.fixture(scope='module')
def address(tmp_path_factory):
    folder = colour_gallery(tmp_path_factory.mktemp('page') / 'crops')
    with (
        open_searcher(ColourEncoder(), folder, progress=False, tell=lambda text: None) as searcher,
        running_page(SearchService(searcher, allow_add=True), model='m', address=Address(port=0)) as url,
    ):
        yield url.rstrip('/')


def post(path, **options):
    return lambda client: client.web.post(path, **options)


def event(elem, kind, data, event_data=None):
    return lambda client: client.event(elem, kind, data, event_data)


def called(data):
    def ask(client):
        number = client.web.post('/gradio_api/call/search', json=dict(data=data)).json()['event_id']
        return client.web.get(f'/gradio_api/call/search/{number}')

    return ask


def raw(content):
    def send(client):
        place = urlsplit(client.address)
        with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
            connection.sendall(content)
            return connection.recv(100)

    return send


MALFORMED = {
    'no JSON': post(JOIN, content=b'{', headers={'content-type': 'application/json'}),
    'no function': post(JOIN, json=dict(data=[])),
    'another function': post(JOIN, json=dict(data=[], fn_index=9999, session_hash='x')),
    'too few values': event('search', 'click', []),
    'mappings': event('search', 'click', [{}, {}, {}, {}, {}, {}]),
    'a text for a number': event('search', 'click', [*SEARCH[:2], 'x', 'y\n\n\nz', [], []]),
    'another choice': event('search', 'click', [*SEARCH[:4], ['zzz'], 'q']),
    'no file': event('picture_file', 'upload', ['x']),
    'a file of the server': event('add', 'click', [[file_data('/etc/passwd')]]),
    'a crop that is none': event('results', 'select', [3, [], []], 'x'),
    'no crop': event('results', 'select', [3, [], []]),
    'no parts': post('/gradio_api/upload', content=b'x', headers={'content-type': 'multipart/form-data'}),
    'broken parts': post(
        '/gradio_api/upload', content=b'x', headers={'content-type': 'multipart/form-data; boundary=x'}
    ),
    'a text for a file': post('/gradio_api/upload', data=dict(files='x'), files=dict(other=b'x')),
    'another call': post('/gradio_api/call/nothing', json=dict(data=[])),
    'a call of nothing': called([]),
    'a call of mappings': called([{}, {}, {}]),
    'a session that is none': lambda client: client.web.get('/gradio_api/queue/data?session_hash=none'),
    'a long name': lambda client: client.web.get('/assets/' + 'a' * 5000),
    'no HTTP': raw(b'GARBAGE\r\n\r\n'),
    'a WebSocket': raw(b'GET /config HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
}


@pytest.mark.parametrize('kind', MALFORMED)
def test_a_malformed_request_makes_one_line_at_most(address, kind, capfd, caplog):
    client = PageClient(address)
    capfd.readouterr()
    with caplog.at_level(logging.INFO):
        MALFORMED[kind](client)
        assert 'cam0/red.png' in client.search('red', top_k=2)
    written = [line for stream in capfd.readouterr() for line in stream.splitlines() if line.strip()]
    noted = [record for record in caplog.records if record.name in ('mmt2ireid.web', 'uvicorn.error')]
    assert len(written) <= 1 and len(noted) <= 1, (written, noted)
    for record in noted:
        assert '\n' not in record.getMessage() and not record.exc_info and len(record.getMessage()) < 800


def test_requests_that_fail_get_words(address):
    client = PageClient(address)
    answer = MALFORMED['another function'](client)
    assert answer.status_code == 500 and 'could not answer this request' in answer.text
    assert 'content-security-policy' in answer.headers
    answer = MALFORMED['too few values'](client)
    assert answer['success'] is False and answer['output']['error'] == 'This question cannot be read.'
    assert client.upload(picture('red'), 'a.png')['path']


def test_the_traceback_is_there_for_those_who_debug(caplog):
    with caplog.at_level(logging.DEBUG, 'mmt2ireid.web'):
        note_failure('GET /\n\u0430', ValueError('a\nb'))
    line, traceback = caplog.records
    assert line.getMessage() == 'GET / \\u0430 could not be answered: ValueError: a b' and not line.exc_info
    assert traceback.exc_info
