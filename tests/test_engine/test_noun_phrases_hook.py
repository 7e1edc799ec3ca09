"""Noun phrases are in the model before training starts."""

from __future__ import annotations

import pytest
import torch
from cmmt_parts import TinyPeople, tiny_cmmt
from mmengine.runner import Runner

from mmt2ireid.engine.hooks import NounPhraseHook
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.text import phrase_table


@pytest.fixture
def make(tmp_path, monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    return lambda **changes: tiny_cmmt(tmp_path / 'work', **changes)


def fill(cfg, **options):
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    NounPhraseHook(tagger='embedded', workers=0, **options).before_train(runner)
    return runner.model.phrase_bank


def test_bank_holds_the_phrases_of_the_training_captions(make, tmp_path):
    bank = fill(make())
    captions = TinyPeople().all_captions()
    table = phrase_table(captions, tagger='embedded', progress=False)
    rows = bank.rows(torch.arange(len(captions)))
    assert rows.shape == (len(captions), table.num_phrases) and table.num_phrases > 3
    for n, row in enumerate(rows):
        assert row.nonzero().flatten().tolist() == sorted(table.indices[table.indptr[n] : table.indptr[n + 1]])
    assert len(list((tmp_path / 'work/phrases').iterdir())) == 1
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert f'{bank.num_phrases} noun phrases in {len(captions)} captions' in log
    assert 'found by the embedded tagger' in log  # another tagger finds other phrases: a run has to say which it was


def test_cache_is_read_where_it_is_said_to_be(make, tmp_path):
    first = fill(make(), cache_dir=tmp_path / 'cache')
    (file,) = (tmp_path / 'cache').iterdir()
    written = file.stat().st_mtime_ns
    assert torch.equal(fill(make(), cache_dir=tmp_path / 'cache').ids, first.ids)
    assert file.stat().st_mtime_ns == written
    assert not (tmp_path / 'work/phrases').exists()


def test_common_phrases_are_left_out_and_counted(make, tmp_path):
    captions = TinyPeople().all_captions()
    table = phrase_table(captions, tagger='embedded', progress=False)
    counts = [int((table.indices == n).sum()) for n in range(table.num_phrases)]
    limit = sorted(counts)[len(counts) // 2]
    assert limit < max(counts)
    bank = fill(make(), max_share=limit / len(captions))
    stay = [n for n, count in enumerate(counts) if count <= limit]
    rows = bank.rows(torch.arange(len(captions)))
    wanted = [[stay.index(n) for n in table.ids(caption) if n in stay] for caption in range(len(captions))]
    assert [row.nonzero().flatten().tolist() for row in rows] == wanted
    assert bank.num_empty == sum(not ids for ids in wanted)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert f'{bank.num_empty} captions have none of them' in log


@pytest.mark.parametrize('share', [0, -0.1, 1.5, float('nan')])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match=r'max_share must be in \(0, 1\]'):
        NounPhraseHook(max_share=share)


@pytest.mark.parametrize('synonyms', ['wordnet', 'no/such.yaml', '', 3, True, ['table']])
def test_unknown_synonyms_are_refused_when_the_hook_is_built(synonyms):
    with pytest.raises(ValueError, match=r"synonyms must be 'table', 'table\+wordnet', None or the path"):
        NounPhraseHook(synonyms=synonyms)


@pytest.mark.parametrize('kind', ['none', 'own'])
def test_synonyms_are_an_option(make, tmp_path, kind):
    own = tmp_path / 'own.yaml'
    own.write_text('version: 1\nclasses:\n  - [red, blue, green, black, white]\n')
    synonyms = own if kind == 'own' else None
    bank = fill(make(), synonyms=synonyms)
    captions = TinyPeople().all_captions()
    table = phrase_table(captions, tagger='embedded', synonyms=synonyms, progress=False)
    assert bank.num_phrases == table.num_phrases
    if kind == 'own':
        assert bank.num_phrases < phrase_table(captions, tagger='embedded', progress=False).num_phrases


def test_a_malformed_file_of_synonyms_is_named(make, tmp_path):
    bad = tmp_path / 'bad.yaml'
    bad.write_text('version: 1\nclasses: [pants]\n')
    with pytest.raises(ValueError, match=r'bad\.yaml: classes must be a list of lists'):
        fill(make(), synonyms=str(bad))


@pytest.mark.parametrize(
    'dataset', [dict(type='TinyPeople', keep=20), dict(type='TinyPeople', unit='image'), dict(type='TinyPairs')]
)
def test_other_training_sets_are_refused(make, dataset):
    with pytest.raises(ValueError, match=r'must be one dataset of pairs .* but got Tiny\w+ with 2\d items'):
        fill(make(train_dataloader__dataset=dataset))


def test_models_without_need_are_refused(make):
    with pytest.raises(ValueError, match='must have a head that needs phrases'):
        run(make(model__heads__cpm__soft_labels='identity'), Runner.train)
