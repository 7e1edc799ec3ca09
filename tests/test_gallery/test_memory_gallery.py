from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from gallery_parts import (
    LIGHT_IMPORT,
    PlainGallery,
    added_vectors,
    adding_process,
    crops,
    lines,
    unit_rows,
)

from mmt2ireid.gallery import (
    Crop,
    GalleryError,
    GalleryMismatchError,
    MemoryGallery,
    Where,
    memory,
    open_gallery,
    shards,
)

pytestmark = pytest.mark.filterwarnings('error::UserWarning')


def open_folder(folder, **kwargs):
    return open_gallery(folder, model='m', dim=8, **kwargs)


@pytest.fixture
def small_files(monkeypatch):
    """Files are merged, and dead rows taken out, all the time."""
    monkeypatch.setattr(memory, '_MAX_SMALL_FILES', 5)
    monkeypatch.setattr(memory, '_MIN_DEAD', 20)
    monkeypatch.setattr(memory, '_BLOCK_ROWS', 16)
    monkeypatch.setattr(memory, '_SHARD_BYTES', 8 * 4 * 40)


@pytest.mark.parametrize('seed', range(4))
def test_it_behaves_as_a_dictionary_does(seed, tmp_path, small_files):
    rng = np.random.default_rng(seed)
    plain, gallery = PlainGallery(), open_folder(tmp_path / 'g')
    ids = [f'i{n}' for n in range(80)]
    for step in range(60):
        names = rng.choice(ids, int(rng.integers(1, 30)), replace=False).tolist()
        if rng.random() < 0.6:
            new = [
                Crop(name, metadata={'a': int(rng.integers(4)), **({'b': 'x'} if step % 2 else {})}) for name in names
            ]
            vectors, replace = unit_rows(len(new), seed=step), bool(rng.integers(2))
            assert gallery.add(new, vectors, replace=replace) == plain.add(new, vectors, replace=replace)
        elif rng.random() < 0.7:
            assert gallery.delete(names) == plain.delete(names)
        else:
            gallery.close()
            gallery = open_folder(tmp_path / 'g')
        with open_folder(tmp_path / 'g', read_only=True) as reader:
            assert list(reader.ids()) == list(gallery.ids()) == list(plain.items)
        assert len(gallery) == len(plain.items)
        assert gallery.known(ids) == set(plain.items)
        assert gallery.get(plain.items) == [crop for crop, _ in plain.items.values()]
        expected = [vector for _, vector in plain.items.values()]
        np.testing.assert_array_equal(gallery.vectors(plain.items), np.array(expected).reshape(-1, 8))
        for where in (None, Where.parse(['a=1,2', 'b=x'])):
            hits = gallery.search(unit_rows(2, seed=99), 5, where)
            got = [[(hit.crop, hit.score) for hit in line] for line in hits]
            assert got == plain.search(unit_rows(2, seed=99), 5, where)
    gallery.close()


def test_values_keep_their_types(tmp_path):
    metadata = {'i': 1, 'f': 1.0, 'b': True, 's': '1', 'größe': 'ü\n"'}
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add([Crop('x', 'a/b.jpg', metadata), Crop('y')], unit_rows(2))
    with open_folder(tmp_path / 'g') as gallery:
        crop, other = gallery.get(['x', 'y'])
    assert crop == Crop('x', 'a/b.jpg', metadata) and other == Crop('y')
    assert {name: type(value) for name, value in crop.metadata.items()} == {k: type(v) for k, v in metadata.items()}


def test_fields(tmp_path):
    gallery = MemoryGallery(model='m', dim=8)
    gallery.add(
        [Crop(str(n), metadata={'camera': f'c{n % 3}', 'time': f'{n:03d}', 'x': n % 2 or 'odd'}) for n in range(60)],
        unit_rows(60),
    )
    assert gallery.fields() == {'camera': ['c0', 'c1', 'c2'], 'time': ('000', '059'), 'x': [1, 'odd']}
    gallery.delete([str(n) for n in range(60) if n % 3])
    assert gallery.fields()['camera'] == ['c0']


@pytest.mark.parametrize(
    ('new', 'vectors', 'words'),
    [
        ([Crop('')], unit_rows(1), 'must not be empty'),
        ([Crop(3)], unit_rows(1), 'must be text, but got 3'),
        ([Crop('a'), Crop('a')], unit_rows(2), "got 'a' twice"),
        ([Crop('a' * 1025)], unit_rows(1), 'at most 1024 bytes'),
        ([Crop('\udc80')], unit_rows(1), 'UTF-8'),
        ([Crop('a\0b')], unit_rows(1), 'no zero byte'),
        ([Crop('a', metadata={'x': None})], unit_rows(1), "crop 'a': metadata: 'x' must be text, a finite number"),
        ([Crop('a', metadata={'x': float('nan')})], unit_rows(1), 'finite'),
        ([Crop('a', metadata={'x': 2**60})], unit_rows(1), r'at most 2\*\*53'),
        ([Crop('a', metadata={'a=b': 1})], unit_rows(1), 'names of fields must begin with a letter'),
        ([Crop('a', metadata={'x': 'y' * 20_000})], unit_rows(1), '16384 bytes'),
        ([Crop('a')], unit_rows(2), 'as many as crops, 1, but got 2'),
        ([Crop('a')], unit_rows(1, 9), r'shape \(N, 8\), but got \(1, 9\)'),
        ([Crop('a')], unit_rows(1)[0], r'shape \(N, 8\)'),
        ([Crop('a')], unit_rows(1) * 2, "length 2 in crop 'a'"),
        ([Crop('a'), Crop('b')], np.stack([unit_rows(1)[0], np.full(8, np.nan)]), "not finite in crop 'b'"),
        ([Crop('a')], np.full((1, 8), np.inf), 'not finite'),
        ([Crop('a')], np.array([['x'] * 8]), 'real numbers'),
    ],
)
def test_what_cannot_be_held_is_named_and_nothing_added(new, vectors, words, tmp_path):
    with open_folder(tmp_path / 'g') as gallery:
        with pytest.raises(ValueError, match=words):
            gallery.add(new, vectors)
        assert len(gallery) == 0
    with open_folder(tmp_path / 'g') as gallery:
        assert len(gallery) == 0


def test_float16_features_have_unit_length_enough():
    gallery = MemoryGallery(model='m', dim=512)
    gallery.add(crops(4), unit_rows(4, 512).astype(np.float16))
    assert gallery.vectors(['c0']).dtype == np.float32


@pytest.mark.parametrize(
    ('vectors', 'top_k', 'words'),
    [
        (unit_rows(1, 9), 1, r'shape \(N, 8\)'),
        (unit_rows(1) * np.nan, 1, 'finite'),
        (unit_rows(1), 0, 'top_k must be a whole number from 1 on'),
        (unit_rows(1), 2.5, 'top_k'),
    ],
)
def test_bad_queries(vectors, top_k, words):
    with pytest.raises(ValueError, match=words):
        MemoryGallery(model='m', dim=8).search(vectors, top_k)


def test_unknown_ids_are_named():
    gallery = MemoryGallery(model='m', dim=8)
    for call in (gallery.get, gallery.vectors):
        with pytest.raises(KeyError, match="there is no crop 'nobody'"):
            call(['nobody'])
    assert gallery.delete(['nobody']) == 0 and gallery.known(['nobody']) == set()


def test_another_model_is_refused(tmp_path):
    open_folder(tmp_path / 'g').close()
    for model, dim in (('other', 8), ('m', 16)):
        with pytest.raises(GalleryMismatchError, match=rf'model m \(vectors of 8\).*model now is {model}.*of {dim}\)'):
            open_gallery(tmp_path / 'g', model=model, dim=dim)
    with pytest.raises(ValueError, match='model must be a fingerprint'):
        MemoryGallery(model='', dim=8)
    with pytest.raises(ValueError, match='dim must be'):
        MemoryGallery(model='m', dim=0)


def test_one_writer_and_any_readers(tmp_path):
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(3), unit_rows(3))
        with pytest.raises(GalleryError, match=f'open for writing already in process {os.getpid()}'):
            open_folder(tmp_path / 'g')
        with open_folder(tmp_path / 'g', read_only=True) as reader:
            assert len(reader) == 3
            for change in (lambda: reader.add(crops(1), unit_rows(1)), lambda: reader.delete(['c0'])):
                with pytest.raises(GalleryError, match='for reading only'):
                    change()
    with pytest.raises(GalleryError, match='is closed'):
        gallery.add(crops(1), unit_rows(1))
    gallery.close()
    open_folder(tmp_path / 'g').close()


def test_a_reader_follows_a_writer_that_merges(tmp_path, small_files, monkeypatch):
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(3), unit_rows(3))
        read = shards.read_crops

        def merge_first(path, *args):
            monkeypatch.setattr(shards, 'read_crops', read)
            gallery._merge(0)
            return read(path, *args)

        monkeypatch.setattr(shards, 'read_crops', merge_first)
        with open_folder(tmp_path / 'g', read_only=True) as reader:
            assert list(reader.ids()) == ['c0', 'c1', 'c2']


def test_foreign_and_broken_files_are_named(tmp_path):
    (tmp_path / 'pictures').mkdir()
    (tmp_path / 'pictures' / 'a.jpg').write_bytes(b'x')
    (tmp_path / 'file').write_bytes(b'x')
    with pytest.raises(GalleryError, match=r'pictures: a gallery must be a new or empty folder.*a\.jpg'):
        open_folder(tmp_path / 'pictures')
    with pytest.raises(GalleryError, match='but got a file'):
        open_folder(tmp_path / 'file')
    with pytest.raises(GalleryError, match=r'there is no gallery \(info.json is missing\)'):
        open_folder(tmp_path / 'nowhere', read_only=True)
    assert not (tmp_path / 'nowhere').exists()


def filled(folder):
    with open_folder(folder) as gallery:
        for start in range(3):
            gallery.add(crops(5, 5 * start), unit_rows(5, seed=start))
        gallery.delete(['c3'])
    return folder / 'generation-000001'


@pytest.mark.parametrize(
    ('name', 'change', 'words'),
    [
        ('00000002-crops.safetensors', lambda data: data[:200], 'broken file'),
        ('00000002-crops.safetensors', lambda data: data[:-5] + b'\0' + data[-4:], 'the content has changed'),
        ('00000002-crops.safetensors', lambda data: b'', 'broken file'),
        ('00000002-crops.safetensors', None, 'file number 2 is missing'),
        ('00000004-deleted.json', lambda data: data.replace(b'"c3"', b'"c4"'), 'the content has changed'),
        ('00000004-deleted.json', lambda data: b'[]', 'expected ids of deleted crops'),
        ('../info.json', lambda data: b'{', 'expected the description of a gallery'),
        ('../info.json', lambda data: b'{"format": "other"}', 'the folder is no gallery'),
        ('../info.json', lambda data: data.replace(b'"version": 1', b'"version": 9'), 'expected version 1, but got 9'),
        ('../info.json', lambda data: data.replace(b'"generation": 1', b'"generation": 2'), 'generation-000002'),
    ],
)
def test_broken_files_are_named(name, change, words, tmp_path):
    path = filled(tmp_path / 'g') / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    for read_only in (False, True):
        with pytest.raises(GalleryError, match=words):
            open_folder(tmp_path / 'g', read_only=read_only)
    # The lock has been given back, or the second refusal would be another one.
    with pytest.raises(GalleryError, match=words):
        open_folder(tmp_path / 'g')


def test_shards_of_another_model_and_two_of_one_number(tmp_path):
    folder, other = filled(tmp_path / 'g'), tmp_path / 'other'
    with open_gallery(other, model='other', dim=8) as gallery:
        gallery.add(crops(2), unit_rows(2))
    shard = other / 'generation-000001' / '00000001-crops.safetensors'
    (folder / '00000005-crops.safetensors').write_bytes(shard.read_bytes())
    with pytest.raises(GalleryError, match='expected vectors of model m'):
        open_folder(tmp_path / 'g')
    (folder / '00000005-crops.safetensors').rename(folder / '00000004-crops.safetensors')
    with pytest.raises(GalleryError, match='another file of this number'):
        open_folder(tmp_path / 'g')


def test_leftovers_and_strangers_are_said(tmp_path):
    folder = filled(tmp_path / 'g')
    (folder / '.00000005-crops.safetensors.77.tmp').write_bytes(b'half')
    (tmp_path / 'g' / 'generation-000002').mkdir()
    with pytest.warns(UserWarning, match=r'took away 2 unfinished.*00000005.*generation-000002.*nothing that had been'):
        open_folder(tmp_path / 'g').close()
    (folder / 'notes.txt').write_bytes(b'mine')
    said = pytest.warns(UserWarning, match=r'passed over what is no part of a gallery: notes\.txt')
    with said, open_folder(tmp_path / 'g') as gallery:
        assert len(gallery) == 14
    assert sorted(path.name for path in folder.iterdir())[-1] == 'notes.txt'


def test_a_full_disk_leaves_the_gallery_as_it_was(tmp_path, monkeypatch):
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(3), unit_rows(3))

        def full(*args):
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr(shards, 'write_atomically', full)
        with pytest.raises(OSError, match='No space left'):
            gallery.add(crops(3, 3), unit_rows(3, seed=1))
        with pytest.raises(OSError, match='No space left'):
            gallery.delete(['c0'])
        assert list(gallery.ids()) == ['c0', 'c1', 'c2']
        monkeypatch.undo()
        gallery.add(crops(3, 3), unit_rows(3, seed=1))
    with open_folder(tmp_path / 'g') as gallery:
        assert len(gallery) == 6


def test_a_merge_that_fails_is_said_and_loses_nothing(tmp_path, small_files, monkeypatch):
    with open_folder(tmp_path / 'g') as gallery:
        for start in range(5):
            gallery.add(crops(2, 2 * start), unit_rows(2, seed=start))

        def full(*args):
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr(shards.ShardFolder, 'start_generation', full)
        with pytest.warns(UserWarning, match='could not be merged: .*No space left'):
            gallery.add(crops(2, 10), unit_rows(2, seed=9))
    with open_folder(tmp_path / 'g') as gallery:
        assert len(gallery) == 12


def test_small_files_are_merged_and_large_ones_left(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, '_MAX_SMALL_FILES', 4)
    monkeypatch.setattr(memory, '_SHARD_BYTES', 8 * 4 * 100)
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(100), unit_rows(100))
        large = next((tmp_path / 'g' / 'generation-000001').iterdir()).stat().st_ino
        for start in range(100, 110):
            gallery.add(crops(1, start), unit_rows(1, seed=start))
            gallery.delete([f'c{start - 100}'])
    info = json.loads((tmp_path / 'g' / 'info.json').read_bytes())
    folder = tmp_path / 'g' / f'generation-{info["generation"]:06d}'
    files = sorted(folder.iterdir())
    assert info['generation'] > 1 and len(files) <= 7
    assert files[0].stat().st_ino == large
    assert [path.name for path in (tmp_path / 'g').iterdir() if path.name.startswith('gen')] == [folder.name]
    with open_folder(tmp_path / 'g') as gallery:
        assert list(gallery.ids()) == [f'c{n}' for n in range(10, 110)]


KILLED_AT = (
    'replace = os.replace\ncount = 0\ndef faulty(source, target):\n    global count\n    count += 1\n'
    '    if count == {count} and not {after}:\n        os.kill(os.getpid(), signal.SIGKILL)\n'
    '    replace(source, target)\n    if count == {count}:\n        os.kill(os.getpid(), signal.SIGKILL)\n'
    'os.replace = faulty'
)


def quietly_opened(folder, dim: int):
    """Opens what a killed writer left, whether it left unfinished files or not."""
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*took away')
        return open_gallery(folder, model='m', dim=dim)


def check_killed(folder, reported: int) -> None:
    """Every crop is there once or not at all, and what was reported as added is there."""
    with quietly_opened(folder, 16) as gallery:
        ids = list(gallery.ids())
        assert ids == [f'c{n}' for n in range(len(ids))] and len(ids) >= reported
        np.testing.assert_array_equal(gallery.vectors(ids), added_vectors()[: len(ids)])
        assert [crop.metadata for crop in gallery.get(ids)] == [{'n': n} for n in range(len(ids))]


def test_killed_while_adding(tmp_path):
    """At random moments, between writing and renaming, and after renaming."""
    folder, rng = tmp_path / 'g', random.Random(3)
    # The first rename is info.json's.
    faults = [KILLED_AT.format(count=count, after=after) for count, after in ((1, 0), (1, 1), (5, 0), (6, 1))]
    for fault in ['', *faults, '', '']:
        process, reported, limit = adding_process(str(folder), fault), 0, rng.randrange(1, 12)
        for number, line in enumerate(lines(process)):
            reported = int(line) if line.isdigit() else reported
            if not fault and number == limit:
                process.kill()
        assert process.wait() == -signal.SIGKILL
        if (folder / 'info.json').exists():
            check_killed(folder, reported)
    process = adding_process(str(folder))
    assert list(lines(process))[-1] == 'done' and process.wait() == 0
    check_killed(folder, 10_000)


@pytest.mark.parametrize('step', range(1, 7))
def test_killed_while_merging(step, tmp_path):
    """Renames of a merge with one kept file: deleted ids, crops, info.json; killed before and after each."""
    folder = tmp_path / 'g'
    code = f"""{LIGHT_IMPORT}
import os, signal
import numpy as np
from mmt2ireid.gallery import Crop, memory, open_gallery
memory._MAX_SMALL_FILES, memory._SHARD_BYTES = 6, 8 * 4 * 20
gallery = open_gallery({str(folder)!r}, model='m', dim=8)
vectors = np.eye(8, dtype=np.float32)[np.arange(27) % 8]
gallery.add([Crop(f'c{{n}}') for n in range(20)], vectors[:20])
gallery.delete(['c3'])
for n in range(20, 25):
    gallery.add([Crop(f'c{{n}}')], vectors[n:n + 1])
print(list(gallery.ids()), flush=True)
{KILLED_AT.format(count=1 + (step + 1) // 2, after=step % 2)}
gallery.add([Crop('c25')], vectors[25:26])
print('merged', flush=True)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with quietly_opened(folder, 8) as gallery:
        expected = [f'c{n}' for n in range(26) if n != 3]
        assert list(gallery.ids()) == expected
        np.testing.assert_array_equal(
            gallery.vectors(expected), np.eye(8, dtype=np.float32)[[int(name[1:]) % 8 for name in expected]]
        )
        assert (
            gallery.add([Crop(f'c{n}') for n in range(26)], np.eye(8, dtype=np.float32)[np.arange(26) % 8]).added == 1
        )


def test_searching_beside_adding(tmp_path, small_files):
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(20), unit_rows(20))
        failed, stop = [], threading.Event()

        def search():
            while not stop.is_set():
                try:
                    for hits in gallery.search(unit_rows(3, seed=4), 50, Where.parse('floor<9')):
                        assert len({hit.crop.id for hit in hits}) == len(hits) >= 20
                        assert all(hit.crop.metadata['floor'] == int(hit.crop.id[1:]) % 4 for hit in hits)
                except Exception as error:
                    failed.append(error)

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        for start in range(20, 200, 6):
            gallery.add(crops(6, start), unit_rows(6, seed=start))
            gallery.delete([f'c{start}'])
            gallery.add(crops(20), unit_rows(20), replace=True)
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed


def test_it_needs_numpy_and_safetensors_only(tmp_path):
    code = f"""{LIGHT_IMPORT}
import numpy as np
from mmt2ireid.gallery import Crop, open_gallery
with open_gallery({str(tmp_path / 'g')!r}, model='m', dim=2) as gallery:
    gallery.add([Crop('a')], np.eye(2)[:1])
with open_gallery({str(tmp_path / 'g')!r}, model='m', dim=2) as gallery:
    assert gallery.search(np.eye(2)[:1])[0][0].crop.id == 'a'
heavy = {{'torch', 'mmengine', 'pymilvus', 'pandas', 'grpc', 'pickle5'}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, '-c', code], check=True)
