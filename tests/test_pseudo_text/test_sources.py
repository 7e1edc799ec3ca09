from __future__ import annotations

import errno
import io
import json
import os
import pickle
import tarfile
from multiprocessing import get_context
from pathlib import Path

import lmdb
import numpy as np
import pyarrow as pa
import pytest
from pseudo_text_world import picture, pictures, write_folder, write_table

from mmt2ireid.pseudo_text.sources import image_source
from mmt2ireid.pseudo_text.sources.image_source import IdTable, ImageSource, UnreadableImageError
from mmt2ireid.pseudo_text.sources.opening import FolderSource, LMDBSource, open_source

IMAGES = pictures(11)


def make_lmdb(folder: Path, images: dict[str, bytes]) -> Path:
    with lmdb.open(str(folder), map_size=2**24) as environment, environment.begin(write=True) as transaction:
        for name, content in images.items():
            transaction.put(name.encode(), content)
    return folder


def make_tar(path: Path, images: dict[str, bytes], mode: str = 'w') -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in images.items():
            member = tarfile.TarInfo(f'./{name}')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def make_all(folder: Path, images: dict[str, bytes]) -> dict[str, ImageSource]:
    """The same images in every way they can be stored."""
    root = write_folder(folder / 'imgs', images)
    (folder / 'list.txt').write_text('\ufeff' + '\r\n'.join(images) + '\n\n', encoding='utf-8')
    (folder / 'list.json').write_text(json.dumps([{'file_path': str(root / name)} for name in images]))
    names, half = list(images), len(images) // 2
    first, second = ({name: images[name] for name in part} for part in (names[:half], names[half:]))
    make_tar(folder / 'x-0.tar', first)
    make_tar(folder / 'x-1.tar', second)
    write_table(folder / 'y-0.arrow', first)
    write_table(folder / 'y-1.arrow', second, 'image_id')
    return {
        'folder': open_source(root),
        'text': open_source(folder / 'list.txt', root),
        'json': open_source(folder / 'list.json', root),
        'lmdb': open_source(make_lmdb(folder / 'lmdb', images)),
        'tar': open_source(str(folder / 'x-*.tar')),
        'arrow': open_source([folder / 'y-0.arrow', folder / 'y-1.arrow']),
        'parquet': open_source(write_table(folder / 'z.parquet', images, 'path')),
    }


@pytest.fixture(scope='module')
def sources(tmp_path_factory) -> dict[str, ImageSource]:
    return make_all(tmp_path_factory.mktemp('sources'), IMAGES)


KINDS = ['folder', 'text', 'json', 'lmdb', 'tar', 'arrow', 'parquet']


@pytest.mark.parametrize('kind', KINDS)
def test_every_source_has_the_same_images(sources, kind):
    source = sources[kind]
    assert len(source) == len(IMAGES)
    assert [source.id_of(index) for index in range(len(source))] == list(IMAGES)
    order = np.random.default_rng(0).permutation(len(source))
    assert {source.id_of(int(index)): source.read(int(index)) for index in order} == IMAGES
    assert source.fingerprint == sources['folder'].fingerprint
    with pytest.raises(IndexError):
        source.id_of(len(IMAGES))
    with pytest.raises(IndexError):
        source.read(len(IMAGES))


def _read_all(source: ImageSource, pipe) -> None:
    pipe.send([source.read(index) for index in range(len(source))])


@pytest.mark.parametrize('kind', KINDS)
def test_reads_after_fork_and_pickle(sources, kind):
    source = sources[kind]
    assert source.read(0) == next(iter(IMAGES.values()))  # files are open here now
    context = get_context('fork')
    receiver, sender = context.Pipe(duplex=False)
    workers = [context.Process(target=_read_all, args=(source, sender)) for _ in range(2)]
    for worker in workers:
        worker.start()
        assert receiver.poll(20)
        assert receiver.recv() == list(IMAGES.values())
        worker.join()
    copy = pickle.loads(pickle.dumps(source))
    assert [copy.read(index) for index in range(len(copy))] == list(IMAGES.values())
    assert source.read(1) == list(IMAGES.values())[1]


@pytest.mark.parametrize('kind', ['folder', 'text', 'json', 'lmdb', 'tar', 'arrow', 'parquet'])
def test_size_and_time_of_change_are_known(sources, kind):
    source = pickle.loads(pickle.dumps(sources[kind]))
    assert all(min(source.stamp(index)) > 0 for index in (0, len(source) - 1))


def test_a_missing_file_has_no_time_of_change(tmp_path):
    (tmp_path / 'l.txt').write_text('gone.png\nnull\0.png\n')
    source = open_source(tmp_path / 'l.txt')
    assert source.stamp(0) == source.stamp(1) == (-1, -1)


def test_fingerprint_tells_borders_and_order():
    tables = [IdTable(names, 'x').digest for names in (['ab', 'c'], ['a', 'bc'], ['c', 'ab'])]
    assert len(set(tables)) == 3


def test_ids_with_equal_hashes_are_told_apart(monkeypatch):
    monkeypatch.setattr(image_source, 'hash', lambda name: 7, raising=False)
    assert len(IdTable(['a', 'b', 'c'], 'x')) == 3
    with pytest.raises(ValueError, match=r"x: .*unique, but 'b' is number 1 and number 3"):
        IdTable(['a', 'b', 'c', 'b'], 'x')


@pytest.mark.parametrize(
    ('names', 'message'),
    [([], 'x: must hold at least one image'), ([''], 'must not be empty'), (['\udc80.jpg'], 'must be Unicode')],
)
def test_bad_ids_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        IdTable(names, 'x')


def test_folder_is_sorted_follows_links_and_ends(tmp_path):
    root = write_folder(tmp_path / 'imgs', {'b/x.JPG': b'1', 'a.d/y.png': b'2', 'a/z.png': b'3', 'a/notes.md': b'4'})
    other = write_folder(tmp_path / 'other', {'far.png': b'5'})
    (root / 'b' / 'up').symlink_to(root)
    (root / 'b' / 'self').symlink_to('self')
    (root / 'c').symlink_to(other)
    (root / 'd').symlink_to(other)
    (root / 'gone.png').symlink_to(tmp_path / 'nowhere')
    source = FolderSource(root, allow_outside=True)
    names = [source.id_of(index) for index in range(len(source))]
    assert names == ['a/z.png', 'a.d/y.png', 'b/x.JPG', 'c/far.png']
    assert source.read(3) == b'5'
    another = 'is another name of a folder that was listed'
    assert source.left_out == [
        *(('b/self', 'is a link that leads nowhere'), ('b/up', another), ('d', another)),
        ('gone.png', 'is a link that leads nowhere'),
    ]
    source = open_source(root)
    assert [source.id_of(index) for index in range(len(source))] == names[:3]
    assert [name for name, _ in source.left_out] == ['b/self', 'b/up', 'c', 'd', 'gone.png']


def test_names_that_are_not_utf8_are_left_out_of_every_source(tmp_path):
    """One of them stopped a whole run."""
    bad = os.fsdecode(b'caf\xe9.png')
    root = write_folder(tmp_path / 'imgs', {'a.png': b'1', bad: b'2'})
    make_tar(tmp_path / 'x.tar', {'a.png': b'1', bad: b'2'})
    with lmdb.open(str(tmp_path / 'x'), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        transaction.put(b'a.png', b'1')
        transaction.put(b'caf\xe9.png', b'2')
    for place in (root, tmp_path / 'x.tar', tmp_path / 'x'):
        source = open_source(place)
        assert [source.id_of(index) for index in range(len(source))] == ['a.png'] and source.read(0) == b'1'
        assert source.left_out == [('caf\\udce9.png', 'has a name that is not UTF-8: rename it')]


def test_tar_and_folder_judge_by_the_content(tmp_path):
    images = {'a.dat': picture(0), 'b': picture(1), 'c.heic': b'\0\0\0\x18ftypheic' + bytes(20), 'd.txt': b'text'}
    for place in (write_folder(tmp_path / 'imgs', images), make_tar(tmp_path / 'x.tar', images)):
        source = open_source(place)
        assert [source.id_of(index) for index in range(len(source))] == ['a.dat', 'b']
        (name, reason), *others = source.left_out
        assert name == 'c.heic' and 'HEIC' in reason and 'save it as JPEG' in reason and not others


def test_folder_below_a_root(tmp_path):
    root = write_folder(tmp_path / 'imgs', IMAGES)
    source = open_source(root / 'a', root)
    assert source.id_of(0) == 'a/00000.png'
    assert source.read(0) == IMAGES['a/00000.png']
    with pytest.raises(ValueError, match=r'root must be .* or a folder above it'):
        open_source(root / 'a', root / 'b')


def test_list_names_images_outside_of_the_root_only_where_that_is_allowed(tmp_path):
    write_folder(tmp_path, {'imgs/a.png': b'1', 'far/b.png': b'2', 'c.png': b'3'})
    (tmp_path / 'imgs' / 'l.txt').write_text(f'./a.png\n{tmp_path}/far/b.png\n../c.png\nmissing.png\n')
    with pytest.raises(ValueError, match=r'l\.txt: expected images within .*imgs, but it names .*far/b\.png'):
        open_source(tmp_path / 'imgs' / 'l.txt')
    source = open_source(tmp_path / 'imgs' / 'l.txt', allow_outside=True)
    assert [source.id_of(i) for i in range(4)] == ['a.png', f'{tmp_path}/far/b.png', '../c.png', 'missing.png']
    assert [source.read(i) for i in range(3)] == [b'1', b'2', b'3']
    with pytest.raises(UnreadableImageError, match='is not there'):
        source.read(3)


def test_lists_in_another_encoding_or_with_a_key_twice_are_named(tmp_path):
    (tmp_path / 'l.txt').write_bytes('a.png\n行人.png\n'.encode('gbk'))
    with pytest.raises(ValueError, match=r'l\.txt, line 2: must be text in UTF-8'):
        open_source(tmp_path / 'l.txt')
    (tmp_path / 'l.json').write_text('[{"file_path": "a.png", "file_path": "b.png"}]')
    with pytest.raises(ValueError, match=r"l\.json, record 0: the key 'file_path'"):
        open_source(tmp_path / 'l.json')
    (tmp_path / 'l.txt').write_text('a/b.png\na/./b.png\n')
    with pytest.raises(ValueError, match=r'a/b\.png'):
        open_source(tmp_path / 'l.txt')


def test_what_is_no_image_file_is_told(tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    (tmp_path / 'folder.png').mkdir()
    write_folder(tmp_path, {'empty.png': b'', 'ok.png': b'1234'})
    (tmp_path / 'l.txt').write_text('pipe.png\nfolder.png\nempty.png\nok.png\nnull\0.png\n' + 300 * 'x')
    source = open_source(tmp_path / 'l.txt')
    reasons = ['is no ordinary file', 'is a folder', 'is empty', None, 'null', 'too long']
    for index, reason in enumerate(reasons):
        if reason is None:
            assert source.read(index) == b'1234'
        else:
            with pytest.raises(UnreadableImageError, match=reason):
                source.read(index)


def test_an_outage_is_no_bad_image(tmp_path, monkeypatch):
    source = open_source(write_folder(tmp_path, {'a.png': b'1'}))

    def fail(*args):
        raise OSError(errno.ESTALE, 'Stale file handle')

    monkeypatch.setattr(os, 'open', fail)
    with pytest.raises(OSError, match='Stale'):
        source.read(0)


def test_lmdb_leaves_out_what_tools_add(tmp_path):
    folder = make_lmdb(tmp_path / 'x', {**IMAGES, '__keys__': b'a pickle', '__len__': b'11'})
    assert len(open_source(folder)) == len(IMAGES)
    assert len(LMDBSource(folder)) == len(IMAGES)  # a second time in one process


def test_lmdb_that_is_none(tmp_path):
    write_folder(tmp_path, {'data.mdb': b'nothing of the kind' * 1000})
    with pytest.raises(ValueError, match='expected an LMDB'):
        open_source(tmp_path)


@pytest.mark.parametrize('mode', ['w:gz', 'w:bz2', 'w:xz'])
def test_compressed_tar_is_refused(tmp_path, mode):
    for name in ('x.tar', 'x.tar.gz'):
        path = make_tar(tmp_path / name, IMAGES, mode)
        with pytest.raises(ValueError, match='must be a plain tar, but is compressed with'):
            open_source(path)


def test_names_in_a_tar_stay_below_its_folder(tmp_path):
    names = {'../../up.png': b'1', '/rooted.png': b'2', 'a/../../b.png': b'3'}
    source = open_source(make_tar(tmp_path / 'x.tar', names))
    assert [source.id_of(index) for index in range(3)] == ['up.png', 'rooted.png', 'b.png']


def test_tar_takes_images_only(tmp_path, caplog):
    caplog.set_level('INFO')
    path = make_tar(tmp_path / 'x.tar', {'a.png': b'1', 'a.txt': b'2', 'b.json': b'3'})
    with tarfile.open(path, 'a') as tar:
        link = tarfile.TarInfo('link.png')
        link.type, link.linkname = tarfile.SYMTYPE, 'a.png'
        tar.addfile(link)
    source = open_source(path)
    assert [source.id_of(i) for i in range(len(source))] == ['a.png']
    assert 'passed over 3 files (1 .txt, 1 .json, 1 links and the like): a.txt, b.json, link.png' in caplog.text


@pytest.mark.parametrize('where', ['member', 'header', 'damaged', 'empty', 'noise'])
def test_bad_tar_is_refused(tmp_path, where):
    content = make_tar(tmp_path / 'x.tar', {'a.png': b'1' * 600, 'b.png': b'2' * 600}).read_bytes()
    second = 512 + 1024
    content = {
        'member': content[: second + 512 + 100], 'header': content[: second + 100],
        'damaged': content[:second] + b'\x07' * 512 + content[second + 512 :], 'empty': b'', 'noise': b'abc' * 1000,
    }[where]  # fmt: skip
    (tmp_path / 'x.tar').write_bytes(content)
    with pytest.raises(ValueError, match=r'x\.tar'):
        open_source(tmp_path / 'x.tar')


def test_tar_that_shrinks_is_told(tmp_path):
    path = make_tar(tmp_path / 'x.tar', {'a.png': b'1' * 600})
    source = open_source(path)
    os.truncate(path, 700)
    with pytest.raises(UnreadableImageError, match='ends within it'):
        source.read(0)


def test_table_with_nulls_integers_and_streams(tmp_path):
    table = pa.table({'image_id': [7, 8, 9], 'image': pa.array([b'1', None, b''], pa.large_binary())})
    with pa.ipc.new_stream(tmp_path / 'x.arrow', table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    source = open_source(tmp_path / 'x.arrow')
    assert [source.id_of(i) for i in range(3)] == ['7', '8', '9']
    assert source.read(0) == b'1'
    for index, reason in ((1, 'is null'), (2, 'is empty')):
        with pytest.raises(UnreadableImageError, match=reason):
            source.read(index)


def test_compressed_arrow_is_unpacked_piece_by_piece(tmp_path):
    rng = np.random.default_rng(0)
    images = {f'{number}.png': rng.integers(0, 4, 2**20, dtype=np.uint8).tobytes() for number in range(24)}
    table = pa.table({'image_id': list(images), 'image': pa.array(list(images.values()), pa.binary())})
    with pa.ipc.new_file(tmp_path / 'x.arrow', table.schema, options=pa.ipc.IpcWriteOptions(compression='zstd')) as w:
        w.write_table(table, max_chunksize=1)
    source = open_source(tmp_path / 'x.arrow')
    table = None
    before = pa.total_allocated_bytes()
    for index, content in enumerate(images.values()):
        assert source.read(index) == content
        assert pa.total_allocated_bytes() - before < 4 * 2**20


@pytest.mark.parametrize(
    ('columns', 'message'),
    [
        ({'image': [b'1']}, "expected the column 'image' and one of"),
        ({'image_id': ['a']}, "expected the column 'image' and one of"),
        ({'image_id': ['a'], 'image': ['text']}, 'expected encoded images as binary, but it is string'),
        ({'image_id': [0.5], 'image': [b'1']}, 'expected names as text or integers, but it is double'),
        ({'image_id': ['a', None], 'image': [b'1', b'2']}, 'expected a name in every row'),
    ],
)
@pytest.mark.parametrize('suffix', ['.arrow', '.parquet'])
def test_bad_columns_are_refused(tmp_path, columns, message, suffix):
    import pyarrow.parquet as pq

    table, path = pa.table(columns), tmp_path / f'x{suffix}'
    if suffix == '.parquet':
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(ValueError, match=message):
        open_source(path)


def test_large_row_groups_are_refused(tmp_path, monkeypatch):
    from mmt2ireid.pseudo_text.sources import table_source

    path = write_table(tmp_path / 'x.parquet', IMAGES, rows=100)
    monkeypatch.setattr(table_source, 'MAX_UNPACKED', 100)
    with pytest.raises(ValueError, match=r'row group 0 has .*: write it again with smaller ones'):
        open_source(path)


def test_duplicates_are_refused_in_every_source(tmp_path):
    write_folder(tmp_path, {'a.png': b'1'})
    (tmp_path / 'l.txt').write_text('a.png\nb.png\n./a.png\n')
    (tmp_path / 'l.json').write_text('[{"file_path": "a.png"}, {"file_path": "a.png"}]')
    make_tar(tmp_path / '0.tar', {'a.png': b'1'})
    make_tar(tmp_path / '1.tar', {'a.png': b'2'})
    write_table(tmp_path / '0.arrow', {'a.png': b'1'})
    write_table(tmp_path / '1.arrow', {'a.png': b'1'})
    for path in ('l.txt', 'l.json', '*.tar', '*.arrow'):
        with pytest.raises(ValueError, match=r"unique, but 'a\.png' is number 0 and number"):
            open_source(str(tmp_path / path))


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('x.txt', b'\n \n', 'must hold at least one image'),
        ('x.txt', b'\xff\xfe\x00', 'must be text in UTF-8'),
        ('x.json', b'[]', 'must hold at least one image'),
        ('x.json', b'{"a": 1}', 'but got a dict'),
        ('x.json', b'[{"img_path": "a"}]', "record 0: expected an object with a text 'file_path'"),
        ('x.json', b'[', 'it is no JSON'),
        ('x.arrow', b'nothing of the kind', 'expected an Arrow or Parquet file'),
        ('x.parquet', b'nothing of the kind', 'expected an Arrow or Parquet file'),
        ('x.zip', b'', 'a source must be a folder of images'),
        ('folder/readme.md', b'', 'must hold at least one image'),
    ],
)
def test_bad_sources_are_refused(tmp_path, name, content, message):
    path = write_folder(tmp_path, {name: content}) / name.split('/')[0]
    with pytest.raises(ValueError, match=message):
        open_source(path)


def test_bad_requests_are_refused(tmp_path):
    write_folder(tmp_path, {'a.txt': b'x', 'b.tar': b'x', 'd/x.png': b'x'})
    with pytest.raises(FileNotFoundError, match='there is no such file'):
        open_source(tmp_path / '*.arrow')
    with pytest.raises(ValueError, match='of one kind'):
        open_source([tmp_path / 'a.txt', tmp_path / 'b.tar'])
    with pytest.raises(ValueError, match='only tar files and tables may be several'):
        open_source([tmp_path / 'd', tmp_path])
    with pytest.raises(ValueError, match='root must be given for folders and lists only'):
        open_source(tmp_path / 'b.tar', tmp_path)
    with pytest.raises(ValueError, match='but got nothing'):
        open_source([])
    with pytest.raises(NotADirectoryError, match='root must be a folder'):
        open_source(tmp_path / 'a.txt', tmp_path / 'nowhere')
