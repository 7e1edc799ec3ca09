"""The page over HTTP: right answers for many at once, words for whatever is sent, and no file but thumbnails."""

from __future__ import annotations

import contextlib
import html
import io
import json
import logging
import os
import re
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from web_parts import COLOURS, ColourEncoder, PageClient, colour_gallery, file_data, html_of, picture, raw_get

gradio_client = pytest.importorskip('gradio_client', reason="needs 'mmt2ireid[demo]'")
pytest.importorskip('gradio', reason="needs 'mmt2ireid[demo]'")

from mmt2ireid.apis.web import Address, PageLimits, SearchService, open_searcher, running_page  # noqa: E402

LIMITS = PageLimits(max_upload_mb=0.5, max_uploads=4, max_added=30, max_request_kb=256, max_kept_mb=8)


class World:
    """A page that runs, and what the tests need to know of it."""

    def __init__(self, root, service, address):
        self.root, self.service, self.address = root, service, address
        self.secret = root / 'secret.txt'

    def client(self):
        return PageClient(self.address)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    folder = colour_gallery(root / 'crops')
    (root / 'secret.txt').write_text('the secret')
    (root / 'secret.png').write_bytes(picture('dark'))
    searcher = open_searcher(ColourEncoder(), folder, progress=False, tell=lambda text: None)
    with searcher:
        service = SearchService(searcher, limits=LIMITS, allow_add=True)
        with running_page(service, model='colours', address=Address(port=0)) as address:
            (folder / 'link.png').symlink_to(root / 'secret.png')
            yield World(root, service, address)


@pytest.fixture
def client(world):
    return world.client()


def ids(answer):
    return re.findall('data-crop="([^"]+)"', answer)


def message(answer):
    return html.unescape(''.join(re.findall(r'<div class="message[^>]*>(.*?)</div>', answer, re.DOTALL)))


def test_eight_clients_ask_200_queries_and_all_answers_are_right(world, record_property):
    names = list(COLOURS)
    queries = [f'{names[number % 5]} {names[number // 5 % 5]} {number}' for number in range(200)]
    expected = {query: [hit.crop.id for hit in world.service.search(query, top_k=5)] for query in queries}

    def ask(part):
        page, seconds = gradio_client.Client(world.address, verbose=False), []
        for query in queries[part::8]:
            start = time.perf_counter()
            found = page.predict(query, 5, None, api_name='/search')
            seconds.append(time.perf_counter() - start)
            assert [crop['id'] for crop in found] == expected[query]
        return seconds

    with ThreadPoolExecutor(8) as pool:
        seconds = sorted(second for part in pool.map(ask, range(8)) for second in part)
    assert len(seconds) == 200
    record_property('median_ms', 1000 * seconds[100])
    print(f'200 queries from 8 clients: median {1000 * seconds[100]:.0f} ms, 95 % {1000 * seconds[190]:.0f} ms')
    assert seconds[190] < 10


def test_visitors_search_pick_and_add_while_others_do(world):
    """The page's own events in parallel, with additions in between."""

    def visit(number):
        client = world.client()
        for turn in range(4):
            colour = list(COLOURS)[(number + turn) % 5]
            found = ids(client.search(colour, top_k=2))
            assert {name.split('/')[1] for name in found} == {f'{colour}.png'}, found
            if number < 2 and turn == 1:
                shade = (90 + 40 * number, 0, 90)
                file = client.upload(picture(shade), f'{number}.png')
                answer = client.event('add', 'click', [[file]])
                assert '1 crop added' in html_of(answer['output']['data'][0])
        return True

    before = len(world.service)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(8)))
    assert len(world.service) == before + 2


def test_neighbours_and_the_way_back(client):
    picked = client.event('results', 'select', [3, [], []], dict(crop='cam0/green.png'))['output']['data']
    assert picked[1]['visible'] is False and picked[2]['visible'] is True
    assert ids(html_of(picked[2]))[0] == 'cam1/green.png' and 'cam0/green.png' in html_of(picked[2])
    back = client.event('neighbours', 'click', [])['output']['data']
    assert back[1]['visible'] is True and back[2]['visible'] is False
    gone = client.event('results', 'select', [3, [], []], dict(crop='../../secret.txt'))['output']['data']
    assert 'not in the gallery' in message(html_of(gone[0]))


def test_filters_of_the_form(client):
    found = ids(client.search('red', top_k=3, entries=(['c1'], ['0', '1'])))
    assert sorted(found) == ['cam1/green.png', 'cam1/red.png']


QUERIES = {
    'empty': ('', 'Describe the person'),
    'blank': (' \n\t ', 'Describe the person'),
    'none': (None, 'Describe the person'),
    '10,000 characters': ('red ' * 2500, ''),
    '200,000 characters': ('red ' * 50_000, 'at most 100,000 characters'),
    'emoji': ('🧥👩‍🦰🔴', ''),
    'Chinese': ('穿红色外套的女人', ''),
    'Arabic': ('امرأة ترتدي معطفا أحمر', ''),
    'half a letter': ('red \ud83d coat', ''),
    'zero bytes': ('red\x00coat', ''),
    'markup': ('<script>alert(1)</script>red', ''),
}


@pytest.mark.parametrize('kind', QUERIES)
def test_strange_queries_get_an_answer(client, kind):
    text, words = QUERIES[kind]
    answer = client.search(text)
    if words:
        assert words in message(answer)
    else:
        assert len(ids(answer)) == 12 or len(ids(answer)) == len(set(ids(answer))) >= 10
    assert '<script' not in answer and 'Traceback' not in answer


@pytest.mark.parametrize(
    ('text', 'top_k', 'where'),
    [
        ('', 5, None),
        ('red', 'many', None),
        ('red', 5, ['camera']),
        ('red', 5, 'camera=c1'),
        (5, 5, None),
        ('red', 5, {}),
    ],
)
def test_calls_of_programs_are_answered_in_words(world, text, top_k, where):
    page = gradio_client.Client(world.address, verbose=False)
    try:
        found = page.predict(text, top_k, where, api_name='/search')
    except Exception as error:
        assert len(str(error)) > 10 and 'Traceback' not in str(error)
    else:
        assert all(set(crop) == {'id', 'score', 'metadata'} for crop in found)


def bomb() -> bytes:
    """A small PNG whose header promises 30,000 x 30,000 pixels."""
    content = bytearray(picture('red'))
    content[16:24] = (30_000).to_bytes(4, 'big') * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, 'big')
    return bytes(content)


def animated(kind) -> bytes:
    stream = io.BytesIO()
    frames = [Image.new('RGB', (8, 16), colour) for colour in ('blue', 'red', 'red')]
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], duration=50)
    return stream.getvalue()


def cmyk() -> bytes:
    stream = io.BytesIO()
    Image.new('CMYK', (8, 16), (230, 220, 0, 0)).save(stream, 'JPEG')
    return stream.getvalue()


GOOD = {
    'a.png': picture('blue'),
    'a.jpg': picture('blue', 'JPEG'),
    'one pixel.png': picture('blue', size=(1, 1)),
    'wide.bmp': picture('blue', 'BMP', size=(300, 2)),
    'moving.gif': animated('GIF'),
    'moving.webp': animated('WEBP'),
    'print.jpg': cmyk(),
    'no-ending': picture('blue'),
    '蓝色 <b>x&y.png': picture('blue'),
}
BAD = {
    'empty.png': (b'', 'is empty'),
    'noise.jpg': (bytes(range(256)) * 9, 'no image'),
    'page.jpg': (b'<html><script>alert(1)</script></html>', 'web page'),
    'drawing.svg': (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'web page or other text'),
    'paper.pdf': (b'%PDF-1.4', 'PDF'),
    'half.png': (picture('blue', size=(200, 200))[:150], 'damaged'),
    'half.jpg': (picture('blue', 'JPEG', size=(200, 200))[:400], 'damaged'),
    'bomb.png': (bomb(), 'pixels'),
}


@pytest.mark.parametrize('name', GOOD)
def test_pictures_to_search_with(world, client, name):
    file = client.upload(GOOD[name], name)
    answer = client.event('picture_file', 'upload', [file])
    taken, shown, _, _, _, words = answer['output']['data']
    assert answer['success'] and not words and 'data:image/jpeg' in html_of(shown), answer
    found = client.search('', picture=taken, top_k=2)
    assert {name.split('/')[1] for name in ids(found)} == {'blue.png'}


@pytest.mark.parametrize('name', BAD)
def test_files_that_are_no_pictures_get_words(client, name):
    content, words = BAD[name]
    file = client.upload(content, name)
    answer = client.event('picture_file', 'upload', [file])
    assert answer['success'] and words in message(html_of(answer['output']['data'][5])), answer
    added = client.event('add', 'click', [[file]])
    assert added['success'] and words in message(html_of(added['output']['data'][0]))


def test_an_upload_that_is_too_large_is_refused_before_it_is_kept(world, client):
    before = sum(len(files) for _, _, files in os.walk(os.environ['GRADIO_TEMP_DIR']))
    answer = client.web.post('/gradio_api/upload', files={'files': ('a.png', bytes(2**19 + 1))})
    assert answer.status_code == 413 and 'size' in answer.text
    many = [('files', (f'{number}.png', bytes(2**19))) for number in range(6)]
    answer = client.web.post('/gradio_api/upload', files=many)
    assert answer.status_code == 413 and 'at most 4 files of 0.5 MiB' in answer.text
    after = sum(len(files) for _, _, files in os.walk(os.environ['GRADIO_TEMP_DIR']))
    assert after <= before + 1  # at most what was being written


def test_too_many_files_are_refused_in_words(client):
    files = [client.upload(picture((number, 7, 7)), f'{number}.png') for number in range(5)]
    answer = client.event('add', 'click', [files])
    assert 'At most 4 pictures at once, but these are 5' in message(html_of(answer['output']['data'][0]))


def test_a_request_that_is_too_large_is_refused(client):
    assert client.join('search', 'click', ['x' * 300_000, None, 0.5, 5, [], []]).status_code == 413


def paths(world):
    crop = world.root / 'crops/cam0/red.png'
    inside = [
        crop,
        world.root / 'crops/metadata.csv',
        world.root / 'crops/link.png',
        next(world.root.rglob('info.json')),
    ]
    outside = ['/etc/passwd', world.secret, __file__]
    relative = os.path.relpath(world.secret, os.getcwd())
    for place in [*inside, *outside, relative]:
        yield from (f'/gradio_api/file={place}', f'/file={place}', f'/gradio_api/file/{place}', f'{place}')
    for way in ('..', '%2e%2e', '..%2f..', '%2e%2e%2f%2e%2e', '....//', '..\\..'):
        up = '/'.join([way] * 12)
        for start in ('/', '/static/', '/assets/', '/svelte/', '/gradio_api/file=', '/gradio_api/file=/tmp/',
                      f'/gradio_api/file={world.root}/crops/'):  # fmt: skip
            yield f'{start}{up}/etc/passwd'
    yield f'/gradio_api/file=file://{world.secret}'
    yield f'/gradio_api/file=/proc/self/root{world.secret}'
    yield '/gradio_api/file=/proc/self/environ'


def test_no_file_is_ever_served(world):
    secrets = (b'the secret', b'root:', b'cam0/red.png,c0', b'\x89PNG', b'"dim"', b'World:', b'PATH=')
    asked = list(paths(world))
    assert len(asked) > 60
    for path in asked:
        for method in ('GET', 'HEAD'):
            status, content = raw_get(world.address, path.replace(' ', '%20'), method)
            assert status in (400, 404, 405), (path, status)
            assert not any(secret in content for secret in secrets), path


def test_uploaded_files_are_not_served_either(world, client):
    file = client.upload(b'<html><script>alert(1)</script></html>', 'page.html')
    assert raw_get(world.address, f'/gradio_api/file={file["path"]}')[0] == 404


@pytest.mark.parametrize('target', ['/etc/passwd', 'secret', 'crop', '../../../../etc/passwd', ''])
def test_no_file_of_the_server_can_be_passed_off_as_an_upload(world, client, target):
    path = dict(secret=str(world.secret), crop=str(world.root / 'crops/cam0/red.png')).get(target, target)
    before = len(world.service)
    for elem, event, data in (
        ('picture_file', 'upload', [file_data(path)]),
        ('add', 'click', [[file_data(path)]]),
        ('search', 'click', [file_data(path), None, 0.5, 5, [], []]),
    ):
        answer = json.dumps(client.event(elem, event, data))
        assert 'the secret' not in answer and 'root:' not in answer and 'data:image/jpeg' not in answer
    assert len(world.service) == before


def test_the_server_fetches_nothing_for_visitors(client):
    asked = []
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        listener.settimeout(1)

        def listen():
            with contextlib.suppress(TimeoutError):
                asked.append(listener.accept())

        thread = threading.Thread(target=listen)
        thread.start()
        url = f'http://127.0.0.1:{listener.getsockname()[1]}/x.png'
        file = {**file_data(url), 'url': url}
        for elem, event, data in (
            ('picture_file', 'upload', [file]),
            ('search', 'click', [file, None, 0.5, 5, [], []]),
        ):
            answer = client.join(elem, event, data)
            assert answer.status_code == 400 and 'your own machine' in answer.text
        body = dict(data=['red', 5, [file]])
        assert client.web.post('/gradio_api/call/search', json=body).status_code == 400
        assert raw_get(client.address, f'/gradio_api/file={url}')[0] == 404
        assert raw_get(client.address, f'/gradio_api/proxy={url}')[0] == 404
        thread.join()
    assert not asked


def test_what_the_page_tells_about_itself(world, client):
    start = client.web.get('/')
    policy = start.headers['content-security-policy']
    assert "connect-src 'self'" in policy and start.headers['x-content-type-options'] == 'nosniff'
    told = start.text + client.web.get('/config').text + client.web.get('/gradio_api/info').text
    assert str(world.root) not in told and not re.search('googleapis|gstatic', told)
    named = client.web.get('/gradio_api/info').json()['named_endpoints']
    assert set(named) == {'/search', '/neighbours'}
    assert client.config['analytics_enabled'] is False


def test_a_rush_is_told_to_wait(tmp_path):
    class SlowEncoder(ColourEncoder):
        def encode_texts(self, texts):
            time.sleep(0.5)
            return super().encode_texts(texts)

    folder = colour_gallery(tmp_path / 'crops')
    with open_searcher(SlowEncoder(), folder, progress=False, tell=lambda text: None) as searcher:
        service = SearchService(searcher, limits=PageLimits(max_waiting=2))
        with running_page(service, model='m', address=Address(port=0)) as address:
            clients = [PageClient(address) for _ in range(8)]
            with ThreadPoolExecutor(8) as pool:
                answers = list(
                    pool.map(lambda client: client.join('search', 'click', ['red', None, 0.5, 2, [], []]), clients)
                )
            told = [answer.text for answer in answers if answer.status_code != 200]
            assert 1 <= len(told) < 8 and all('full' in words for words in told)
            time.sleep(2)
            assert len(ids(PageClient(address).search('red', top_k=2))) == 2


def test_the_page_goes_away_with_its_uploads(tmp_path):
    folder = colour_gallery(tmp_path / 'crops')
    before = os.environ.get('GRADIO_TEMP_DIR')
    with open_searcher(ColourEncoder(), folder, progress=False, tell=lambda text: None) as searcher:
        with running_page(SearchService(searcher), model='m', address=Address(port=0)) as address:
            client = PageClient(address)
            kept = client.upload(picture('red'), 'a.png')['path']
            assert os.path.exists(kept)
            assert not [part for part in client.config['components'] if part['props'].get('elem_id') == 'add']
        assert not os.path.exists(kept) and os.environ.get('GRADIO_TEMP_DIR') == before
        with socket.socket() as trial, pytest.raises(OSError):
            trial.connect(('127.0.0.1', int(address.rstrip('/').rsplit(':', 1)[1])))


def test_log_files_stay_open_beside_a_page(tmp_path):
    folder = colour_gallery(tmp_path / 'crops')
    logger, handler = logging.getLogger('training'), logging.FileHandler(tmp_path / 'x.log', 'w')
    logger.addHandler(handler)
    with (
        open_searcher(ColourEncoder(), folder, progress=False, tell=lambda text: None) as searcher,
        running_page(SearchService(searcher), model='m', address=Address(port=0)),
    ):
        logger.warning('during')
    logger.warning('after')
    logger.removeHandler(handler)
    handler.close()
    assert (tmp_path / 'x.log').read_text() == 'during\nafter\n'
