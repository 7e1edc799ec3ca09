from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mmt2ireid.pseudo_text.conquer.choices import Choices
from mmt2ireid.pseudo_text.generation.features import FeatureStore
from mmt2ireid.pseudo_text.generation.final_files import Counts, read_counts, write_final_files
from mmt2ireid.pseudo_text.generation.loading import Unreadable
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles, written_whole
from mmt2ireid.pseudo_text.generation.store import METADATA, PseudoTextStore


def make_store(folder, suffix='.arrow', images=5, shard_size=5) -> PseudoTextStore:
    files = ShardFiles(folder, 'pseudo_texts', suffix, images, shard_size)
    return PseudoTextStore(files, ['gender', 'upper clothes'], {'seed': 3}, split='train')


def write_shard(store: PseudoTextStore, shard: int = 0, contents: list[bytes] | None = None) -> None:
    """Five images: one, none, one readable and the others not."""
    choices = Choices(
        {'gender': ['man'], 'upper clothes': [None]},
        {'gender': np.float32([0.7]), 'upper clothes': np.float32([0.25])},
    )
    start = store.files.range_of(shard).start
    with store.writer(shard) as writer:
        writer.write(['ä/1.png'], [['one "é"', 'two']], choices, contents, [Unreadable(start, 'a', 'is empty')])
        writer.write([], [], Choices({}, {}), None, [Unreadable(start + number, 'b', 'is bad') for number in (2, 3)])
        writer.write(['z'], [['three', 'four']], choices, contents, [])


def test_names_sort_in_order(tmp_path):
    files = ShardFiles(tmp_path, 'x', '.arrow', 25, 10)
    assert [files.path(shard).name for shard in range(len(files))] == [
        'x-00000-of-00003.arrow', 'x-00001-of-00003.arrow', 'x-00002-of-00003.arrow',
    ]  # fmt: skip
    assert [files.range_of(shard) for shard in range(3)] == [range(10), range(10, 20), range(20, 25)]
    files.path(1).touch()
    assert files.missing() == [0, 2]
    many = ShardFiles(tmp_path, 'x', '', 10**6, 1)
    names = [many.path(shard).name for shard in (0, 9, 10, 99999, 100000, 999999)]
    assert names == sorted(names)


@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
@pytest.mark.parametrize('contents', [None, [b'image']])
def test_columns_are_those_of_the_release_and_more(tmp_path, suffix, contents):
    store = make_store(tmp_path, suffix)
    write_shard(store, contents=contents)
    path = tmp_path / f'pseudo_texts-00000-of-00001{suffix}'
    table = pq.read_table(path) if suffix == '.parquet' else pa.ipc.open_file(path).read_all()
    image = contents[0] if contents else None
    row = {
        'image': image, 'caption': ['one "é"', 'two'], 'image_id': 'ä/1.png', 'split': 'train', 'gender': 'man',
        'gender probability': pytest.approx(0.7), 'upper clothes': None, 'upper clothes probability': 0.25,
    }  # fmt: skip
    assert table.to_pylist() == [row, {**row, 'caption': ['three', 'four'], 'image_id': 'z'}]
    assert table.schema.field('image').type == pa.binary()
    assert table.schema.field('gender probability').type == pa.float32()
    assert table.schema.field('caption').type == pa.list_(pa.string())
    assert json.loads(table.schema.metadata[METADATA]) == {'seed': 3}


@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
def test_reads_what_was_written(tmp_path, suffix):
    store = make_store(tmp_path, suffix)
    write_shard(store)
    pieces = list(store.read(0, ['image_id']))
    assert [name for batch, _ in pieces for name in batch.to_pydict().get('image_id', [])] == ['ä/1.png', 'z']
    assert [image for _, unreadable in pieces for image in unreadable] == [
        Unreadable(0, 'a', 'is empty'), Unreadable(2, 'b', 'is bad'), Unreadable(3, 'b', 'is bad'),
    ]  # fmt: skip


def test_nothing_appears_when_writing_fails(tmp_path):
    store = make_store(tmp_path)
    with pytest.raises(KeyError), store.writer(0):
        raise KeyError('no')
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / 'x') as file:
        file.write(b'half')
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
def test_damaged_shards_are_named(tmp_path, suffix):
    store = make_store(tmp_path, suffix)
    write_shard(store)
    path = store.files.path(0)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f'{path.name}: damaged since it was made'):
        list(store.read(0, ['caption']))


@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
def test_a_shard_must_tell_of_every_image(tmp_path, suffix):
    store = make_store(tmp_path, suffix, images=6, shard_size=6)
    write_shard(store)
    with pytest.raises(ValueError, match='must tell of 6 images, but tells of 5'):
        list(store.read(0, ['caption']))


@pytest.mark.parametrize('name', ['caption', 'gender probability'])
def test_attribute_with_the_name_of_a_column_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match='must not have the name of a column'):
        PseudoTextStore(ShardFiles(tmp_path, 'x', '.arrow', 1, 1), ['gender', name], {}, split='train')


@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
def test_final_files(tmp_path, suffix):
    store = make_store(tmp_path, suffix, images=10)
    write_shard(store, 0)
    write_shard(store, 1)
    assert read_counts(tmp_path) is None
    counts = write_final_files(tmp_path, store, ['gender', 'upper clothes'])
    assert counts == Counts(10, 4, 8, 6, {'gender': 4, 'upper clothes': 0}) == read_counts(tmp_path)
    first = {'file_path': 'ä/1.png', 'captions': ['one "é"', 'two']}
    records = [first, {'file_path': 'z', 'captions': ['three', 'four']}]
    text = (tmp_path / 'captions.json').read_text(encoding='utf-8')
    assert json.loads(text) == 2 * records
    assert len(text.splitlines()) == 6
    lines = (tmp_path / 'unreadable.jsonl').read_text().splitlines()
    assert [json.loads(line) for line in lines] == 2 * [
        {'image_id': 'a', 'reason': 'is empty'}, {'image_id': 'b', 'reason': 'is bad'},
        {'image_id': 'b', 'reason': 'is bad'},
    ]  # fmt: skip


@pytest.mark.parametrize(('dtype', 'tolerance'), [('float16', 2**-11), ('float32', 0)])
def test_features_come_back_as_they_were_rounded(tmp_path, dtype, tolerance):
    store = FeatureStore(tmp_path, num_images=9, shard_size=5, dtype=dtype)
    features = torch.nn.functional.normalize(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    rounded = store.round(features)
    assert (rounded.float() - features).abs().max() <= tolerance
    bad = [Unreadable(6, 'x', 'is empty')]
    assert not store.has(1)
    store.write(1, [5, 7, 8], [rounded[:1], rounded[1:]], bad)
    assert store.has(1)
    kept = store.read(1)
    assert kept.indices.tolist() == [5, 7, 8]
    assert torch.equal(kept.features, rounded)
    part = kept.part(range(6, 8))
    assert (part.indices.tolist(), part.unreadable) == ([7], bad)
    assert torch.equal(part.features, rounded[1:2])
    assert kept.part(range(8, 9)).unreadable == []


@pytest.mark.parametrize('damage', ['cut', 'missing', 'doubled', 'rows'])
def test_damaged_features_are_named(tmp_path, damage):
    store = FeatureStore(tmp_path, num_images=4, shard_size=5, dtype='float16')
    indices, rows = {'missing': ([0, 1, 2], 3), 'doubled': ([0, 1, 2, 2], 4), 'rows': ([0, 1, 2, 3], 3)}.get(
        damage, ([0, 1, 2, 3], 4)
    )
    store.write(0, indices, [torch.zeros(rows, 8)], [])
    path = store.files.path(0)
    if damage == 'cut':
        path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=f'{path.name}: must .*; remove it and start again'):
        store.read(0)


def test_shard_of_features_may_be_empty(tmp_path):
    store = FeatureStore(tmp_path, num_images=1, shard_size=5)
    store.write(0, [], [], [Unreadable(0, 'a', 'is empty')])
    kept = store.read(0)
    assert kept.indices.tolist() == [] and len(kept.unreadable) == 1
