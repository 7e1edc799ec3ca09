"""tools/export.py from the command line."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from mmt2ireid.apis.commands import USER_ERROR, run_command
from mmt2ireid.apis.search import OnnxEncoder

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'test_apis'))
from export_models import make_model  # noqa: E402


def run_tool(*arguments):
    """Runs the command; returns its exit status."""
    spec = importlib.util.spec_from_file_location('export_tool', ROOT / 'tools' / 'export.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        run_command(lambda: module.main([str(argument) for argument in arguments]))
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return make_model('words', tmp_path_factory.mktemp('model'))


def test_it_says_what_it_wrote_how_near_and_how_fast(model, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / 'deep' / 'exported'
    assert run_tool(*model, '--out', out, '--opset', 20) == 0
    told = capsys.readouterr().out
    fingerprint = OnnxEncoder(out).fingerprint
    assert f'{out}: model {fingerprint}, 16 numbers per vector, ONNX opset 20' in told
    for what in ('images', 'texts'):
        assert re.search(rf'{what}: largest difference from torch \de-\d\d, smallest cosine (1\.0|0\.9999)'
                         .replace(r'\de', r'\d\.\de'), told)  # fmt: skip
        for batch in (1, 32):
            assert re.search(rf'^  {what} +{batch} +[\d,]+\.\d +[\d,]+\.\d$', told, re.MULTILINE)
    assert re.search(r'per second, \d+ threads? of the CPU', told)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['deep']  # no logs, no work_dirs

    assert run_tool(*model, '--out', out) == USER_ERROR
    assert 'holds an exported model already; --force' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['{config}', 'missing.pth'], 'error: checkpoint missing.pth must be a file'),
        (['{config}', '{checkpoint}', '--cfg-options', 'model=None'], 'must have a model, but has none'),
        (['no/such_config', '{checkpoint}'], "error: config 'no/such_config' is neither"),
        (
            ['{config}', '{checkpoint}', '--cfg-options', 'test_dataloader.dataset.pipeline.1.keep_ratio=True'],
            'error: Resize of the test pipeline must have',
        ),
    ],
)
def test_errors_are_words(model, tmp_path, capsys, arguments, words):
    filled = [argument.format(config=model[0], checkpoint=model[1]) for argument in arguments]
    assert run_tool(*filled, '--out', tmp_path / 'exported') == USER_ERROR
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_told(model, tmp_path, capsys, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, 'Permission denied', str(tmp_path / 'exported'))

    monkeypatch.setattr(Path, 'mkdir', refuse)
    assert run_tool(*model, '--out', tmp_path / 'exported') == USER_ERROR
    assert 'error: [Errno 13] Permission denied' in capsys.readouterr().err


def test_an_opset_that_cannot_be_written_is_told_at_once(model, tmp_path, capsys):
    assert run_tool(*model, '--out', tmp_path / 'exported', '--opset', 11) == USER_ERROR
    assert '--opset' in capsys.readouterr().err
