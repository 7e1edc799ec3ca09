"""The benchmark of pseudo-texts runs and says what it measured; how fast it is, is for people to judge."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'benchmark_pseudo_text.py'
MODEL_CFG = {
    'embed_dim': 16,
    'vision_cfg': {'image_size': 32, 'layers': 1, 'width': 32, 'head_width': 16, 'patch_size': 16},
    'text_cfg': {'context_length': 40, 'vocab_size': 49408, 'width': 16, 'heads': 2, 'layers': 1},
}


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_pseudo_text', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_captions_are_counted(tool, tmp_path, capsys):
    tool.main(['compose', 'check', '--captions', '40', '--json', str(tmp_path / 'figures.json')])
    figures = json.loads((tmp_path / 'figures.json').read_text())
    assert figures.keys() == {'composed captions/s', 'checked captions/s', 'defective captions'}
    assert figures['composed captions/s'] > 0 and figures['defective captions'] == 0
    assert 'composed captions/s' in capsys.readouterr().out


@pytest.mark.parametrize('option', ['--captions', '--batch-sizes', '--repeats'])
def test_figures_of_nothing_are_refused(tool, capsys, option):
    with pytest.raises(SystemExit):
        tool.main(['compose', 'match', option, '0'])
    assert f"argument {option}: must be a whole number of at least 1, but got '0'" in capsys.readouterr().err


def test_a_model_that_is_unknown_takes_one_line(tool):
    pytest.importorskip('open_clip')
    with pytest.raises(ValueError, match='model must be one that open_clip knows'):
        tool.main(['match', '--model', 'ViT-B-61', '--device', 'cpu'])


def test_random_choices_are_valid_and_vary(tool):
    catalogue = tool.load_catalogue()
    choices = tool.random_choices(catalogue, 60)
    assert all(set(catalogue.required) <= set(chosen) for chosen in choices)
    assert all(phrase in catalogue[name].phrases for chosen in choices for name, phrase in chosen.items())
    assert {name for chosen in choices for name in chosen} == set(catalogue)
    assert not all('bag' in chosen for chosen in choices)


def test_matching_is_measured_for_each_batch_size(tool, tmp_path):
    open_clip = pytest.importorskip('open_clip')
    torch.save(open_clip.model.CLIP(**MODEL_CFG).state_dict(), tmp_path / 'open_clip_pytorch_model.bin')
    (tmp_path / 'open_clip_config.json').write_text(json.dumps({'model_cfg': MODEL_CFG}))
    options = ['--device', 'cpu', '--batch-sizes', '2', '3', '--repeats', '2', '--json', str(tmp_path / 'figures.json')]
    tool.main(['match', '--model', f'local-dir:{tmp_path}', *options])
    figures = json.loads((tmp_path / 'figures.json').read_text())
    ratios = {name: value for name, value in figures.items() if 'ratio' in name}
    assert [name.partition('batch ')[2][0] for name in ratios] == ['2', '3']
    assert all(value > 0 for value in figures.values())
