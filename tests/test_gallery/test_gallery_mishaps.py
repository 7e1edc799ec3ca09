"""Galleries in a folder, and what happens to folders, locks and programs while they are open."""

from __future__ import annotations

import errno
import logging
import os
import shutil

import pytest
from gallery_parts import crops, milvus_lite_version, needs_milvus_lite, unit_rows

from mmt2ireid.gallery import Crop, GalleryError, memory, open_gallery, shards
from mmt2ireid.gallery.milvus_client import Place, is_file_place, quiet


def open_folder(folder, **kwargs):
    return open_gallery(folder, model='m', dim=8, **kwargs)


def names(gallery):
    return [name[1:] for name in gallery.ids()]


def test_a_relative_folder_stays_where_it_is_when_the_program_goes_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'elsewhere').mkdir()
    with open_folder('g') as gallery:
        gallery.add(crops(1), unit_rows(1))
        monkeypatch.chdir(tmp_path / 'elsewhere')
        gallery.add(crops(1, 1), unit_rows(1, seed=1))
        gallery.delete(['c0'])
    assert not list((tmp_path / 'elsewhere').iterdir())
    with open_folder(tmp_path / 'g') as gallery:
        assert list(gallery.ids()) == ['c1']


@pytest.mark.parametrize('mishap', ['moved', 'deleted', 'replaced'])
def test_a_folder_that_goes_away_while_it_is_open_is_not_written_to(mishap, tmp_path):
    place = tmp_path / 'g'
    with open_folder(place) as gallery:
        gallery.add(crops(3), unit_rows(3))
        shutil.rmtree(place) if mishap == 'deleted' else place.rename(tmp_path / 'moved')
        if mishap == 'replaced':
            with open_folder(place) as other:
                other.add(crops(1, 9), unit_rows(1))
        for change in (
            lambda: gallery.add(crops(1, 5), unit_rows(1)),
            lambda: gallery.delete(['c0']),
            lambda: gallery._merge(0),
        ):
            with pytest.raises(GalleryError, match=r'moved, deleted or replaced while it was open.*where it is now'):
                change()
        assert names(gallery) == ['0', '1', '2']
    assert place.exists() == (mishap == 'replaced')
    if mishap != 'deleted':
        with open_folder(tmp_path / 'moved' if mishap == 'moved' else place) as gallery:
            assert names(gallery) == (['0', '1', '2'] if mishap == 'moved' else ['9'])


def test_a_file_system_without_locks_is_said_and_used(tmp_path, monkeypatch):
    fcntl = pytest.importorskip('fcntl')

    def none(*args):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', none)
    with pytest.warns(UserWarning, match=r'no file can be locked there.*No locks.*one program at a time'):
        gallery = open_folder(tmp_path / 'g')
    with gallery:
        gallery.add(crops(2), unit_rows(2))
    with open_folder(tmp_path / 'g', read_only=True) as reader:
        assert len(reader) == 2


def test_a_shard_that_cannot_be_read_is_named(tmp_path):
    with open_folder(tmp_path / 'g') as gallery:
        gallery.add(crops(2), unit_rows(2))
    shard = tmp_path / 'g' / 'generation-000001' / '00000001-crops.safetensors'
    shard.unlink()
    shard.mkdir()
    with pytest.raises(GalleryError, match=r'00000001-crops\.safetensors: expected crops .* cannot be read'):
        open_folder(tmp_path / 'g')


def test_a_reader_that_meets_half_of_an_old_generation_reads_the_new_one(tmp_path, monkeypatch):
    with open_folder(tmp_path / 'g') as gallery:
        for start in range(4):
            gallery.add(crops(2, 2 * start), unit_rows(2, seed=start))
        numbered = shards.ShardFolder._numbered

        def half_gone(folder):
            monkeypatch.setattr(shards.ShardFolder, '_numbered', numbered)
            files = numbered(folder)
            first = files[0].read_bytes()
            gallery._merge(0)
            files[0].parent.mkdir()
            files[0].write_bytes(first)
            return numbered(folder)

        monkeypatch.setattr(shards.ShardFolder, '_numbered', half_gone)
        with open_folder(tmp_path / 'g', read_only=True) as reader:
            assert names(reader) == list('01234567')


def test_stopped_once_a_merge_counts_it_goes_on_in_what_counts(tmp_path, monkeypatch):
    with open_folder(tmp_path / 'g') as gallery:
        for start in range(3):
            gallery.add(crops(1, start), unit_rows(1, seed=start))
        write = shards.ShardFolder._write_info

        def stopped(folder, generation):
            write(folder, generation)
            raise KeyboardInterrupt

        monkeypatch.setattr(shards.ShardFolder, '_write_info', stopped)
        with pytest.raises(KeyboardInterrupt):
            gallery._merge(0)
        monkeypatch.undo()
        gallery.add(crops(1, 3), unit_rows(1, seed=3))
    with pytest.warns(UserWarning, match='took away 1 unfinished'):
        gallery = open_folder(tmp_path / 'g')
    with gallery:
        assert names(gallery) == list('0123')


@pytest.mark.parametrize('place', ['g', None])
def test_stopped_between_vectors_and_crops_no_vector_becomes_another_crops(place, tmp_path, monkeypatch):
    folder = None if place is None else tmp_path / place
    vectors = unit_rows(6)
    gallery = open_folder(folder)
    gallery.add(crops(2), vectors[:2])

    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(memory.CropTable, 'append', stopped)
    with pytest.raises(KeyboardInterrupt):
        gallery.add(crops(2, 2), vectors[2:4])
    monkeypatch.undo()
    with pytest.raises(GalleryError, match='is closed'):
        gallery.add(crops(2, 4), vectors[4:])
    if folder is not None:
        with open_folder(folder) as gallery:
            gallery.add(crops(2, 4), vectors[4:])
            assert [hits[0].crop.id for hits in gallery.search(vectors, 1)] == [f'c{n}' for n in range(6)]
    assert os.listdir(tmp_path) == ([] if folder is None else ['g'])


@pytest.mark.parametrize('place', [None, 'g', 'g.db'])
def test_a_closed_gallery_says_so_and_one_text_is_no_list_of_ids(place, tmp_path):
    if place == 'g.db' and not milvus_lite_version().startswith('2.5.'):
        pytest.skip('milvus-lite 2.5 is not installed')
    with open_folder(None if place is None else tmp_path / place) as gallery:
        gallery.add([Crop('a'), Crop('b')], unit_rows(2))
        for call in (gallery.delete, gallery.known, gallery.get, gallery.vectors):
            with pytest.raises(ValueError, match="ids must be a list of texts, but got one text: 'ab'"):
                call('ab')
        assert gallery.known(['a', '\ud800']) == {'a'} and gallery.delete(['\ud800']) == 0 and len(gallery) == 2
    for question in (lambda: len(gallery), gallery.ids, gallery.fields, lambda: gallery.known(['a'])):
        with pytest.raises(GalleryError, match='is closed'):
            question()


@pytest.mark.parametrize('top_k', [None, 'x', '3', float('nan'), float('inf'), True])
def test_a_top_k_that_is_no_number_is_named(top_k):
    with (
        open_folder(None) as gallery,
        pytest.raises(ValueError, match=f'top_k must be .* from 1 on, but got {top_k!r}'),
    ):
        gallery.search(unit_rows(1), top_k)


def test_a_number_sign_in_a_folders_name_is_no_collection(tmp_path):
    place = tmp_path / '#1' / 'crops.db'
    assert Place.parse(place) == Place(str(place), 'mmt2ireid', place, str(place))
    assert Place.parse(f'{place}#c') == Place(str(place), 'c', place, str(place))
    assert is_file_place(place) and is_file_place(f'{place}#c') and not is_file_place(tmp_path / 'a.db' / 'folder')


@needs_milvus_lite
def test_what_milvus_lite_does_not_write_is_told(tmp_path, monkeypatch):
    """As on a full disk: it answers as ever."""
    folder = tmp_path / 'a b?' / '#1'
    folder.mkdir(parents=True)
    with open_folder(folder / 'g.db') as gallery:
        gallery.add(crops(3), unit_rows(3))
        assert gallery.add(crops(3, 1), unit_rows(3), replace=True).replaced == 2 and gallery.delete(['c0']) == 1
        for name, change in (
            ('upsert', lambda: gallery.add(crops(1, 5), unit_rows(1))),
            ('delete', lambda: gallery.delete(['c1'])),
        ):
            with monkeypatch.context() as patched:
                patched.setattr(gallery._client, name, lambda *args, **kwargs: {})
                with pytest.raises(GalleryError, match=r'g\.db: milvus-lite has not written .*is the disk full'):
                    change()
        gallery.add(crops(1, 5), unit_rows(1))
        assert len(gallery) == 4


def test_quiet_threads_that_overlap_leave_the_log_as_it_was():
    logger = logging.getLogger('pymilvus')
    before = logger.level
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not logger.isEnabledFor(logging.CRITICAL)
    second.__exit__(None, None, None)
    assert logger.level == before
