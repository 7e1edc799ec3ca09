from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmt2ireid.pseudo_text.combine.composer import CaptionComposer
from mmt2ireid.pseudo_text.combine.templates import load_templates
from mmt2ireid.pseudo_text.divide.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'generate_pseudo_texts.py'
SCORER = """
import hashlib
import torch
from mmt2ireid.pseudo_text.conquer.scorer import FeatureScorer

class Colours(FeatureScorer):
    def __init__(self, catalogue, scale=20.0):
        self.catalogue, self.scale = catalogue, scale

    def encode(self, images):
        rows = [torch.tensor(list(image.resize((1, 2)).tobytes())) for image in images]
        return torch.nn.functional.normalize(torch.stack(rows).float() - 127.5, dim=1)

    def score_features(self, features):
        return {name: (self.scale * features @ self.vectors(attribute.choices).T).softmax(1)
                for name, attribute in self.catalogue.items()}

    def vectors(self, choices):
        rows = [list(hashlib.sha256(choice.encode()).digest()[:6]) for choice in choices]
        return torch.nn.functional.normalize(torch.tensor(rows).float() - 127.5, dim=1)

    def encoder_provenance(self):
        return {'scorer': 'colours'}
"""
NAMES = [f'{folder}/{number:02}.png' for folder in 'ab' for number in range(6)]


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('generate_pseudo_texts', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def images(tmp_path, monkeypatch) -> Path:
    (tmp_path / 'colour_scorer.py').write_text(SCORER)
    monkeypatch.syspath_prepend(str(tmp_path))
    rng = np.random.default_rng(0)
    for name in NAMES:
        buffer, path = io.BytesIO(), tmp_path / 'imgs' / name
        Image.fromarray(rng.integers(0, 256, (2, 1, 3), dtype=np.uint8)).resize((6, 12)).save(buffer, 'PNG')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())
    return tmp_path / 'imgs'


def arguments(source: Path, out: Path, *more: object) -> list[str]:
    fixed = ['--scorer', 'colour_scorer:Colours', '--shard-size', '4', '--batch-size', '3', '--workers', '0',
             '--no-progress']  # fmt: skip
    return [str(source), '--out', str(out), *fixed, *map(str, more)]


def captions_of(out: Path) -> dict[str, list[str]]:
    return {record['file_path']: record['captions'] for record in json.loads((out / 'captions.json').read_text())}


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(folder), str(ROOT)])
    return {**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}


def fails(tool, capsys, *argv: object) -> str:
    """The error of a call, which must be one line and no traceback."""
    with pytest.raises(SystemExit) as stopped:
        tool.main([str(arg) for arg in argv])
    message = capsys.readouterr().err
    assert stopped.value.code == 2 and message.count('\n') == 1 and ': error: ' in message
    return message


def test_captions_every_image_and_tells_so(tool, images, tmp_path, capsys):
    (images / 'c.png').write_bytes(b'bad')
    (images / 'IMG_1.HEIC').write_bytes(b'\0\0\0\x18ftypheic' + bytes(20))
    with open(os.fsencode(images) + b'/caf\xe9.png', 'wb') as file:
        file.write((images / NAMES[0]).read_bytes())
    tool.main(arguments(images, tmp_path / 'out', '--captions', 2))
    captions = captions_of(tmp_path / 'out')
    assert list(captions) == NAMES
    assert all(len(set(texts)) == 2 for texts in captions.values())
    said = capsys.readouterr().out
    assert '24 captions of 12 images, 1 of 13 images unreadable, 2 other files left out (see unreadable.jsonl)' in said
    lines = [json.loads(line) for line in (tmp_path / 'out/unreadable.jsonl').read_text().splitlines()]
    assert [line['image_id'] for line in lines] == ['c.png', 'IMG_1.HEIC', 'caf\\udce9.png']
    assert json.loads((tmp_path / 'out/summary.json').read_text())['left_out'] == 2
    assert '100.0 %' in said and 'umbrella' in said


def test_words_can_be_chosen(tool, images, tmp_path):
    half = load_templates()[:228]
    tool.main(arguments(images, tmp_path / 'out', '--templates', 228, '--seed', 5, '--format', 'parquet'))
    import pyarrow.parquet as pq

    catalogue = load_catalogue()
    composer = CaptionComposer(catalogue, half, 5)
    rows = [row for path in sorted((tmp_path / 'out').glob('*.parquet')) for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 12
    for row in rows:
        attributes = {name: row[name] for name in catalogue if row[name] is not None}
        assert row['caption'] == [composer.compose(row['image_id'], attributes)]
    provenance = json.loads((tmp_path / 'out' / 'provenance.json').read_text())
    assert provenance['catalogue'] == catalogue.digest and provenance['composer'] == composer.digest


def test_most_of_what_was_found_can_be_said(tool, images, tmp_path, capsys):
    argv = arguments(images, tmp_path / 'most', '--scorer-options', 'scale=200', '--threshold', 0)
    tool.main([*argv, '--say-most'])
    catalogue = load_catalogue()
    composer = CaptionComposer(catalogue, load_templates(), say_most=True)
    provenance = json.loads((tmp_path / 'most' / 'provenance.json').read_text())
    assert provenance['composer'] == composer.digest
    import pyarrow.feather as feather

    for path in sorted((tmp_path / 'most').glob('*.arrow')):
        for row in feather.read_table(path).to_pylist():
            attributes = {name: row[name] for name in catalogue if row[name] is not None}
            assert row['caption'] == [composer.compose(row['image_id'], attributes)]
    assert 'composer (templates, synonyms, say_most): ' in fails(tool, capsys, *argv)


@pytest.mark.parametrize(('more', 'value'), [([], None), (['--quick-gelu'], True), (['--no-quick-gelu'], False)])
def test_the_activation_of_a_file_can_be_told(tool, images, tmp_path, monkeypatch, capsys, more, value):
    given = []

    def clip(catalogue, **options):
        given.append(options)
        raise ValueError('far enough')

    monkeypatch.setattr(tool, 'CLIPScorer', clip)
    argv = [images, '--out', tmp_path / 'out', '--pretrained', 'file.pt', '--device', 'cpu', *more]
    assert 'far enough' in fails(tool, capsys, *argv)
    expected = {'pretrained': 'file.pt', 'device': 'cpu'}
    assert given == [expected if value is None else {**expected, 'quick_gelu': value}]


def test_more_ranks_than_gpus_are_refused(tool, images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool.torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(tool.torch.cuda, 'device_count', lambda: 2)
    for name, value in (('RANK', '2'), ('LOCAL_RANK', '2'), ('WORLD_SIZE', '3')):
        monkeypatch.setenv(name, value)
    message = fails(tool, capsys, *arguments(images, tmp_path / 'out'))
    assert '--nproc_per_node must be at most 2' in message and 'local rank 2' in message


def test_folders_that_are_files_are_refused(tool, images, tmp_path, capsys):
    taken = images / NAMES[0]
    assert f'{taken}: must be a folder, but is a file' in fails(tool, capsys, *arguments(images, taken))
    kept = arguments(images, tmp_path / 'out', '--features', taken)
    assert f'{taken}: must be a folder, but is a file' in fails(tool, capsys, *kept)
    assert not (tmp_path / 'out').exists()


def test_only_this_project_tells_what_it_does(images, tmp_path):
    """open_clip tells each step at level INFO, by the root logger."""
    chatty = 'import logging\nlogging.info("step of another")\nlogging.warning("care")\n' + SCORER
    (tmp_path / 'colour_scorer.py').write_text(chatty)
    command = [sys.executable, str(TOOL), *arguments(images, tmp_path / 'out')]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and 'shards together' in done.stderr
    assert 'care' in done.stderr and 'step of another' not in done.stderr


def test_features_and_scorer_options(tool, images, tmp_path):
    features = ['--features', tmp_path / 'features']
    tool.main(arguments(images, tmp_path / 'first', *features))
    for name in NAMES:
        (images / name).write_bytes(b'')  # gone, not exchanged
    tool.main(arguments(images, tmp_path / 'second', *features, '--scorer-options', 'scale=1'))
    first, second = captions_of(tmp_path / 'first'), captions_of(tmp_path / 'second')
    assert list(first) == list(second) and first != second


def test_root_and_fresh(tool, images, tmp_path, capsys):
    tool.main(arguments(images / 'b', tmp_path / 'out', '--root', images))
    assert list(captions_of(tmp_path / 'out')) == NAMES[6:]
    argv = arguments(images, tmp_path / 'out')
    assert 'made with other options' in fails(tool, capsys, *argv)
    tool.main([*argv, '--fresh'])
    assert list(captions_of(tmp_path / 'out')) == NAMES


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (['--threshold', 1.5], 'threshold must be in [0, 1), but got 1.5'),
        (['--captions', 0], 'num_captions must be an integer of at least 1'),
        (['--templates', 457], '--templates must be a file or a number from 1 to 456, but got 457'),
        (['--templates', 0], 'from 1 to 456'),
        (['--templates', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--catalogue', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--synonyms', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--model', 'RN50'], '--model must be given for CLIP only'),
        (['--no-quick-gelu'], '--quick-gelu must be given for CLIP only'),
        (['--scorer', 'no_such_module:X'], 'no_such_module'),
        (['--scorer-options', 'scale'], "--scorer-options must be KEY=VALUE, but got 'scale'"),
        (['--scorer-options', 'scael=1'], 'scael'),
    ],
)
def test_usage_errors_take_one_line(tool, images, tmp_path, capsys, more, message):
    assert message in fails(tool, capsys, *arguments(images, tmp_path / 'out', *more))
    assert not (tmp_path / 'out').exists()


def test_sources_and_weights_that_are_not_there(tool, images, tmp_path, capsys):
    assert 'there is no such file' in fails(tool, capsys, *arguments(tmp_path / 'nowhere', tmp_path / 'out'))
    plain = [images, '--out', tmp_path / 'out']
    assert '--scorer only' in fails(tool, capsys, *plain, '--scorer-options', 'a=1')
    pytest.importorskip('open_clip')
    assert 'nowhere.pt' in fails(tool, capsys, *plain, '--pretrained', tmp_path / 'nowhere.pt')


def test_a_bug_keeps_its_traceback(tool, images, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.PseudoTextGenerator, 'run', lambda self: {}['bug'])
    with pytest.raises(KeyError):
        tool.main(arguments(images, tmp_path / 'out'))


@pytest.mark.parametrize(('text', 'value'), [('a=1', 1), ('a=1e-3', 1e-3), ('a=x=y', 'x=y'), ('a=True', True)])
def test_options_are_read(tool, text, value):
    assert tool.parse_options([text]) == {'a': value}


@pytest.mark.slow
def test_two_ranks_of_torchrun_make_the_set_of_one(images, tmp_path):
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    outs = {}
    for name, launcher in (('one', [sys.executable]), ('two', torchrun)):
        command = [*launcher, str(TOOL), *arguments(images, tmp_path / name)]
        done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count('12 captions of 12 images') == 1
        outs[name] = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert outs['one'] == outs['two']
