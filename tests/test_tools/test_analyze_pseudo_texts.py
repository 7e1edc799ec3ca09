from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from mmt2ireid.pseudo_text.divide.catalogue import load_catalogue

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'analyze_pseudo_texts.py'
NAMES = ('age', 'gender', 'lower clothes', 'bag', 'glasses')
CAPTIONS = (
    'The young man is walking, dressed in a blue shirt and black jeans.',
    'The elderly woman is standing and wears a red coat and gray pants. She carries a backpack.',
    'The young man wears a a blue shirt.',
)


def phrases(number):
    """Chosen attributes of an image, and its true ones: the age is wrong for every fourth image."""
    backpack = load_catalogue()['bag'].phrases[0]
    chosen = {'age': 'young', 'gender': ('man', 'woman')[number % 2], 'lower clothes': 'blue jeans', 'glasses': None}
    chosen['bag'] = backpack if number % 3 == 0 else None
    return chosen, chosen | {'age': 'elderly' if number % 4 == 0 else 'young'}


def picture(number):
    stream = io.BytesIO()
    Image.new('RGB', (24, 48), (200, 10 * number, 90)).save(stream, 'PNG')
    return stream.getvalue()


@pytest.fixture
def shards(tmp_path):
    """A folder as the generator leaves it, of 20 images in 2 shards, without the images, and their truth."""
    folder, rows = tmp_path / 'made', [phrases(number) for number in range(20)]
    folder.mkdir()
    for shard in range(2):
        numbers = range(10 * shard, 10 * shard + 10)
        columns = {
            'image': pa.array([None] * 10, pa.binary()),
            'caption': [[CAPTIONS[number % 3]] for number in numbers],
            'image_id': [f'cam/{number}.png' for number in numbers],
            'split': ['train'] * 10,
        }
        for name in NAMES:
            columns[name] = pa.array([rows[number][0][name] for number in numbers], pa.string())
            columns[f'{name} probability'] = pa.array([0.5] * 10, pa.float32())
        table = pa.table(columns)
        with pa.ipc.new_file(str(folder / f'pseudo_texts-{shard:05d}.arrow'), table.schema) as writer:
            writer.write_table(table)
    (folder / 'summary.json').write_text('{}')
    (folder / 'unreadable.jsonl').write_text('{"image_id": "x", "reason": "y"}\n')
    truth = {f'cam/{number}.png': true for number, (_, true) in enumerate(rows)}
    (tmp_path / 'truth.json').write_text(json.dumps({'pool': truth}))
    (tmp_path / 'images' / 'cam').mkdir(parents=True)
    for number in range(20):
        (tmp_path / 'images' / 'cam' / f'{number}.png').write_bytes(picture(number))
    return folder


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('analyze_pseudo_texts', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path):
    return json.loads(path.read_text())


def test_a_generated_folder_is_analyzed(shards, tmp_path, tool, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ['--images', 'images', '--truth', 'truth.json', '--truth-key', 'pool', '--samples', '4']
    tool.main(['made', '--out', 'seen', *options])
    told = capsys.readouterr().out
    out = tmp_path / 'seen'
    assert {file.name for file in out.iterdir()} == {
        *('summary.md', 'summary.json', 'accuracy.md', 'accuracy.json', 'contact_sheet.jpg'),
        *('word_cloud.png', 'attribute_frequency.png', 'length_distribution.png'),
    }
    summary = read(out / 'summary.json')
    assert (summary['images'], summary['texts'], summary['distinct_texts']) == (20, 20, 3)
    assert (summary['unreadable'], summary['complete']) == (1, True)
    assert summary['optional']['attributes']['bag'] == dict(count=7, share_of_images=0.35, share_of_optional=1.0)
    assert list(summary['optional']['attributes']) == ['bag', 'glasses']
    assert summary['defects']['captions'] == 6  # the third caption
    accuracy = read(out / 'accuracy.json')
    assert accuracy['required']['age']['phrase']['accuracy'] == 0.75
    assert accuracy['required']['lower clothes']['parts']['colour']['accuracy'] == 1
    assert accuracy['optional']['bag']['at_all']['recall'] == 1
    for line in ('| texts | 20 |', '| age | 75.0 % | 75.0 % | young | 20 |'):
        assert line in told.splitlines()
    for name in ('word_cloud.png', 'attribute_frequency.png', 'length_distribution.png', 'contact_sheet.jpg'):
        assert f']({name})' in (out / 'summary.md').read_text()
        with Image.open(out / name) as image:
            image.load()
    assert (out / 'contact_sheet.jpg').stat().st_size < 400 * 1024
    tool.main(['made', '--out', 'again', *options])
    for file in out.iterdir():
        assert file.read_bytes() == (tmp_path / 'again' / file.name).read_bytes(), file.name


def test_a_foreign_file_without_attributes_or_images_is_analyzed(tmp_path, tool, capsys):
    records = [{'file_path': f'{number}.jpg', 'captions': [caption]} for number, caption in enumerate(CAPTIONS)]
    (tmp_path / 'foreign.json').write_text(json.dumps(records))
    tool.main([str(tmp_path / 'foreign.json'), '--out', str(tmp_path / 'seen')])
    told = capsys.readouterr().out
    assert 'No contact sheet' in told and 'tells of no attributes' in told
    names = {file.name for file in (tmp_path / 'seen').iterdir()}
    assert names == {'summary.md', 'summary.json', 'word_cloud.png', 'length_distribution.png'}
    summary = read(tmp_path / 'seen' / 'summary.json')
    assert summary['images'] == 3 and summary['optional'] is None and 'complete' not in summary


def test_embedded_images_are_shown_and_absent_ones_told(tmp_path, tool, capsys):
    table = pa.table({'image': [picture(1), b'no picture'], 'caption': [[CAPTIONS[0]], [CAPTIONS[1]]]})
    with pa.ipc.new_stream(str(tmp_path / 'release.arrow'), table.schema) as writer:
        writer.write_table(table)
    tool.main([str(tmp_path / 'release.arrow'), '--out', str(tmp_path / 'seen')])
    assert '1 of 2 images were not found' in capsys.readouterr().out
    assert (tmp_path / 'seen' / 'contact_sheet.jpg').is_file()


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['nowhere', '--out', 'seen'], 'nowhere: there is no such file'),
        (['made', '--out', 'made'], '--out must be another folder'),
        (['made', '--out', 'seen', '--truth', 'truth.json'], 'name one of them'),
        (['made', '--out', 'seen', '--samples', '-1'], '--samples must be at least 1, but got -1'),
        (['x.json', '--out', 'seen'], 'must hold captions'),
        (['x.json', '--out', 'seen', '--truth', 'truth.json', '--truth-key', 'pool'], '--truth needs chosen'),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(shards, tmp_path, tool, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.json').write_text('[{"file_path": "1.jpg", "captions": []}]')
    with pytest.raises((ValueError, OSError)) as stop:
        tool.main(arguments)
    assert told in str(stop.value) and '\n' not in str(stop.value)
    assert not (tmp_path / 'seen').exists()


def test_attributes_of_another_catalogue_are_refused(tmp_path, tool):
    table = pa.table({'caption': [['x']], 'shoes': ['boots'], 'shoes probability': [0.5]})
    with pa.ipc.new_file(str(tmp_path / 'pseudo_texts-00000.arrow'), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ValueError, match=r"has \['shoes'\]"):
        tool.main([str(tmp_path), '--out', str(tmp_path / 'seen')])


def test_images_that_lead_out_of_their_folder_or_are_bombs_are_not_opened(tmp_path, tool, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images' / 'in.png').write_bytes(picture(1))
    (tmp_path / 'out.png').write_bytes(picture(1))
    stream = io.BytesIO()
    Image.new('1', (20000, 20000)).save(stream, 'PNG')
    (tmp_path / 'images' / 'bomb.png').write_bytes(stream.getvalue())
    names = ('in.png', '../out.png', str(tmp_path / 'out.png'), 'bomb.png', 'n\0l.png')
    (tmp_path / 'c.json').write_text(json.dumps([{'file_path': name, 'captions': [CAPTIONS[0]]} for name in names]))
    tool.main(['c.json', '--out', 'seen', '--images', 'images'])
    assert '4 of 5 images were not found or could not be read' in capsys.readouterr().out


def test_halves_of_letters_do_not_break_the_report(tmp_path, tool):
    (tmp_path / 'c.json').write_text('[{"file_path": "a\\ud800.png", "captions": ["He are \\ud83d walking."]}]')
    tool.main([str(tmp_path / 'c.json'), '--out', str(tmp_path / 'seen')])
    assert read(tmp_path / 'seen' / 'summary.json')['texts'] == 1
