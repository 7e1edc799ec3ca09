"""tools/web_demo.py in a real browser: started as users start it, clicked through as they click."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/test_apis'))
sys.path.insert(0, str(ROOT / 'tests/test_engine'))

from crash_runs import load_tool  # noqa: E402
from export_models import make_model  # noqa: E402
from reverse_proxy import reverse_proxy  # noqa: E402

MARKUP = '<img src=x onerror=hacked=1>'
NAMED = f'cam_b/{MARKUP} {{{{hacked}}}} ${{hacked=1}} `\'".png'
WIDE, PHONE = dict(width=1400, height=900), dict(width=390, height=844)
SECONDS = 60_000  # of a busy machine, in ms


def browser_path() -> str | None:
    names = ('chromium', 'chromium-browser', 'google-chrome')
    return next((found for name in names if (found := shutil.which(name))), None)


def without(what: str) -> None:
    """Skips where a browser is a matter of luck, fails where one was promised."""
    if os.environ.get('MMT2IREID_NEED_BROWSER') == '1':
        pytest.fail(f'{what} is missing, but MMT2IREID_NEED_BROWSER=1 asks for the test in a browser')
    pytest.skip(f'{what} is missing')


def draw_person(path: Path, coat: str, trousers: str) -> Path:
    image = Image.new('RGB', (48, 96), (150, 160, 150))
    pen = ImageDraw.Draw(image)
    pen.ellipse((18, 6, 30, 22), fill=(230, 190, 150))
    pen.rectangle((13, 22, 35, 56), fill=coat)
    pen.rectangle((16, 56, 22, 90), fill=trousers)
    pen.rectangle((26, 56, 32, 90), fill=trousers)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return [str(part) for part in make_model('bert', tmp_path_factory.mktemp('model'))]


@pytest.fixture(scope='module')
def crops(tmp_path_factory):
    """Twelve drawn persons; one file and one camera have names that try to be markup."""
    folder = tmp_path_factory.mktemp('gallery') / 'crops'
    colours = ('red', 'green', 'blue', 'white', 'black', 'orange')
    rows = ['path,camera,hour']
    for number, coat in enumerate(colours):
        for camera in 'ab':
            name = f'cam_{camera}/{coat}.png'
            draw_person(folder / name, coat, colours[(number + 2) % 6])
            rows.append(f'{name},cam_{camera},{8 + number // 2}')
    draw_person(folder / NAMED, 'purple', 'pink')
    quoted = NAMED.replace('"', '""')
    rows.append(f'"{quoted}",{MARKUP},20')
    (folder / 'metadata.csv').write_text('\n'.join(rows))
    return folder


@contextmanager
def demo(model, crops, *options):
    """The tool as a process of its own; yields the address that it prints, and what ends it."""
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, 'tools/web_demo.py', *model, '--gallery', crops, '--port', '0', *options]
    with tempfile.TemporaryFile('w+') as told:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=told, text=True
        )

        def end(number=signal.SIGTERM):
            """Ends it; returns its exit status and what it told."""
            process.send_signal(number)
            process.communicate(timeout=60)
            told.seek(0)
            return process.returncode, told.read()

        try:
            line = process.stdout.readline()
            match = re.search(r'http://127\.0\.0\.1:\d+', line)
            assert match, f'{line}{end()[1]}'
            yield match[0], end
        finally:
            if process.poll() is None:
                end()


@pytest.fixture(scope='module')
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        without('playwright')
    path = browser_path()
    if path is None:
        without('a browser (chromium, chromium-browser or google-chrome)')
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        yield found
        found.close()


@pytest.fixture(scope='module')
def address(browser, model, crops):
    with demo(model, crops, '--max-upload-mb', '0.2', '--allow-add') as (url, _):
        yield url


class Visit:
    """A visitor with a window, who notes what the page asks for and what it complains about."""

    def __init__(self, browser, address, viewport):
        self.context = browser.new_context(viewport=viewport)
        self.context.set_default_timeout(SECONDS)
        self.page = self.context.new_page()
        self.asked, self.wrong, self.lacking = [], [], []
        self.page.on('response', lambda answer: self.lacking.append(answer.url) if answer.status >= 400 else None)
        self.page.on('request', lambda request: self.asked.append(request.url))
        self.page.on('pageerror', lambda error: self.wrong.append(str(error)))
        self.page.on('console', lambda line: self.wrong.append(line.text) if line.type == 'error' else None)
        self.page.goto(address)
        self.page.wait_for_selector('#results .card')

    def ask(self, text):
        field = self.page.locator('#description textarea')
        field.fill(text)
        field.press('Enter')
        self.page.get_by_role('heading', name=f'“{text}”', exact=True).wait_for()

    def shown(self, part='#results'):
        """Ids and scores of the crops that are shown."""
        cards = self.page.locator(f'{part} .card').all()
        names = [card.get_attribute('data-crop') for card in cards]
        return names, [float(text) for text in self.page.locator(f'{part} .score').all_inner_texts()]

    def message(self, words):
        self.page.locator('#message .message', has_text=words).wait_for()

    def choose(self, field, *files):
        self.page.set_input_files(f'{field} input[type=file]', [str(file) for file in files])

    def overflow(self):
        return self.page.evaluate('document.documentElement.scrollWidth - window.innerWidth')


@pytest.fixture
def visit(browser, address):
    visitor = Visit(browser, address, WIDE)
    yield visitor
    visitor.context.close()


@pytest.fixture
def phone(browser, address):
    visitor = Visit(browser, address, PHONE)
    yield visitor
    visitor.context.close()


def test_the_start_needs_nothing_from_elsewhere_and_says_what_is_there(visit, address):
    visit.page.wait_for_timeout(700)  # whatever else it might ask for
    outside = [url for url in visit.asked if not url.startswith((address, 'data:', 'blob:'))]
    assert not outside and not visit.wrong
    facts = visit.page.locator('.facts').inner_text()
    assert re.search(r'\d+ crops', facts) and 'model' in facts and len(visit.shown()[0]) >= 13
    assert visit.page.title() == 'Find a person'
    sizes = visit.page.locator('#results img').first.evaluate(
        'i => [i.naturalWidth, i.naturalHeight, i.src.slice(0, 15)]'
    )
    assert sizes == [48, 96, 'data:image/jpeg']
    assert visit.page.locator('#results img').first.evaluate('i => getComputedStyle(i).objectFit') == 'contain'


def test_a_query_ranks_crops_and_a_click_shows_neighbours(visit):
    visit.ask('a man in a red coat')
    names, scores = visit.shown()
    assert len(names) == 12 and scores == sorted(scores, reverse=True) and -1 <= scores[-1] <= scores[0] <= 1
    assert 'cosine similarity' in visit.page.locator('#results .fine').inner_text()
    visit.page.locator('#results .card').nth(2).click()
    visit.page.locator('#neighbours .chosen').wait_for()
    assert not visit.page.locator('#results .card').first.is_visible()
    near, scores = visit.shown('#neighbours')
    assert names[2] not in near and len(near) == 12 and scores == sorted(scores, reverse=True)
    assert names[2] in visit.page.locator('#neighbours dl').inner_text()
    visit.page.locator('#neighbours .card').first.press('Enter')  # with the keyboard
    visit.page.locator('#neighbours dd', has_text=near[0]).wait_for()
    visit.page.locator('#neighbours .back').click()
    visit.page.locator('#results .card').first.wait_for()
    assert visit.shown()[0] == names and not visit.wrong


HEIGHTS = "part => [...document.querySelectorAll(part + ' .card')].map(card => [card.offsetTop, card.offsetHeight])"


def test_cards_of_a_row_are_equally_tall(visit):
    for shown, show in (('#results', lambda: None), ('#results', lambda: visit.ask('a man in a red coat'))):
        show()
        rows = {}
        for top, height in visit.page.evaluate(HEIGHTS, shown):
            rows.setdefault(top, set()).add(height)
        assert len(rows) > 1 and all(len(heights) == 1 for heights in rows.values()), rows


def test_examples_search(visit):
    example = visit.page.locator('#examples button').first
    words = example.inner_text()
    example.click()
    visit.page.get_by_role('heading', name=f'“{words}”').wait_for()
    assert visit.page.locator('#description textarea').input_value() == words


def test_filters_restrict(visit):
    visit.page.get_by_role('checkbox', name='cam_a').check()
    visit.page.get_by_role('checkbox', name='9', exact=True).check()
    visit.page.get_by_role('checkbox', name='10', exact=True).check()
    visit.ask('a blue bag')
    assert sorted(visit.shown()[0]) == [f'cam_a/{coat}.png' for coat in ('black', 'blue', 'orange', 'white')]
    assert 'camera cam_a, hour 9 or 10' in visit.page.locator('#results .heading').inner_text()
    visit.page.get_by_role('checkbox', name='cam_a').uncheck()
    visit.page.locator('#search').click()
    visit.page.locator('#results .heading p', has_text='The best 8 of').wait_for()
    assert len(visit.shown()[0]) == 8


def test_an_uploaded_crop_finds_itself_and_words_count_beside_it(visit, crops):
    visit.choose('#picture_file', crops / 'cam_a/orange.png')
    visit.page.locator('#picture img').wait_for()
    visit.page.get_by_role('heading', name='orange.png').wait_for()
    names, scores = visit.shown()
    assert {'cam_a/orange.png', 'cam_b/orange.png'} == set(names[:2]) and scores[0] == pytest.approx(1, abs=0.01)
    visit.page.locator('#description textarea').fill('a woman')
    visit.page.locator('#weight input[type=number]').fill('1')
    visit.page.locator('#weight input[type=number]').press('Tab')
    visit.page.locator('#search').click()
    visit.page.get_by_role('heading', name='“a woman” and the picture orange.png').wait_for()
    both = visit.shown()
    visit.page.locator('#remove_picture').click()
    visit.page.locator('#picture_file').wait_for()
    visit.ask('a woman')
    assert visit.shown() == both  # all the weight was on the words


def test_an_uploaded_crop_is_added_once_and_found(visit, tmp_path):
    before = int(re.search(r'(\d+) crops', visit.page.locator('.facts').inner_text())[1])
    new = draw_person(tmp_path / 'new.png', 'cyan', 'yellow')
    visit.page.locator('#adding > button').click()
    visit.choose('#add_files', new)
    visit.page.locator('#add_files').get_by_text('new').wait_for()
    visit.page.locator('#add').click()
    visit.message('1 crop added')
    visit.page.locator('.facts', has_text=f'{before + 1} crops').wait_for()
    visit.choose('#picture_file', new)
    visit.page.get_by_role('heading', name='new.png').wait_for()
    (name, *_), (score, *_) = visit.shown()
    assert name.startswith('uploads/') and score == pytest.approx(1, abs=0.01)
    visit.choose('#add_files', new, Path(__file__))
    visit.page.locator('#add_files').get_by_text('test_web_demo').wait_for()
    visit.page.locator('#add').click()
    visit.message('1 crop known already: new.png')
    visit.message('Not added: test_web_demo.py is no image')
    assert f'{before + 1} crops' in visit.page.locator('.facts').inner_text()


def test_what_cannot_be_answered_is_said_in_words(visit, tmp_path):
    visit.page.locator('#search').click()
    visit.message('Describe the person in the field, or give a picture.')
    (tmp_path / 'words.png').write_text('no picture at all')
    visit.choose('#picture_file', tmp_path / 'words.png')
    visit.message('words.png is no image that can be read')
    before = sum('/upload' in url for url in visit.asked)
    (tmp_path / 'large.png').write_bytes(np.random.default_rng(0).bytes(400_000))
    visit.choose('#picture_file', tmp_path / 'large.png')
    visit.message('Too large: large.png. A picture may have 0.2 MiB at most.')
    assert sum('/upload' in url for url in visit.asked) == before  # it has not even been sent
    visit.ask('purple 🧥 外套')
    assert len(visit.shown()[0]) == 12
    visit.page.locator('#description textarea').fill('long ' * 2000)
    visit.page.locator('#search').click()
    visit.message('too long for the model')
    page = visit.page.locator('body').inner_text()
    assert 'Traceback' not in page and 'went wrong' not in page


def test_names_and_metadata_are_no_markup(visit):
    visit.page.get_by_role('checkbox', name=MARKUP).check()
    visit.ask(f'{MARKUP} a man')
    assert visit.shown()[0] == [NAMED]
    visit.page.locator('#results .card').click()
    visit.page.locator('#neighbours .chosen').wait_for()
    assert NAMED in visit.page.locator('#neighbours dl').inner_text()
    assert visit.page.evaluate('typeof hacked') == 'undefined'
    assert not visit.page.locator('img[src="x"]').count() and not visit.wrong


def test_a_phone_scrolls_down_only(phone):
    assert phone.overflow() <= 0
    assert not phone.page.get_by_role('checkbox', name='cam_a').is_visible()  # filters are folded away
    phone.ask('a man in a red coat with a very very long description that goes on and on and' + 'on' * 40)
    assert phone.overflow() <= 0
    phone.page.wait_for_function("document.querySelector('#results h2').getBoundingClientRect().top < 400")
    phone.page.locator('#results [data-crop*="onerror"], #results .card').first.click()
    phone.page.locator('#neighbours .chosen').wait_for()
    assert phone.overflow() <= 0
    phone.page.locator('#filters > button').click()
    phone.page.get_by_role('checkbox', name='cam_a').wait_for()
    assert phone.overflow() <= 0


def test_behind_a_proxy_at_another_path(browser, model, crops, tmp_path):
    crops = shutil.copytree(crops, tmp_path / 'crops', ignore=shutil.ignore_patterns('.*'))
    with (
        demo(model, crops, '--root-path', '/find') as (url, _),
        reverse_proxy(url, '/find', strips=True, keeps_host=True) as outside,
    ):
        visitor = Visit(browser, f'{outside}/', WIDE)
        visitor.ask('a man in a red coat')
        visitor.choose('#picture_file', crops / 'cam_a/orange.png')
        visitor.page.get_by_role('heading', name='and the picture orange.png').wait_for()
        assert len(visitor.shown()[0]) == 12
        assert visitor.lacking == []
        assert len(visitor.wrong) <= 1  # browsers look for a favicon at the root of the site
        assert all(url.startswith((outside, 'data:', 'blob:')) for url in visitor.asked)
        visitor.context.close()


@pytest.mark.slow
def test_an_upload_over_a_slow_line_arrives(browser, address, crops, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'noise.png')
    visitor = Visit(browser, address, WIDE)
    line = visitor.context.new_cdp_session(visitor.page)
    line.send('Network.enable')
    line.send(
        'Network.emulateNetworkConditions',
        dict(offline=False, latency=50, downloadThroughput=-1, uploadThroughput=15_000),
    )
    visitor.choose('#picture_file', tmp_path / 'noise.png')
    visitor.page.get_by_role('heading', name='noise.png').wait_for()
    assert len(visitor.shown()[0]) == 12
    visitor.context.close()


@pytest.mark.slow
def test_it_ends_when_told_and_goes_on_where_it_was(model, crops, tmp_path):
    crops = shutil.copytree(crops, tmp_path / 'crops', ignore=shutil.ignore_patterns('.*'))
    with demo(model, crops) as (_, end):
        status, told = end(signal.SIGINT)
    assert status == 0 and told.endswith('the page is closed\n') and 'Traceback' not in told
    with demo(model, crops) as (_, end):
        status, told = end(signal.SIGTERM)
    assert status == 0 and 'known already' in told and 'added' not in told


@pytest.fixture
def run(capsys):
    """Runs the tool up to where the page would be shown."""

    def run(*arguments):
        status = load_tool('web_demo').main([str(part) for part in arguments])
        return status, capsys.readouterr().err

    return run


def test_what_is_missing_is_named(run, model, crops, tmp_path):
    config, checkpoint = model
    status, told = run(config, tmp_path / 'none.pth', '--gallery', crops, '--port', '0')
    assert status == 2 and 'none.pth' in told and 'Traceback' not in told
    status, told = run('no/such_config', checkpoint, '--gallery', crops, '--port', '0')
    assert status == 2 and 'no/such_config' in told
    status, told = run(config, checkpoint, '--gallery', tmp_path / 'none', '--port', '0')
    assert status == 2 and 'there is no folder' in told
    (tmp_path / 'empty').mkdir()
    status, told = run(config, checkpoint, '--gallery', tmp_path / 'empty', '--port', '0')
    assert status == 2 and 'has none that can be read' in told
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        status, told = run(config, checkpoint, '--gallery', crops, '--port', port)
    assert status == 2 and f'port {port} is taken' in told
    status, told = run(config, checkpoint, '--gallery', crops, '--max-upload-mb', '0')
    assert status == 2 and 'max_upload_mb' in told


def test_arguments_that_do_not_go_together(run, crops, capsys):
    for arguments, words in (
        (['--gallery', crops], 'a model must be given'),
        (['config.py', '--gallery', crops], 'a model must be given'),
        (['config.py', 'x.pth', '--model', 'y', '--gallery', crops], '--model must be given without'),
        (['--model', 'y'], '--gallery'),
        (['--model', 'y', '--gallery', crops, '--no-add', '--allow-add'], 'not allowed with'),
    ):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)
        assert ended.value.code == 2 and words in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'may_add', 'warned'),
    [
        ([], False, False),
        (['--no-add'], False, False),
        (['--allow-add'], True, False),
        (['--host', '0.0.0.0'], False, True),
        (['--share'], False, True),
        (['--share', '--allow-add'], True, True),
    ],
)
def test_strangers_add_nothing_unless_it_is_said(run, model, crops, monkeypatch, options, may_add, warned):
    served = []
    tool = load_tool('web_demo')
    monkeypatch.setattr(tool, 'serve', lambda service, **named: served.append((service, named)))
    monkeypatch.setattr(sys.modules[__name__], 'load_tool', lambda name: tool)
    status, told = run(*model, '--gallery', crops, '--port', '0', '--index', 'memory', *options)
    ((service, named),) = served
    assert status == 0 and service.allow_add is may_add and ('warning' in told) is warned
    assert named['address'].share is ('--share' in options)
