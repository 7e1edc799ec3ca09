"""Where exported models are written: what is replaced, and what never is."""

from __future__ import annotations

import shutil

import pytest
from export_models import copy_graphs, left_in, make_model

from mmt2ireid.apis.export import export_model, exporting
from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """Config, checkpoint and report."""
    folder = tmp_path_factory.mktemp('model')
    config, checkpoint = make_model('words', folder)
    return config, checkpoint, export_model(config, checkpoint, folder / 'exported', timing=False)


@pytest.fixture
def model(exported, monkeypatch):
    copy_graphs(monkeypatch, exported[2].folder)
    return exported[:2]


def test_only_an_exported_model_is_replaced_and_only_when_told(model, tmp_path):
    config, checkpoint = model
    taken = tmp_path / 'thesis'
    taken.mkdir()
    (taken / 'chapter.tex').write_text('years of work')
    for force in (False, True):
        with pytest.raises(FileExistsError, match='never replaced'):
            export_model(config, checkpoint, taken, force=force)
    assert (taken / 'chapter.tex').read_text() == 'years of work'
    foreign = tmp_path / 'foreign'
    (foreign / 'gallery').mkdir(parents=True)
    for content in ('{"format": 1}', '{"name": "mine"}', 'mine'):  # a folder in it; then somebody else's meta.json
        (foreign / 'meta.json').write_text(content)
        with pytest.raises(FileExistsError, match='never replaced'):
            export_model(config, checkpoint, foreign, force=True)
        shutil.rmtree(foreign / 'gallery', ignore_errors=True)
    shutil.rmtree(foreign)
    old = tmp_path / 'exported'
    old.mkdir()
    (old / 'meta.json').write_text('{"format": 1}')
    (old / 'left_over').write_text('')
    with pytest.raises(FileExistsError, match='--force'):
        export_model(config, checkpoint, old)
    report = export_model(config, checkpoint, old, force=True, timing=False)
    assert not (old / 'left_over').exists()
    OnnxEncoder(report.folder)
    assert left_in(tmp_path) == ['exported', 'thesis']


def test_what_another_export_wrote_meanwhile_is_not_replaced(model, tmp_path, monkeypatch):
    compare = exporting.compare_encoders

    def beside_another(*args):
        monkeypatch.setattr(exporting, 'compare_encoders', compare)
        (tmp_path / 'new').mkdir()
        (tmp_path / 'new' / 'meta.json').write_text('{"format": 1}')
        return compare(*args)

    monkeypatch.setattr(exporting, 'compare_encoders', beside_another)
    with pytest.raises(FileExistsError, match='--force'):
        export_model(*model, tmp_path / 'new', timing=False)
    assert left_in(tmp_path) == ['new'] and left_in(tmp_path / 'new') == ['meta.json']


def test_a_link_is_followed_and_leftovers_are_told(model, tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'real')
    (tmp_path / '.real.77.tmp').mkdir()
    (tmp_path / '.realm.77.tmp').mkdir()
    for force in (False, True):
        with pytest.warns(UserWarning, match=r'has \.real\.77\.tmp of exports to real that were stopped'):
            export_model(*model, tmp_path / 'link', timing=False, force=force)
    assert (tmp_path / 'link').is_symlink() and OnnxEncoder(tmp_path / 'real').dim
    assert left_in(tmp_path) == ['.real.77.tmp', '.realm.77.tmp', 'link', 'real']
