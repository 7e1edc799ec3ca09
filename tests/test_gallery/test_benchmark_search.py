from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from gallery_parts import needs_milvus_lite

from mmt2ireid.gallery import MemoryGallery

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmark_search.py'
SMALL = ['--dim', '32', '--queries', '6', '--runs', '2']


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_search', TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_exact_search_beside_its_bounds(tool, tmp_path, capsys):
    tool.main([*SMALL, '--rows', '9000', '--milvus-rows', '0', '--json', str(tmp_path / 'figures.json')])
    figures = json.loads((tmp_path / 'figures.json').read_text())['exact']
    assert figures['rows'] == 9000 and figures['ratio'] > 0 and figures['peak_bytes'] > 9000 * 32 * 4
    assert figures['ratio'] == pytest.approx(figures['search_seconds'] / figures['product_seconds'])
    said = capsys.readouterr().out
    assert 'bound 1.3' in said and 'bound 3' in said and 'milvus' not in said


@needs_milvus_lite
def test_milvus_beside_its_bound(tool, tmp_path, capsys):
    tool.main([*SMALL, '--rows', '0', '--milvus-rows', '500', '--json', str(tmp_path / 'figures.json')])
    figures = json.loads((tmp_path / 'figures.json').read_text())['milvus']
    assert figures['rows'] == 500
    assert all(figures[name]['recall'] == 1 and figures[name]['median_ms'] > 0 for name in tool.CONDITIONS)
    assert 'bound 100' in capsys.readouterr().out


def test_recall_counts_what_is_missed(tool):
    """A gallery that lacks every second crop finds about half of the best."""
    galleries = [MemoryGallery(model='m', dim=16) for _ in range(2)]
    for gallery, step in zip(galleries, (1, 2), strict=True):
        for crops, vectors in tool.batches(1000, 16, 0):
            gallery.add(crops[::step], vectors[::step])
    queries = tool.queries_like(galleries[0], 30, 1)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    figures = tool.per_query(galleries[1], galleries[0], queries, 10, None)
    assert 0.3 < figures['recall'] < 0.7
    assert tool.per_query(galleries[0], galleries[0], queries, 10, None)['recall'] == 1


def test_the_bare_product_makes_every_score(tool, monkeypatch):
    made = []
    monkeypatch.setattr(tool.np, 'matmul', lambda a, b, out=None: made.append(a.shape[0] * b.shape[1]))
    blocks = [np.zeros((1000, 4), np.float32), np.zeros((37, 4), np.float32)]
    tool.bare_product(np.zeros((3, 4), np.float32), blocks, 64)
    assert sum(made) == 3 * 1037


def test_without_milvus_it_is_said(tool, monkeypatch, capsys):
    def missing(*args, **kwargs):
        raise ImportError('needs milvus-lite')

    monkeypatch.setattr(tool, 'MilvusGallery', missing)
    tool.main([*SMALL, '--rows', '0', '--milvus-rows', '10'])
    assert 'milvus: not measured: needs milvus-lite' in capsys.readouterr().out


def test_a_place_that_will_not_do_is_said(tool, tmp_path, capsys):
    (tmp_path / 'mine.db').write_text('my notes')
    tool.main([*SMALL, '--rows', '0', '--milvus-rows', '10', '--milvus', str(tmp_path / 'mine.db')])
    assert 'milvus: not measured: ' in capsys.readouterr().out
    assert (tmp_path / 'mine.db').read_text() == 'my notes'


def test_options_that_are_none(tool, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['--queries', '0'])
    assert 'must be at least' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('place', 'expected'),
    [
        ('http://127.0.0.1:9', 'http://127.0.0.1:9#mmt2ireid_benchmark_32'),
        ('http://127.0.0.1:9#mine', 'http://127.0.0.1:9#mine'),
        ('x.db', 'x.db'),
    ],
)
def test_the_collection_of_people_on_a_server_is_left_alone(tool, place, expected, monkeypatch):
    places = []

    def refuse(place, **options):
        places.append(place)
        raise ValueError('not today')

    monkeypatch.setattr(tool, 'MilvusGallery', refuse)
    tool.main([*SMALL, '--rows', '0', '--milvus-rows', '5', '--milvus', place])
    assert places == [expected]
