"""Phrase ids of a data set: deterministic, cached, and honest about bad input."""

import logging
import time

import numpy as np
import pytest

from mmt2ireid.text import PhraseTable, SynonymTable, phrase_table
from mmt2ireid.text.phrases import extraction
from mmt2ireid.text.phrases.table import load_table, save_table

CAPTIONS = [
    'A man in a grey t-shirt and black pants.',
    'The guy wears black trousers and a gray tee.',
    '',
    'A woman with a red bag and another red bag.',
    'She is walking away.',
]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(extraction, '_CHUNK', 7)


def build(captions=CAPTIONS, **options):
    return phrase_table(captions, **{'tagger': 'embedded', 'progress': False, **options})


def same(one, other):
    assert one.indptr.dtype == other.indptr.dtype == np.int64
    assert one.indices.dtype == other.indices.dtype == np.int32
    np.testing.assert_array_equal(one.indptr, other.indptr)
    np.testing.assert_array_equal(one.indices, other.indices)
    assert (one.names, one.tagger) == (other.names, other.tagger)


def test_rows_names_and_synonyms():
    table = build()
    assert table.names == ('black pants', 'gray t-shirt', 'man', 'red bag', 'woman')
    assert [list(table.ids(i)) for i in range(len(table))] == [[0, 1, 2], [0, 1, 2], [], [3, 4], []]
    assert table.phrases(3) == ['red bag', 'woman']
    assert (len(table), table.num_phrases, table.tagger) == (5, 5, 'embedded')
    with pytest.raises(IndexError, match='caption must be from 0 to 4, but got 5'):
        table.ids(5)


def test_captions_without_phrase_are_counted_and_named(caplog):
    with caplog.at_level(logging.WARNING):
        table = build()
    assert list(table.empty) == [2, 4]
    assert '2 of 5 captions have no noun phrase' in caplog.text
    assert "captions[2] = ''" in caplog.text


def test_all_captions_may_be_without_phrase():
    table = build(['', 'She is walking.'])
    assert (table.indptr.tolist(), len(table.indices), table.names) == ([0, 0, 0], 0, ())


def test_without_classes_synonyms_are_apart():
    assert {'gray t-shirt', 'gray tee'} - set(build(synonyms=None).names) == {'gray t-shirt'}


@pytest.mark.parametrize('workers', [1, 2, 3])
def test_workers_change_nothing(workers, small_chunks):
    captions = [f'{text} number{i % 9}' for i, text in enumerate(CAPTIONS * 12)]
    same(build(captions, workers=workers), build(captions))


def test_cache_answers_without_extracting(tmp_path, monkeypatch, caplog):
    first = build(cache_dir=tmp_path / 'cache')
    monkeypatch.setattr(extraction, '_build', None)
    with caplog.at_level(logging.WARNING):
        same(build(cache_dir=tmp_path / 'cache'), first)
    assert '2 of 5 captions have no noun phrase' in caplog.text
    assert len(list((tmp_path / 'cache').iterdir())) == 1


@pytest.mark.parametrize(
    'change',
    [
        {'captions': [*CAPTIONS[1:], CAPTIONS[0]]},
        {'captions': [CAPTIONS[0] + CAPTIONS[1], *CAPTIONS[2:], '']},
        {'synonyms': None},
        {'synonyms': SynonymTable([['black', 'dark']])},
    ],
)
def test_cache_is_keyed_by_what_the_phrases_depend_on(change, tmp_path):
    build(cache_dir=tmp_path)
    options = {'captions': CAPTIONS, **change}
    same(build(cache_dir=tmp_path, **options), build(**options))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize('attribute', ['VERSION', 'lexicon', 'lemmas'])
def test_cache_is_keyed_by_code_and_word_lists(attribute, tmp_path, monkeypatch):
    build(cache_dir=tmp_path)
    if attribute == 'VERSION':
        monkeypatch.setattr(extraction.chunker, 'VERSION', 99)
    elif attribute == 'lexicon':
        monkeypatch.setattr(extraction.shared_lexicon(), 'digest', 'another')
    else:
        monkeypatch.setattr(SynonymTable.read()._lemmatizer, 'digest', 'another')
    build(cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == 'flipped':
        at = content.index(b'black pants')
        content[at] ^= 1
    path.write_bytes({'empty': b'', 'truncated': content[: len(content) // 2], 'foreign': b'hello'}.get(how, content))
    if how == 'pickled':
        np.savez(path, indptr=np.array([object()]), indices=np.zeros(0), meta=np.zeros(0))


@pytest.mark.parametrize('how', ['empty', 'truncated', 'foreign', 'flipped', 'pickled'])
def test_damaged_cache_is_made_anew(how, tmp_path, caplog):
    first = build(cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    damage(path, how)
    with caplog.at_level(logging.WARNING):
        same(build(cache_dir=tmp_path), first)
    assert 'phrases are extracted again' in caplog.text
    assert path.name in caplog.text
    caplog.clear()
    same(build(cache_dir=tmp_path), first)
    assert 'again' not in caplog.text


def test_a_killed_write_leaves_no_cache(tmp_path, monkeypatch):
    monkeypatch.setattr('os.replace', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        build(cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_key_and_inconsistent_tables_are_refused(tmp_path):
    path = tmp_path / 'table.npz'
    save_table(path, build(), 'key')
    same(load_table(path, 'key'), build())
    with pytest.raises(ValueError, match='format and key must be'):
        load_table(path, 'another key')
    with pytest.raises(ValueError, match='ids from 0 to 0'):
        PhraseTable(np.array([0, 1]), np.array([1], dtype=np.int32), ('man',), 'embedded')
    with pytest.raises(ValueError, match='indptr must ascend'):
        PhraseTable(np.array([0, 2]), np.array([0], dtype=np.int32), ('man',), 'embedded')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'captions': []}, 'at least one caption'),
        ({'captions': 'A man.'}, 'captions must be a list of strings, but got str'),
        ({'captions': ['A man.', None]}, r'captions\[1\] must be a string, but got NoneType'),
        ({'captions': ['A man.', 'A bag.', 7]}, r'captions\[2\] must be a string, but got int: 7'),
        ({'workers': -1}, 'workers must be an integer of at least 0, but got -1'),
        ({'workers': 1.5}, 'workers must be an integer'),
        ({'tagger': 'spacy'}, 'tagger must be one of'),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_lone_surrogates_of_foreign_json_do_no_harm(tmp_path):
    assert build(['A man \ud83d with a bag.'], cache_dir=tmp_path).names == ('bag', 'man')


def test_large_cache_is_read_at_once(tmp_path):
    captions = [f'A man with a thing{i % 500}, a bag{i % 77}.' for i in range(5000)]
    build(captions, cache_dir=tmp_path)
    start = time.perf_counter()
    build(captions, cache_dir=tmp_path)
    assert time.perf_counter() - start < 2


def test_nltk_and_wordnet_where_they_are_installed():
    try:
        plain = build(tagger='nltk')
        joined = build(
            ['A haversack.', 'A rucksack.', 'Two larvae.', 'A larva.', 'A parka, a bike, a hood.',
             'A windbreaker, a motorcycle, a punk.'], synonyms='table+wordnet',
        )  # fmt: skip
    except (ImportError, FileNotFoundError) as error:
        pytest.skip(f'NLTK and its data are optional: {error}')
    assert plain.tagger == 'nltk'
    assert plain.names == build().names
    assert list(joined.ids(0)) == list(joined.ids(1))
    assert 'larva' in joined.names
    assert {'parka', 'windbreaker', 'bicycle', 'motorcycle', 'hood', 'punk'} <= set(joined.names)


def test_common_phrases_are_left_out():
    table = build([*CAPTIONS, 'A man with a red bag.'])  # 3 of 6 have "man"; 2 "black pants", "gray t-shirt", "red bag"
    rare = table.without_common(0.4)
    assert rare.names == ('black pants', 'gray t-shirt', 'red bag', 'woman')
    assert [rare.phrases(i) for i in range(len(rare))] == [
        [name for name in table.phrases(i) if name != 'man'] for i in range(len(table))
    ]
    same(table.without_common(1), table)
    assert table.without_common(0.5).names == table.names  # as many as that may have it
    none = table.without_common(0.1)
    assert (none.num_phrases, len(none), list(none.empty)) == (0, 6, list(range(6)))


@pytest.mark.parametrize('share', [0, -1, 1.1, float('nan')])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match=r'max_share must be in \(0, 1\]'):
        build().without_common(share)
