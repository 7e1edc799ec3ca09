from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import random
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from gallery_parts import (
    LIGHT_IMPORT,
    PlainGallery,
    added_vectors,
    adding_process,
    crops,
    lines,
    needs_milvus_lite,
    unit_rows,
)

from mmt2ireid.gallery import (
    Condition,
    Crop,
    GalleryError,
    GalleryMismatchError,
    MemoryGallery,
    MilvusGallery,
    Where,
    milvus,
    milvus_client,
    open_gallery,
)
from mmt2ireid.gallery.milvus_client import Place
from mmt2ireid.gallery.milvus_rows import filter_expression

NASTY = ['c1', '3', '3.0', 'true', '"', '\\', "'", '" or 1==1 or "', '\\" or true', 'a\nb', '\t', 'é', '日本', '😀', '']
NASTY += ['%', '{v}', '2026-01-01T10:00', '2026-01-02', '[1]', '\x01', 'A', "') or ('"]
NUMBERS = [3, 3.5, -1, 0, -0.0, 1e-7, 2**53, -(2**53), 1e300, 10]
FIELDS = ['camera', 'time of day', 'k.é/x:y-z', 'n']


def need_pymilvus():
    """Without importing it, which would close the log files of other tests."""
    if importlib.util.find_spec('pymilvus') is None:
        pytest.skip('pymilvus is not installed')


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / 'g.db', model='m', dim=8) as opened:
        yield opened


def any_value(rng):
    kind = rng.integers(4)
    if kind < 2:
        return NASTY[rng.integers(len(NASTY))]
    return NUMBERS[rng.integers(len(NUMBERS))] if kind == 2 else bool(rng.integers(2))


def any_where(rng):
    conditions = []
    for _ in range(rng.integers(3)):
        op = str(rng.choice(['=', '!=', '<', '<=', '>', '>=']))
        values = tuple(any_value(rng) for _ in range(rng.integers(1, 4) if op in ('=', '!=') else 1))
        conditions.append(Condition(str(rng.choice([*FIELDS, 'nowhere'])), op, values))
    return Where(tuple(conditions))


@needs_milvus_lite
@pytest.mark.parametrize('seed', range(2))
def test_it_gives_what_memory_gives(seed, tmp_path):
    """Random crops with nasty texts, equal vectors, replaced, deleted, reopened; random conditions."""
    rng = np.random.default_rng(seed)
    ids = [f'i\'{n}"\\ é{n}' for n in range(200)]
    vectors = unit_rows(60, 24, seed)
    memory, gallery = MemoryGallery(model='m', dim=24), open_gallery(tmp_path / 'g.db', model='m', dim=24)
    for step in range(8):
        new = [
            Crop(name, f'p/{name}.jpg', {field: any_value(rng) for field in FIELDS if rng.random() < 0.7})
            for name in rng.choice(ids, 60, replace=False).tolist()
        ]
        rows, replace = vectors[rng.integers(0, 60, 60)], bool(step % 2)
        assert gallery.add(new, rows, replace=replace) == memory.add(new, rows, replace=replace)
        gone = rng.choice(ids, 15, replace=False).tolist()
        assert gallery.delete(gone) == memory.delete(gone)
        if step == 4:
            gallery.close()
            gallery = open_gallery(tmp_path / 'g.db', model='m', dim=24)
    names = list(memory.ids())
    assert list(gallery.ids()) == names and len(gallery) == len(names) and gallery.known(ids) == set(names)
    assert gallery.get(names) == memory.get(names)
    types = [
        [[type(value) for _, value in sorted(crop.metadata.items())] for crop in one.get(names)]
        for one in (gallery, memory)
    ]
    assert types[0] == types[1]
    np.testing.assert_array_equal(gallery.vectors(names), memory.vectors(names))
    assert gallery.fields() == memory.fields()
    some = 0
    for _ in range(120):
        where, top_k = any_where(rng), int(rng.choice([1, 5, 30, 400]))
        queries = np.concatenate([unit_rows(1, 24, int(rng.integers(1000))), vectors[:1]])
        expected = memory.search(queries, top_k, where)
        assert gallery.search(queries, top_k, where) == expected, str(where)
        some += bool(expected[0])
    assert some > 60
    gallery.close()


@needs_milvus_lite
def test_ties_beyond_what_is_fetched(gallery):
    """300 equal rows: the ones that were inserted first are found, though Milvus may give any of them."""
    rows = np.repeat(unit_rows(1), 300, axis=0)
    gallery.add(crops(300), rows)
    assert [hit.crop.id for hit in gallery.search(rows[:1], 5)[0]] == [f'c{n}' for n in range(5)]


@needs_milvus_lite
def test_vectors_are_fetched_few_at_a_time(gallery, monkeypatch):
    """The time that milvus-lite takes to give vectors grows with the square of their number."""
    rows, queries = unit_rows(450), unit_rows(30, seed=7)
    plain = PlainGallery()
    for one in (gallery, plain):
        one.add(crops(450), rows)
    asked, client = [], gallery._client

    class Counting:
        def search(self, *args, **options):
            asked.append(('search', options['output_fields'], 0))
            return client.search(*args, **options)

        def query(self, *args, **options):
            found = client.query(*args, **options)
            asked.append(('query', options['output_fields'], len(found)))
            return found

    monkeypatch.setattr(gallery, '_client', Counting())
    for part, top_k in ((queries[:1], 400), (queries, 10)):
        hits = [[(hit.crop, hit.score) for hit in line] for line in gallery.search(part, top_k)]
        assert hits == plain.search(part, top_k)
    np.testing.assert_array_equal(gallery.vectors([f'c{n}' for n in range(450)]), rows)
    monkeypatch.setattr(gallery, '_client', client)
    with_vectors = [(call, count) for call, fields, count in asked if 'vector' in fields]
    assert all(call == 'query' and count <= 100 for call, count in with_vectors) and len(with_vectors) >= 12


@needs_milvus_lite
@pytest.mark.slow
def test_thousands_of_wide_crops_are_found_in_seconds(tmp_path):
    rows = unit_rows(2600, 896)
    with open_gallery(tmp_path / 'g.db', model='m', dim=896) as gallery:
        gallery.add(crops(2600), rows)
        start = time.monotonic()
        assert len(gallery.search(rows[:1], 2500)[0]) == 2500
        assert time.monotonic() - start < 20, 'it took 53 s when all vectors were asked for at once'


@needs_milvus_lite
@pytest.mark.parametrize('kind', ['call', 'wait'])
def test_what_takes_too_long_is_told_in_words(gallery, monkeypatch, kind):
    import grpc

    class LateError(grpc.RpcError):
        def __str__(self):
            return '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.DEADLINE_EXCEEDED'

    def late(*args, **options):
        raise LateError if kind == 'call' else grpc.FutureTimeoutError

    monkeypatch.setattr(gallery._client, 'search', late)
    monkeypatch.setattr(gallery._client, 'query', late)
    for call in (lambda: gallery.search(unit_rows(1), 5), lambda: gallery.known(['c1']), lambda: len(gallery)):
        with pytest.raises(
            GalleryError, match=r'g\.db: .* Milvus took too long: it was given up\. Ask for fewer'
        ) as error:
            call()
        assert 'RpcError' not in str(error.value)


@needs_milvus_lite
def test_many_queries_and_large_answers(gallery, monkeypatch):
    monkeypatch.setattr(milvus, '_MAX_BYTES', 2**17)
    plain = PlainGallery()
    for one in (gallery, plain):
        one.add(crops(300), unit_rows(300))
    queries = unit_rows(20, seed=7)
    hits = [[(hit.crop, hit.score) for hit in line] for line in gallery.search(queries, 12)]
    assert hits == plain.search(queries, 12)
    with pytest.raises(ValueError, match='top_k must be at most 16384'):
        gallery.search(queries, 20_000)


@needs_milvus_lite
def test_another_model_is_refused(tmp_path):
    open_gallery(tmp_path / 'g.db', model='m', dim=8).close()
    for model, dim in (('other', 8), ('m', 16)):
        with pytest.raises(GalleryMismatchError, match=rf'model m \(vectors of 8\).*model now is {model}.*of {dim}\)'):
            open_gallery(tmp_path / 'g.db', model=model, dim=dim)
    # Two galleries in one file.
    with open_gallery(f'{tmp_path}/g.db#second', model='other', dim=16) as gallery:
        assert len(gallery) == 0


@needs_milvus_lite
def test_foreign_collections_are_refused(tmp_path, gallery):
    gallery._client.create_collection('foreign', dimension=8)
    gallery.close()
    with pytest.raises(GalleryError, match='the collection foreign is no gallery of mmt2ireid'):
        open_gallery(f'{tmp_path}/g.db#foreign', model='m', dim=8)
    with pytest.raises(GalleryError, match=r'there is no gallery \(no collection nowhere\)'):
        open_gallery(f'{tmp_path}/g.db#nowhere', model='m', dim=8, read_only=True)


@needs_milvus_lite
def test_bad_vectors_and_unknown_ids(gallery):
    gallery.add(crops(2), unit_rows(2))
    with pytest.raises(ValueError, match=r'shape \(N, 8\)'):
        gallery.add(crops(1, 2), unit_rows(1, 9))
    with pytest.raises(ValueError, match='unit length'):
        gallery.search(unit_rows(1) * 2)
    for call in (gallery.get, gallery.vectors):
        with pytest.raises(KeyError, match="there is no crop 'nobody'"):
            call(['c0', 'nobody'])
    assert gallery.delete(['nobody']) == 0 and len(gallery) == 2
    assert [crop.id for crop in gallery.get(['c1', 'c0', 'c1'])] == ['c1', 'c0', 'c1']
    assert gallery.get([]) == [] and gallery.vectors([]).shape == (0, 8)


@needs_milvus_lite
def test_reading_only(tmp_path, gallery):
    gallery.add(crops(2), unit_rows(2))
    gallery.close()
    with open_gallery(tmp_path / 'g.db', model='m', dim=8, read_only=True) as reader:
        assert len(reader) == 2
        for change in (lambda: reader.add(crops(1), unit_rows(1)), lambda: reader.delete(['c0'])):
            with pytest.raises(GalleryError, match='for reading only'):
                change()
    reader.close()
    with pytest.raises(GalleryError, match='is closed'):
        len(reader)


@needs_milvus_lite
def test_one_program_at_a_time(tmp_path, gallery):
    place = str(tmp_path / 'g.db')
    with pytest.raises(GalleryError, match='open for writing already'):
        open_gallery(place, model='m', dim=8)
    code = f"{LIGHT_IMPORT}\nfrom mmt2ireid.gallery import open_gallery\nopen_gallery({place!r}, model='m', dim=8)"
    for _ in range(2):
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
        assert f'the gallery is open for writing already in process {os.getpid()}' in done.stderr
    gallery.add(crops(2), unit_rows(2))
    assert len(gallery) == 2


@needs_milvus_lite
def test_files_that_are_none(tmp_path):
    (tmp_path / 'text.db').write_text('hello')
    (tmp_path / 'folder.db').mkdir()
    for name in ('text.db', 'folder.db'):
        with pytest.raises(GalleryError, match=f'{name}: expected a file of milvus-lite'):
            open_gallery(tmp_path / name, model='m', dim=8)
    with pytest.raises(GalleryError, match=r'the folder .*nowhere must be there'):
        open_gallery(tmp_path / 'nowhere' / 'g.db', model='m', dim=8)
    (tmp_path / 'broken.db').write_bytes(b'SQLite format 3\0' + b'x' * 5000)
    with pytest.raises(GalleryError, match=r'broken\.db: opening Milvus failed'):
        open_gallery(tmp_path / 'broken.db', model='m', dim=8)


@needs_milvus_lite
def test_a_server_is_used_by_its_address(tmp_path):
    """milvus-lite's engine behind a port: the calls are those to any server."""
    milvus_client._lite()
    from milvus_lite.server import Server

    port = free_port()
    server = Server(str(tmp_path / 's.db'), f'127.0.0.1:{port}')
    assert server.init() and server.start()
    try:
        address = f'http://127.0.0.1:{port}#people'
        with open_gallery(address, model='m', dim=8) as gallery:
            assert gallery.add(crops(50), unit_rows(50)).added == 50
            with open_gallery(address, model='m', dim=8) as other:
                where = Where.parse('camera=c1')
                assert other.search(unit_rows(2), 3, where) == gallery.search(unit_rows(2), 3, where)
                assert other.delete(['c0']) == 1
            assert len(gallery) == 49
        with pytest.raises(GalleryMismatchError, match=f'127.0.0.1:{port}#people: the gallery was made with model m'):
            open_gallery(address, model='other', dim=8)
    finally:
        server.stop()
    start = time.monotonic()
    with pytest.raises(GalleryError, match=rf'^http://127\.0\.0\.1:{port}#mmt2ireid: connecting to Milvus failed'):
        open_gallery(f'http://user:secret@127.0.0.1:{port}', model='m', dim=8)
    assert time.monotonic() - start < 10


def test_log_files_stay_open_when_pymilvus_is_imported(tmp_path):
    need_pymilvus()
    code = f"""
import logging
from mmt2ireid.gallery import GalleryError, milvus_client, open_gallery
handler = logging.FileHandler({str(tmp_path / 'x.log')!r}, 'w')
logging.getLogger('training').addHandler(handler)
milvus_client.CONNECT_SECONDS = 0.5
try:
    open_gallery('http://127.0.0.1:9', model='m', dim=8)
except GalleryError:
    logging.getLogger('training').warning('still here')
"""
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120)
    assert (tmp_path / 'x.log').read_text() == 'still here\n'


def test_a_server_that_does_not_answer(monkeypatch):
    """Something listens, but says nothing."""
    need_pymilvus()
    monkeypatch.setattr(milvus_client, 'CONNECT_SECONDS', 1.0)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        start = time.monotonic()
        with pytest.raises(GalleryError, match='connecting to Milvus failed'):
            open_gallery(f'http://127.0.0.1:{silent.getsockname()[1]}', model='m', dim=8)
        assert time.monotonic() - start < 8


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ('place', 'words'),
    [
        ('ftp://x', 'must look like http://localhost:19530'),
        ('http://', 'must look like'),
        ('http://h:99999', 'must look like'),
        ('http://user:secret@h:1#a-b', "http://h:1: the name of a collection .* but got 'a-b'"),
        ('a b.db', 'at most 35 letters'),
        ('a' * 40 + '.db', 'at most 35 letters'),
    ],
)
def test_places_that_are_none(place, words):
    with pytest.raises(ValueError, match=words) as caught:
        open_gallery(place, model='m', dim=8)
    assert 'secret' not in str(caught.value)


def test_places():
    assert Place.parse('https://u:p@h:1#c') == Place('https://u:p@h:1', 'c', None, 'https://h:1#c')
    assert Place.parse('x.db#c').collection == 'c'


def test_a_filter_holds_no_text_of_the_user():
    where = Where((Condition('a"]', '=', ('" or "1"=="1', '\ud800')), Condition('n', '>=', ('-1e3',))))
    expression = filter_expression(where)
    assert '1==1' not in expression and ' or "' not in expression and '\\' not in expression
    assert expression.endswith('conditions["n6e"] >= -1000.0)')
    assert filter_expression(None) == filter_expression(Where()) == ''


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    need_pymilvus()
    monkeypatch.setattr(milvus_client.importlib.metadata, 'version', version)
    with pytest.raises(ImportError, match=r"needs milvus-lite: pip install 'mmt2ireid\[gallery\]'"):
        open_gallery(tmp_path / 'g.db', model='m', dim=8)
    monkeypatch.setattr(milvus_client.importlib.metadata, 'version', lambda name: '3.2.2')
    with pytest.raises(ImportError, match=r'needs milvus-lite 2\.5, but 3\.2\.2 is installed'):
        open_gallery(tmp_path / 'g.db', model='m', dim=8)
    monkeypatch.setitem(sys.modules, 'pymilvus', None)
    with pytest.raises(ImportError, match=r"needs pymilvus: pip install 'mmt2ireid\[gallery\]'"):
        open_gallery('http://localhost:1', model='m', dim=8)


@needs_milvus_lite
def test_an_approximate_index(tmp_path):
    with MilvusGallery(
        tmp_path / 'g.db', model='m', dim=8, index='IVF_FLAT', index_params={'nlist': 16}, search_params={'nprobe': 16}
    ) as gallery:
        gallery.add(crops(500), unit_rows(500))
        (hits,) = gallery.search(unit_rows(1), 3)
        assert hits[0].crop.id == 'c0' and hits[0].score == pytest.approx(1)


def check_killed(place: str, reported: int) -> int:
    with open_gallery(place, model='m', dim=16) as gallery:
        ids = list(gallery.ids())
        numbers = sorted(int(name[1:]) for name in ids)
        # Once or not at all; all that was reported is there; a batch may be there in part.
        assert len(set(numbers)) == len(numbers) == len(gallery) >= reported
        assert numbers[:reported] == list(range(reported))
        np.testing.assert_array_equal(gallery.vectors(f'c{n}' for n in numbers), added_vectors()[numbers])
        assert [crop.metadata for crop in gallery.get(f'c{n}' for n in numbers)] == [{'n': n} for n in numbers]
        return len(ids)


@needs_milvus_lite
def test_killed_while_adding(tmp_path):
    """The program alone, and the program together with its milvus-lite."""
    place, rng = str(tmp_path / 'g.db'), random.Random(1)
    reached = 0
    for kill in (os.kill, os.killpg):
        process, reported, limit = adding_process(place), 0, rng.randrange(1, 12)
        for number, line in enumerate(lines(process)):
            reported = int(line) if line.isdigit() else reported
            if number == limit:
                time.sleep(rng.random() * 0.02)
                kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        now = check_killed(place, max(reached, reported))
        assert now >= reached
        reached = now
    process = adding_process(place)
    assert list(lines(process))[-1] == 'done' and process.wait() == 0
    assert check_killed(place, 10_000) == 10_000
