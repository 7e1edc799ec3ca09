import contextlib
import runpy
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip('open_clip')

ROOT = Path(__file__).parents[2]
SMALL = ['--persons', '64', '--passes', '1', '--text-steps', '3', '--workers', '1', '--threads', '1']


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the tool; returns what it printed and, where it refused, why."""
    threads = torch.get_num_threads()

    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['train_toy_clip.py', *map(str, arguments), *SMALL])
        with contextlib.suppress(SystemExit):
            runpy.run_path(str(ROOT / 'tools' / 'train_toy_clip.py'), run_name='__main__')
        printed = capsys.readouterr()
        return printed.out, refusal_of(printed.err)

    yield call
    torch.set_num_threads(threads)


def refusal_of(errors):
    return ''.join(line for line in errors.splitlines() if line.startswith('error: '))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_it_trains_once_and_the_scorer_reads_it(tmp_path, run):
    out = tmp_path / 'clip'
    printed, refusal = run(out)
    assert 'training' in printed and not refusal
    before, when = contents(out), times(out)
    assert 'nothing to do' in run(out)[0]
    assert when == times(out)
    assert 'training.seed 0 there, 1 asked for' in run(out, '--seed', '1')[1]
    assert contents(out) == before
    assert run(out, '--fresh')[1] == ''
    assert contents(out) == before
    assert all(when[name] != new for name, new in times(out).items())

    from mmt2ireid.pseudo_text.conquer.clip_scorer import CLIPScorer
    from mmt2ireid.pseudo_text.data_folder import DATA
    from mmt2ireid.pseudo_text.divide.catalogue import load_catalogue

    catalogue = load_catalogue(DATA / 'toy_catalogue.yaml')
    scorer = CLIPScorer(catalogue, model=f'local-dir:{out}', pretrained='', device='cpu')
    assert tuple(scorer.preprocess['size']) == (96, 48)


def test_it_does_not_write_over_what_is_not_its_own(tmp_path, run):
    (tmp_path / 'thesis.txt').write_text('years of work')
    assert 'other than a toy CLIP' in run(tmp_path, '--fresh')[1]
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']
