from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmark_phrases.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_phrases', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_composed_captions_are_measured(tool, tmp_path, capsys):
    out = tmp_path / 'figures.json'
    tool.main(['--captions', '60', '--taggers', 'embedded', '--batch', '16', '--repeats', '2', '--json', str(out)])
    figures = json.loads(out.read_text())
    assert all(value > 0 for value in figures.values())
    assert 3 < figures['embedded: phrases per caption'] < 20
    assert 'embedded: phrases of 60 captions, s' in figures and 'Text-IoU' in capsys.readouterr().out


def test_captions_of_a_file(tool, tmp_path):
    path, out = tmp_path / 'captions.txt', tmp_path / 'figures.json'
    path.write_text('A red coat and a blue bag.\n\nA man in black boots.\n')
    tool.main(['--file', str(path), '--taggers', 'embedded', '--repeats', '1', '--json', str(out)])
    figures = json.loads(out.read_text())
    assert figures['embedded: different phrases'] == 4
    assert figures['embedded: phrases per caption'] == 2


@pytest.mark.parametrize(('text', 'says'), [('', 'must hold captions'), (None, 'No such file')])
def test_a_file_without_captions_is_refused(tool, tmp_path, text, says):
    path = tmp_path / 'captions.txt'
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit, match=says):
        tool.main(['--file', str(path), '--taggers', 'embedded'])


@pytest.mark.parametrize('options', [['--captions', '0'], ['--workers', '-1'], ['--batch', '0']])
def test_bad_settings_are_refused(tool, options):
    with pytest.raises(SystemExit):
        tool.parse_args(options)
