"""tools/search.py on a tiny model and a handful of crops."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/test_apis'))
sys.path.insert(0, str(ROOT / 'tests/test_engine'))

from crash_runs import load_tool  # noqa: E402
from export_models import make_model  # noqa: E402

from mmt2ireid.apis.search import TorchEncoder  # noqa: E402
from mmt2ireid.gallery import open_gallery  # noqa: E402

TEXTS = ('a man in a red coat', 'the woman with a blue bag', 'white shirt')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return make_model('bert', tmp_path_factory.mktemp('model'))


@pytest.fixture
def crops(tmp_path):
    folder = tmp_path / 'crops'
    random = np.random.default_rng(0)
    for number in range(7):
        path = folder / f'cam_{"ab"[number % 2]}/{number}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 20, 3), dtype=np.uint8)).save(path)
    return folder


@pytest.fixture
def search(model, crops, capsys):
    """Runs the tool; returns its exit status, what it printed and what it told."""

    def run(*arguments, named=True):
        config, checkpoint = model
        named_model = ['--config', config, '--checkpoint', checkpoint] if named else []
        status = load_tool('search').main(
            [str(part) for part in [*arguments, '--gallery', crops, *named_model, '--no-progress']]
        )
        return status, *capsys.readouterr()

    return run


def expected_order(model, crops, text):
    """By the encoder alone."""
    encoder = TorchEncoder(*model, device='cpu')
    paths = sorted(crops.rglob('*.png'))
    vectors = encoder.encode_images([np.array(Image.open(path)) for path in paths])
    scores = vectors @ encoder.encode_texts([text])[0]
    order = np.argsort(-scores, kind='stable')
    return [(paths[row].relative_to(crops).as_posix(), scores[row]) for row in order]


def test_the_best_crops_as_table_json_and_picture(search, model, crops, tmp_path):
    status, printed, told = search(TEXTS[0], '--out', tmp_path / 'strip.png', '--json', tmp_path / 'found.json')
    assert status == 0 and '7 added' in told and str(tmp_path / 'strip.png') in told
    expected = expected_order(model, crops, TEXTS[0])
    (query,) = json.loads((tmp_path / 'found.json').read_text())
    assert query['text'] == TEXTS[0] and query['image'] is None
    assert [hit['path'] for hit in query['hits']] == [path for path, _ in expected]
    assert [hit['score'] for hit in query['hits']] == pytest.approx([score for _, score in expected], abs=1e-5)
    lines = printed.splitlines()
    assert lines[0] == f'"{TEXTS[0]}":' and lines[1].split() == ['1', f'{expected[0][1]:.4f}', expected[0][0]]
    with Image.open(tmp_path / 'strip.png') as picture:
        assert picture.width > 7 * 128 and picture.height > 256


def test_the_second_call_encodes_nothing(search, crops, monkeypatch):
    assert 'added' in search(TEXTS[0])[2]
    monkeypatch.setattr(TorchEncoder, 'encode_images', lambda *_: pytest.fail('encoded again'))
    status, _, told = search(TEXTS[0])
    assert status == 0 and '7 known already' in told
    assert (crops / '.mmt2ireid').is_dir()


def test_crops_that_are_gone_are_not_found(search, crops, tmp_path):
    search(TEXTS[0])
    (crops / 'cam_a/0.png').unlink()
    status, printed, told = search(TEXTS[0])
    assert status == 0 and '1 removed' in told and 'cam_a/0.png' not in printed


def test_an_unmounted_folder_keeps_its_crops(search, crops, tmp_path):
    place = ('--index', tmp_path / 'index')
    search(TEXTS[0], *place)
    crops.rename(tmp_path / 'disk')
    crops.mkdir()
    status, _, told = search(TEXTS[0], *place)
    assert status == 2 and 'error: ' in told and 'has 7 crops of it: nothing is removed' in told
    (tmp_path / 'disk/cam_a').rename(crops / 'cam_a')
    (crops / 'cam_b').mkdir()
    status, printed, told = search(TEXTS[0], *place)
    assert status == 0 and '3 crops kept that were not seen' in told and 'not read: cam_b: has no image left' in told
    assert 'cam_b/1.png' in printed
    status, printed, told = search(TEXTS[0], *place, '--prune')
    assert status == 0 and '3 removed' in told and 'cam_b' not in printed


def test_several_queries_filters_and_an_index_elsewhere(search, crops, tmp_path):
    queries = tmp_path / 'queries.txt'
    queries.write_text(f'\ufeff{TEXTS[1]}\n\n  {TEXTS[2]}\n')
    place = tmp_path / 'index'
    status, printed, _ = search(
        TEXTS[0], '--queries', queries, '--pattern', 'cam_(?P<camera>[ab])/', '--where', 'camera=b', '--top-k', 2,
        '--index', place, '--out', tmp_path / 'three.png', '--json', '-',
    )  # fmt: skip
    found = json.loads(printed)
    assert status == 0 and [query['text'] for query in found] == list(TEXTS)
    for query in found:
        assert len(query['hits']) == 2
        assert all(hit['metadata'] == {'camera': 'b'} and hit['path'].startswith('cam_b/') for hit in query['hits'])
    assert place.exists() and not (crops / '.mmt2ireid').exists()
    with Image.open(tmp_path / 'three.png') as picture:
        assert picture.height > 3 * 256


def test_by_picture_and_by_both(search, crops, tmp_path):
    image = crops / 'cam_b/3.png'
    status, printed, _ = search('--image', image, '--index', 'memory', '--out', tmp_path / 'strip.png', '--top-k', 1)
    assert status == 0 and '1.0000  cam_b/3.png' in printed
    status, printed, _ = search(TEXTS[0], '--image', image, '--text-weight', 0.1, '--index', 'memory')
    assert status == 0 and printed.splitlines()[1].endswith('cam_b/3.png')
    assert not (crops / '.mmt2ireid').exists()


def test_a_filter_that_nothing_fits_is_told(search, tmp_path):
    status, printed, told = search(TEXTS[0], '--where', 'camera=z', '--out', tmp_path / 'strip.png')
    assert status == 0 and 'no crop fits the conditions' in printed
    assert 'no picture is drawn' in told and not (tmp_path / 'strip.png').exists()


def test_queries_in_another_encoding_are_named(search, tmp_path):
    (tmp_path / 'gbk.txt').write_bytes(f'{TEXTS[0]}\n一个女人\n'.encode('gbk'))
    status, printed, told = search('--queries', tmp_path / 'gbk.txt')
    assert status == 2 and not printed
    assert 'gbk.txt, line 2: must be text in UTF-8' in told and 'Save it as UTF-8' in told and 'Traceback' not in told


def test_notes_on_texts(search):
    status, _, told = search('人 人', 'a ' * 5000)
    assert status == 0 and 'knows none of these words' in told and 'reads the first' in told


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], 'there must be a text, --queries or --image'),
        (['  '], 'at least one word'),
        ([TEXTS[0], '--where', 'camera'], 'condition'),
        ([TEXTS[0], '--top-k', 0], 'top_k must be'),
        ([TEXTS[0], '--out', 'strip.xyz'], 'picture format'),
        ([TEXTS[0], '--pattern', 'c('], 'must be a regular expression'),
        ([TEXTS[0], '--metadata', 'nothing.csv'], r'nothing.csv must be a .csv'),
        (['--image', 'nothing.png'], 'nothing.png is not there'),
        (['--queries', 'nothing.txt'], 'nothing.txt'),
        ([TEXTS[0], '--text-weight', 'nan'], '--text-weight must be from 0 to 1'),
    ],
)
def test_what_is_wrong_is_told_in_a_line(arguments, message, search, crops):
    status, printed, told = search(*arguments)
    assert status == 2 and message in told and not printed
    assert 'Traceback' not in told
    assert not list(crops.rglob('*.safetensors'))  # before hours of encoding


def test_a_gallery_that_holds_no_picture_is_told(model, tmp_path, capsys):
    empty = tmp_path / 'empty'
    empty.mkdir()
    arguments = [TEXTS[0], '--config', model[0], '--checkpoint', model[1], '--no-progress', '--gallery']
    main = load_tool('search').main
    assert main([str(part) for part in [*arguments, empty]]) == 2
    assert 'must hold pictures of persons' in capsys.readouterr().err
    assert not list(empty.iterdir())  # it may be where a disk will be mounted
    assert main([str(part) for part in [*arguments, tmp_path / 'nowhere']]) == 2
    assert 'there is no folder' in capsys.readouterr().err


def test_no_model_is_told(search, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, _, told = search(TEXTS[0], named=False)
    assert status == 2 and 'bash tools/quickstart.sh' in told and '--config CONFIG --checkpoint' in told


def test_the_quickstarts_model_is_the_default(search, model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tool = load_tool('search')
    run = tmp_path / tool.QUICKSTART_RUN
    run.mkdir(parents=True)
    for number, name in enumerate(['best_t2i_R1_epoch_3.pth', 'best_t2i_R1_epoch_2.pth']):
        (run / name).touch()
        os.utime(run / name, (number, number))
    asked = []
    monkeypatch.setattr(
        'mmt2ireid.apis.search.torch_encoder.TorchEncoder', lambda *given, **_: asked.append(given) or 1 / 0
    )
    import mmt2ireid.apis.search

    monkeypatch.delitem(vars(mmt2ireid.apis.search), 'TorchEncoder', raising=False)
    with pytest.raises(ZeroDivisionError):
        search(TEXTS[0], named=False)
    ((config, checkpoint),) = asked
    assert config == 'toy/unipt_vit_toy_pseudo' and checkpoint.name == 'best_t2i_R1_epoch_2.pth'


@pytest.mark.parametrize('arguments', [['--config', 'x'], ['--checkpoint', 'x'], ['--model', 'x', '--config', 'y']])
def test_options_that_do_not_go_together(arguments, search):
    with pytest.raises(SystemExit):
        search(TEXTS[0], *arguments, named=False)


def test_beside_a_program_that_writes_the_gallery_is_searched_as_it_is(search, model, crops):
    _, before, _ = search(TEXTS[0])
    (place,) = (crops / '.mmt2ireid').iterdir()
    encoder = TorchEncoder(*model, device='cpu')
    Image.new('RGB', (20, 40)).save(crops / 'new.png')
    with open_gallery(place, model=encoder.fingerprint, dim=encoder.dim):
        status, printed, told = search(TEXTS[0])
    assert (status, printed) == (0, before)
    assert 'searched as it is, with its 7 crops' in told
    assert 'open for writing already' in told


def test_a_gallery_that_another_program_has_just_begun_is_told(search, model, crops):
    encoder = TorchEncoder(*model, device='cpu')
    with open_gallery(crops / '.mmt2ireid' / encoder.fingerprint, model=encoder.fingerprint, dim=encoder.dim):
        status, _, told = search(TEXTS[0])
    assert (
        status == 2 and 'the other program has added none yet' in told and 'can be read' not in told.split('error')[1]
    )


def test_a_picture_without_matplotlib_is_told_before_the_search(search, crops, monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    status, _, told = search(TEXTS[0], '--out', crops / 'strip.png')
    assert status == 2 and '--out needs matplotlib: pip install matplotlib' in told
    assert not list(crops.rglob('*.safetensors'))


def test_a_gallery_that_cannot_be_written_to_is_searched_as_it_is(search, monkeypatch):
    _, before, _ = search(TEXTS[0])

    def only_read(place, *, read_only=False, **options):
        if not read_only:
            raise OSError(30, 'Read-only file system')
        return open_gallery(place, read_only=True, **options)

    tool = load_tool('search')
    monkeypatch.setattr('test_search.load_tool', lambda name: tool)
    monkeypatch.setattr(tool, 'open_gallery', only_read)
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    status, printed, told = search(TEXTS[0])
    assert (status, printed) == (0, before)
    assert 'Read-only file system' in told


def test_a_condition_on_what_no_crop_has_is_told(search):
    pattern = '(?P<camera>cam_[a-z])/'
    assert (
        "no crop has 'camra': the crops have camera"
        in search(TEXTS[0], '--pattern', pattern, '--where', 'camra=cam_a')[2]
    )
    assert 'no crop has' not in search(TEXTS[0], '--pattern', pattern, '--where', 'camera=cam_a')[2]
    assert "no crop has 'camera': no metadata are known" in search(TEXTS[0], '--where', 'camera=cam_a')[2]


def test_a_condition_that_can_hold_for_no_crop_is_refused(search):
    pattern = ('--pattern', r'(?P<floor>\d)\.png')
    status, printed, told = search(TEXTS[0], *pattern, '--where', 'floor>=two')
    assert status == 2 and not printed
    assert told.splitlines()[-1] == 'error: --where floor>=two: floor has numbers, but two is none of these'
    assert search(TEXTS[0], *pattern, '--where', 'floor>=2')[0] == 0


@pytest.mark.parametrize('option', ['--out', '--json'])
def test_results_that_cannot_be_written_are_told_before_the_search(option, search, crops, tmp_path):
    place = tmp_path / 'folder.png'
    place.mkdir()
    status, _, told = search(TEXTS[0], option, place)
    assert status == 2
    assert 'the results must go to a file' in told
    assert not (crops / '.mmt2ireid').exists()


def test_a_device_that_is_not_there_is_told(search):
    status, _, told = search(TEXTS[0], '--device', 'nowhere')
    assert status == 2
    assert 'device must be one that can be used here' in told
