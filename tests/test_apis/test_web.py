"""What the page is made of: uploads, filters, HTML, the guard before it. Gradio is not needed."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import socket
import sys
import time
import types

import numpy as np
import pytest
from PIL import Image
from web_parts import COLOURS, ColourEncoder, colour_gallery, picture, save

from mmt2ireid.apis import PersonSearcher
from mmt2ireid.apis.web import Address, PageLimits, SearchService, cards, open_searcher
from mmt2ireid.apis.web.filters import Filter, filters_of, where_of
from mmt2ireid.apis.web.guard import Guard, asks_elsewhere, is_served, mended, tidy
from mmt2ireid.apis.web.handlers import Handlers, QueryPicture, in_words
from mmt2ireid.apis.web.serving import check_gradio, running_page
from mmt2ireid.gallery import Crop, Hit, Where, open_gallery

NASTY = '<img src=x onerror="alert(1)">\'&{{7*7}}${7*7}`'


@pytest.fixture
def folder(tmp_path):
    return colour_gallery(tmp_path / 'crops')


def opened(folder, **options):
    return open_searcher(ColourEncoder(), folder, progress=False, tell=lambda text: None, **options)


@pytest.fixture
def service(folder):
    with opened(folder) as searcher:
        yield SearchService(searcher, limits=PageLimits(max_uploads=3, max_added=4), allow_add=True)


def write(path, content):
    path.write_bytes(content)
    return path, path.name


def test_added_crops_are_found_at_once_and_after_a_restart_and_are_there_once(folder, tmp_path):
    cyan = (20, 200, 200)
    png, bmp = write(tmp_path / 'a.png', picture(cyan)), write(tmp_path / 'b.bmp', picture(cyan, 'BMP'))
    with opened(folder) as searcher:
        service = SearchService(searcher, allow_add=True)
        done = service.add([png, bmp])
        assert [crop.path for crop in done.added] == [done.added[0].id] and done.known == ['b.bmp'] and not done.refused
        stored = folder / done.added[0].path
        assert stored.parent == folder / 'uploads' and len(stored.stem) == 40
        assert service.search(image=np.full((4, 4, 3), cyan, np.uint8))[0].crop.id == done.added[0].id
        assert service.add([png]).known == ['a.png'] and len(service) == 11
    with opened(folder) as searcher:
        assert len(searcher) == 11
        assert SearchService(searcher, allow_add=True).add([bmp]).known == ['b.bmp']
        (found,) = searcher.search(image=np.full((4, 4, 3), cyan, np.uint8), top_k=1)
        assert found.crop.id == done.added[0].id


def test_what_a_file_carries_beside_its_pixels_is_not_kept(service, folder, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = 'taken at home'
    save(tmp_path / 'a.jpg', (1, 200, 2), exif=exif, comment=b'hidden words')
    (added,) = service.add([(tmp_path / 'a.jpg', 'a.jpg')]).added
    content = (folder / added.path).read_bytes()
    assert content.startswith(b'\x89PNG') and b'home' not in content and b'hidden' not in content


def test_limits_of_additions(service, tmp_path):
    files = [write(tmp_path / f'{number}.png', picture((number, 90, 90))) for number in range(6)]
    with pytest.raises(ValueError, match='At most 3 pictures at once, but these are 4'):
        service.add(files[:4])
    assert len(service.add(files[:3]).added) == 3
    done = service.add([files[3], files[4], write(tmp_path / 'no.png', b'no picture')])
    assert len(done.added) == 1
    assert [name for name, _ in done.refused] == ['4.png', 'no.png'] and '4 crops in all' in done.refused[0][1]
    assert len(service) == 14 and len(service.add([files[5]]).refused) == 1
    with pytest.raises(ValueError, match='Choose'):
        service.add([])


def test_nothing_stays_of_a_crop_that_cannot_be_encoded(service, folder, tmp_path, monkeypatch):
    def fails(pictures):
        raise RuntimeError('out of memory')

    monkeypatch.setattr(service.searcher.encoder, 'encode_images', fails)
    with pytest.raises(RuntimeError):
        service.add([write(tmp_path / 'a.png', picture('red'))])
    assert not list((folder / 'uploads').glob('*')) and len(service) == 10


def test_nobody_adds_where_it_is_switched_off(folder, tmp_path):
    with opened(folder) as searcher, pytest.raises(ValueError, match='switched off'):
        SearchService(searcher).add([write(tmp_path / 'a.png', picture('red'))])
    with pytest.raises(ValueError, match='image_root'):
        SearchService(PersonSearcher(ColourEncoder()), allow_add=True)


def test_uploads_that_lead_out_of_the_gallery_are_not_written(service, folder, tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    (folder / 'uploads').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(OSError, match='link'):
        service.add([write(tmp_path / 'a.png', picture('red'))])
    assert not list((tmp_path / 'elsewhere').iterdir())


def test_thumbnails_are_small_jpegs_and_never_of_files_outside(service, folder, tmp_path):
    save(folder / 'big.png', 'red', size=(900, 1800))
    service.searcher.add_folder(folder, progress=False)
    (crop,) = service.searcher.get(['big.png'])
    address = service.thumbnail(crop)
    assert address.startswith('data:image/jpeg;base64,') and len(address) < 20_000
    image = Image.open(io.BytesIO(base64.b64decode(address.split(',')[1])))
    assert image.size == (192, 384)
    secret = save(tmp_path / 'secret.png', 'blue')
    (folder / 'cam0/red.png').unlink()
    (folder / 'cam0/red.png').symlink_to(secret)
    (crop,) = service.searcher.get(['cam0/red.png'])
    assert service.thumbnail(crop) == ''
    assert 'no picture' in cards.samples([crop], 1, service.thumbnail)


def test_query_pictures_are_held_small(service, tmp_path):
    path, name = write(tmp_path / 'a.png', picture('red', size=(3000, 1500)))
    assert service.read_upload(path, name).shape == (384, 768, 3)
    small = PageLimits(max_pixels=1000)
    service.limits = small
    with pytest.raises(ValueError, match=r'a\.png has 3000 x 1500 pixels'):
        service.read_upload(path, name)


def test_samples_are_spread_over_the_gallery(service):
    everything = [crop.id for crop in service.samples(100)]
    assert everything == list(service.searcher.gallery.ids()) and len(everything) == 10
    assert [crop.id for crop in service.samples(3)] == [everything[row] for row in (0, 4, 9)]


def test_results_are_those_of_the_searcher(service):
    hits = service.search('red', top_k=4)
    assert hits == service.searcher.search('red', top_k=4) and hits[0].crop.id.endswith('red.png')
    assert len(service.search('red', top_k=10**9)) == 10 and len(service.search('red', top_k=-5)) == 1
    crop, near = service.neighbours('cam0/red.png', 2)
    assert crop.id == 'cam0/red.png' and near == service.searcher.neighbours('cam0/red.png', 2)
    with pytest.raises(ValueError, match='not in the gallery'):
        service.neighbours('../../etc/passwd')


FIELDS = dict(
    camera=['c1', 'c,2'], floor=[0, 3, 7, 8, 9, 10, 11], x=(0.5, 9), time=('2026-01-01T08:00', '2026-02-01T09:00')
)


def test_filters_of_metadata():
    found = filters_of({**FIELDS, 'empty': [], 'flag': [False, True]})
    assert [(entry.name, entry.kind, entry.width) for entry in found] == [
        ('camera', 'few', 1),
        ('floor', 'many', 1),
        ('x', 'number', 2),
        ('time', 'text', 2),
        ('flag', 'few', 1),
    ]
    assert found[-1].choices == ['false', 'true'] and found[1].choices[:2] == ['0', '3']
    assert len(filters_of({f'f{number}': ['a'] for number in range(30)})) == 8


@pytest.mark.parametrize(
    ('entries', 'passes', 'fails'),
    [
        ([['c,2'], [], '', '', '', ''], dict(camera='c,2'), dict(camera='c')),
        ([['c1', 'c,2'], ['3'], None, None, '', ''], dict(camera='c1', floor=3), dict(camera='c1', floor=0)),
        ([[], [], '1.5', '2', '', ''], dict(x=1.5), dict(x=2.5)),
        ([None, None, ' 1e0 ', '', '', ''], dict(x=1), dict(x=0.9)),
        ([[], [], '', '', '2026-01-02 08:30', ''], dict(time='2026-01-02T08:31'), dict(time='2026-01-02T08:29')),
        ([[], [], '', '', '', '2026-01-02'], dict(time='2026-01-01T23:59'), dict(time='2026-01-02T00:00')),
    ],
)
def test_a_filled_form_is_a_filter(entries, passes, fails):
    where = where_of(filters_of(FIELDS), entries)
    assert where.holds(passes) and not where.holds(fails)


def test_an_empty_form_filters_nothing_and_a_wrong_one_says_so():
    assert where_of(filters_of(FIELDS), [[], None, '', None, ' ', '']) is None
    for wrong in ('abc', 'nan', 'inf'):
        with pytest.raises(ValueError, match='x must be a'):
            where_of(filters_of(FIELDS), [[], [], wrong, '', '', ''])


def test_a_long_question_is_cut_behind_a_word():
    shown = cards.results('a pedestrian in stripes ' * 20, [], 3, '', lambda crop: '')
    assert re.search(r'<h2>(a pedestrian in stripes )+(a |pedestrian |in |stripes )*…</h2>', shown)
    assert f'<h2>{"x" * 160} …</h2>' in cards.results('x' * 200, [], 3, '', lambda crop: '')


def test_nothing_that_comes_from_elsewhere_is_markup():
    crop = Crop(NASTY, NASTY, {'camera': NASTY, 'n': 3})
    html = ''.join(
        [
            cards.header(NASTY, NASTY, 3, [NASTY]),
            cards.message('error', [NASTY]),
            cards.message('note', [NASTY, NASTY]),
            cards.samples([crop], 1, lambda crop: ''),
            cards.results(NASTY, [Hit(crop, 0.5)], 3, NASTY, lambda crop: ''),
            cards.results(NASTY, [], 3, NASTY, lambda crop: ''),
            cards.neighbours(crop, [Hit(crop, 0.5)], NASTY, lambda crop: ''),
            cards.query_picture('data:', NASTY),
        ]
    )
    assert '<img src=x' not in html and html.count('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;') > 12
    assert 'n 3' in html and 'n 3' in cards.samples([crop], 1, lambda crop: '')


@pytest.mark.parametrize(
    'path',
    ['/', '/config', '/theme.css', '/assets/index-abc.js', '/static/fonts/x.woff2', '/gradio_api/queue/join',
     '/gradio_api/queue/data', '/gradio_api/upload', '/gradio_api/upload_progress', '/gradio_api/heartbeat/abc1',
     '/gradio_api/info', '/gradio_api/call/search', '/gradio_api/call/search/abc1', '/gradio_api/startup-events'],
)  # fmt: skip
def test_paths_that_the_page_needs(path):
    assert is_served(path)


@pytest.mark.parametrize(
    'path',
    ['/gradio_api/file=/etc/passwd', '/file=/etc/passwd', '/gradio_api/file/etc/passwd', '/gradio_api/proxy=http://x',
     '/gradio_api/file=http://x/', '/gradio_api/stream/a/b/c/playlist.m3u8', '/gradio_api/run/search',
     '/gradio_api/api/search', '/gradio_api/component_server', '/gradio_api/custom_component/a/client/b/c',
     '/gradio_api/deep_link', '/gradio_api/process_recording', '/gradio_api/vibe-code', '/gradio_api/dev/reload',
     '/monitoring', '/monitoring/summary', '/gradio_api/runs', '/gradio_api/run-history/records', '/docs',
     '/openapi.json', '/gradio_api/openapi.json', '/static/../../x', '/assets/..%2f..', '/assets/..\\x', '//etc/passwd',
     '/etc/passwd', '/login', '/pwa_icon', '/gradio_api/call/a/b/c', '/config\n', '/gradio_api/queue/join/x'],
)  # fmt: skip
def test_paths_that_are_refused(path):
    assert not is_served(path)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (dict(data=[dict(path='http://127.0.0.1/x')]), True),
        (dict(data=[[dict(a=dict(path='HTTPS://x'))]]), True),
        (dict(data=[dict(path=' ftp://x')]), True),
        (dict(data=[dict(path='/elsewhere/a.png')]), False),
        (dict(data=['the path http://x', dict(path=3), dict(url='http://x')]), False),
        ([1, 'path', None], False),
    ],
)
def test_files_at_web_addresses(content, expected):
    assert asks_elsewhere(json.dumps(content).encode()) is expected


def test_files_at_web_addresses_in_disguise():
    assert asks_elsewhere(rb'{"data": [{"p\u0061th": "http://x"}]}')
    assert not asks_elsewhere(b'path {') and not asks_elsewhere(b'[' * 100_000 + b'"path"')


def test_halves_of_letters_are_mended():
    whole = json.dumps(dict(data=['a\ud83d b', 'Ärger 🧥', 0.1, None])).encode()
    assert json.loads(mended(whole)) == dict(data=['a\ufffd b', 'Ärger 🧥', 0.1, None])
    for other in (b'{"data": "\\ud83d', b'\\ud83d', '{"a": "Ä"}'.encode()):
        assert mended(other) == other


def test_uploads_are_tidied_up(tmp_path):
    now = time.time()
    for number, age in enumerate((10, 20, 30, 5000)):
        path = tmp_path / f'd{number}' / 'f'
        path.parent.mkdir()
        path.write_bytes(bytes(100))
        os.utime(path, (now - age, now - age))
    tidy(tmp_path, 10_000, 3600)
    assert [(tmp_path / f'd{number}' / 'f').exists() for number in range(4)] == [True, True, True, False]
    tidy(tmp_path, 250, 3600)
    assert [(tmp_path / f'd{number}' / 'f').exists() for number in range(3)] == [True, True, False]


async def _ask(guard, path, parts, headers=()):
    sent = []
    todo = [
        dict(type='http.request', body=part, more_body=number + 1 < len(parts)) for number, part in enumerate(parts)
    ]

    async def receive():
        return todo.pop(0) if todo else dict(type='http.disconnect')

    async def send(message):
        sent.append(message)

    scope = dict(type='http', method='POST', path=path, headers=[(b'host', b'localhost'), *headers])
    await guard(scope, receive, send)
    return sent[0]['status'], b''.join(message.get('body', b'') for message in sent), dict(sent[0]['headers'])


async def echo(scope, receive, send):
    body, more = b'', True
    while more:
        message = await receive()
        body, more = body + message.get('body', b''), message.get('more_body', False)
    await send(dict(type='http.response.start', status=200, headers=[]))
    await send(dict(type='http.response.body', body=str(len(body)).encode()))


@pytest.mark.parametrize('path', ['/gradio_api/upload', '/gradio_api/queue/join'])
def test_requests_that_are_too_large(tmp_path, path):
    guard = Guard(echo, limits=PageLimits(max_upload_mb=0.1, max_uploads=2, max_request_kb=64), folder=tmp_path)
    most = guard.limits.max_request_bytes if path.endswith('upload') else 64 * 1024

    def ask(parts, headers=()):
        return asyncio.run(_ask(guard, path, parts, headers))

    assert ask([bytes(1000), bytes(2000)])[:2] == (200, b'3000')
    assert ask([bytes(most)])[0] == 200
    status, words, headers = ask([bytes(most // 2)] * 3)  # without a length, as in chunks
    assert status == 413 and b'too large' in words and b'content-security-policy' in headers
    assert ask([b''], [(b'content-length', str(most + 1).encode())])[0] == 413


def test_handlers_answer_in_words(service, caplog):
    def fails(error):
        def answer():
            raise error

        return in_words(answer).message

    assert 'a.png is empty.' in fails(ValueError('a.png is empty'))
    assert 'Text to search' in fails(ValueError('text to search')) and '<b>' not in fails(ValueError('<b>x</b>'))
    words = fails(RuntimeError('/home/someone/secret.pth'))
    assert 'went wrong' in words and 'secret' not in words and 'secret' in caplog.text
    assert 'secret' not in fails(FileNotFoundError(2, 'No such file', '/home/someone/secret'))


def test_handlers_show_what_was_found(service):
    handlers = Handlers(service, filters_of(service.searcher.fields()))
    answer = handlers.search('red', None, 0.5, 3, ['c1'], [])
    assert 'The best 3 of 10 crops with <b>camera c1</b>' in answer.results and '“red”' in answer.results
    assert re.findall('data-crop="([^"]+)"', answer.results) == [
        hit.crop.id for hit in service.search('red', top_k=3, where=Where.parse('camera=c1'))
    ]
    assert 'Describe the person' in handlers.search('  ', None, 0.5, 3, [], []).message
    picture = QueryPicture(np.full((4, 4, 3), COLOURS['blue'], np.uint8), 'x.png')
    assert 'data-crop="cam0/blue.png"' in handlers.search(None, picture, 0.5, 1, [], []).results
    assert 'No crop with' in handlers.search('red', None, 0.5, 3, ['c7'], []).results
    near = handlers.neighbours('cam0/blue.png', 1, [], [])
    assert 'data-crop="cam1/blue.png"' in near.chosen and 'data-back' in near.chosen
    assert 'not in the gallery' in handlers.neighbours({'$ne': 1}, 3, [], []).message


def test_limits_are_checked():
    for wrong in (dict(max_uploads=0), dict(max_upload_mb=0), dict(max_upload_mb=9999), dict(max_kept_mb=1)):
        with pytest.raises(ValueError, match='max_'):
            PageLimits(**wrong)


def test_galleries_that_cannot_be_opened(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match='no folder'):
        opened(tmp_path / 'none')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='has none that can be read'):
        opened(tmp_path / 'empty')
    assert not list((tmp_path / 'empty').iterdir())  # it may be where a disk will be mounted
    open_gallery(tmp_path / 'other', model='another', dim=4).close()
    with pytest.raises(ValueError, match='another'):
        opened(folder, index=tmp_path / 'other')
    with opened(folder, index='memory') as searcher:
        assert len(searcher) == 10
    assert not (folder / '.mmt2ireid').exists()


def test_a_port_that_is_taken(service):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        address = Address(port=other.getsockname()[1])
        with pytest.raises(OSError, match=f'port {address.port} is taken'):
            address.check()
    with pytest.raises(OSError, match='cannot be at'):
        Address(host='192.0.2.1').check()
    with pytest.raises(ValueError, match='port'):
        Address(port=70_000)


def test_who_reaches_the_page():
    assert Address().is_local and Address('localhost').is_local
    assert not Address('0.0.0.0').is_local and not Address(share=True).is_local


def test_a_missing_gradio_is_named(service, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match=r'mmt2ireid\[demo\]'):
        check_gradio()
    with (
        pytest.raises(ImportError, match=r'mmt2ireid\[demo\]'),
        running_page(service, model='m', address=Address(port=0)),
    ):
        pass


def test_an_old_gradio_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', types.SimpleNamespace(__version__='6.9.1'))
    with pytest.raises(ImportError, match=r'6\.18 or later.*6\.9\.1'):
        check_gradio()


def test_a_filter_knows_its_width():
    assert Filter('a', 'many', ('x',)).width == 1 and Filter('a', 'text', ('x', 'y')).width == 2
