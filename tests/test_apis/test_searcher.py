"""Searching a gallery of crops, with a model whose answers the tests know."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_people import red_people, walking, write_video

from mmt2ireid.apis import PersonSearcher
from mmt2ireid.apis.people import crop_people
from mmt2ireid.apis.search import BadPictureError, PictureLimits, load_encoder, read_picture
from mmt2ireid.apis.search.adding import STAMP
from mmt2ireid.apis.search.crop_keeper import CropKeeper
from mmt2ireid.gallery import open_gallery

COLOURS = dict(red=(220, 20, 20), green=(20, 220, 20), blue=(20, 20, 220), white=(240, 240, 240), dark=(30, 30, 30))


class ColourEncoder:
    """A picture is its mean colour, a text the sum of the colours that it names."""

    dim = 4
    batch_size = 3

    def __init__(self, fingerprint='colours'):
        self.fingerprint = fingerprint
        self.encoded = 0
        self.batches = []

    def encode_images(self, pictures):
        self.encoded += len(pictures)
        self.batches.append(len(pictures))
        return self._unit([picture.reshape(-1, 3).mean(0) for picture in pictures])

    def encode_texts(self, texts):
        return self._unit([sum(np.array(COLOURS.get(word, (1, 1, 1))) for word in text.split()) for text in texts])

    def _unit(self, colours):
        values = np.concatenate([np.array(colours, dtype=np.float64) - 100, np.full((len(colours), 1), 50.0)], axis=1)
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def save(path, colour, size=(8, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, COLOURS.get(colour, colour)).save(path)
    return path


@pytest.fixture
def crops(tmp_path):
    """Six crops of two cameras."""
    folder = tmp_path / 'crops'
    for number, colour in enumerate(['red', 'green', 'blue', 'white', 'dark', (200, 60, 30)]):
        save(folder / f'cam_{"ab"[number % 2]}' / f'{number}.png', colour)
    return folder


@pytest.fixture
def searcher(crops):
    with PersonSearcher(ColourEncoder(), image_root=crops) as searcher:
        searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
        yield searcher


def names(hits):
    return [hit.crop.id for hit in hits]


def test_by_text(searcher):
    hits = searcher.search('red', top_k=2)
    assert names(hits) == ['cam_a/0.png', 'cam_b/5.png']
    assert hits[0].score == pytest.approx(1, abs=1e-4) and hits[0].score > hits[1].score
    assert dict(hits[0].crop.metadata) == {'camera': 'a'}, 'what the searcher keeps for itself is not shown'
    assert hits[0].crop.path == 'cam_a/0.png'
    assert len(searcher.search('red', top_k=100)) == 6 == len(searcher)


def test_by_picture(searcher, tmp_path):
    array = np.full((5, 5, 3), COLOURS['blue'], np.uint8)
    path = save(tmp_path / 'query.png', 'blue')
    pillow = Image.fromarray(array)
    for image in (array, path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), pillow, Image.open(path)):
        assert names(searcher.search(image=image, top_k=1)) == ['cam_a/2.png']
    clear = Image.new('RGBA', (5, 5), (*COLOURS['blue'], 0))
    white = np.full((5, 5, 3), 255, np.uint8)
    assert np.array_equal(searcher.encode(images=[clear]), searcher.encode(images=[white]))
    assert searcher.add_pictures([pillow], ['pillow']).added == 1


def test_by_both(searcher):
    red = np.full((5, 5, 3), COLOURS['red'], np.uint8)
    (vector,) = searcher.encode(['blue'], [red], text_weight=0.25)
    text, image = searcher.encode(['blue'])[0].astype(float), searcher.encode(images=[red])[0].astype(float)
    expected = 0.25 * text + 0.75 * image
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert names(searcher.search('blue', red, text_weight=1.0, top_k=1)) == ['cam_a/2.png']
    assert names(searcher.search('blue', red, text_weight=0.0, top_k=1)) == ['cam_a/0.png']


def test_filters(searcher):
    assert names(searcher.search('red', where='camera=b'))[0] == 'cam_b/5.png'
    assert len(searcher.search('red', where=['camera=a'])) == 3
    assert searcher.search('red', where='camera=z') == []
    assert len(searcher.search('red', where=[])) == 6
    assert sorted(searcher.fields()) == ['camera'] and list(searcher.fields()['camera']) == ['a', 'b']
    with pytest.raises(ValueError, match='condition'):
        searcher.search('red', where='camera')


def test_a_batch_is_its_searches(searcher):
    texts = ['red', 'blue', 'white dark']
    batch = searcher.search_batch(texts, top_k=4, where='camera=a,b')
    for text, hits in zip(texts, batch, strict=True):
        single = searcher.search(text, top_k=4)
        assert names(hits) == names(single)
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in single], abs=1e-6)


def test_neighbours(searcher):
    hits = searcher.neighbours('cam_a/0.png', top_k=2)
    assert names(hits)[0] == 'cam_b/5.png' and len(hits) == 2
    assert 'cam_a/0.png' not in names(searcher.neighbours('cam_a/0.png', top_k=100))
    assert names(searcher.neighbours('cam_a/0.png', where='camera=a')) and len(searcher.neighbours('cam_a/0.png')) == 5
    with pytest.raises(KeyError, match='nobody'):
        searcher.neighbours('nobody')


def test_wrong_queries(searcher):
    for message, call in {
        'a text or a picture': dict(),
        'at least one word': dict(text='  '),
        'must be a str': dict(text=3),
        'top_k must be': dict(text='red', top_k=0),
        'text_weight must be from 0 to 1': dict(text='red', image=np.zeros((2, 2, 3), np.uint8), text_weight=2),
        'picture 0 must be uint8': dict(image=np.zeros((2, 2))),
    }.items():
        with pytest.raises(ValueError, match=message):
            searcher.search(**call)
    with pytest.raises(BadPictureError, match='is a web page'):
        searcher.search(image=b'<html>')
    with pytest.raises(ValueError, match='as many texts as pictures'):
        searcher.search_batch(['red', 'blue'], [np.zeros((2, 2, 3), np.uint8)])
    with pytest.raises(ValueError, match='list of str'):
        searcher.search_batch('red')


def test_a_text_and_a_picture_that_cancel_out_are_refused(searcher):
    searcher.encoder.encode_texts = lambda texts: np.array([[1, 0, 0, 0]], np.float32)
    searcher.encoder.encode_images = lambda pictures: np.array([[-1, 0, 0, 0]], np.float32)
    with pytest.raises(ValueError, match='cancel each other out'):
        searcher.search('red', np.zeros((2, 2, 3), np.uint8))


def test_known_crops_are_not_encoded_again(searcher, crops):
    before = searcher.encoder.encoded
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert (report.known, report.added, searcher.encoder.encoded) == (6, 0, before)
    save(crops / 'cam_a/0.png', 'green', size=(9, 17))
    save(crops / 'cam_c/9.png', 'red')
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert (report.known, report.added, report.changed, report.replaced) == (5, 1, 1, 0)
    assert searcher.encoder.encoded == before + 2
    assert names(searcher.search('red', top_k=1)) == ['cam_c/9.png'] and len(searcher) == 7


def test_a_picture_written_again_at_another_time_is_encoded_again(searcher, crops):
    status = (crops / 'cam_a/0.png').stat()
    os.utime(crops / 'cam_a/0.png', ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert (report.known, report.changed) == (5, 1)


def test_new_metadata_need_no_encoding(searcher, crops):
    before = searcher.encoder.encoded
    table = {'cam_a/0.png': dict(floor=3), 'cam_b/1.png': dict(camera='lift'), 'cam_x/7.png': dict(floor=1)}
    report = searcher.add_folder(crops, metadata=table, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert (report.known, report.replaced, report.unmatched) == (4, 2, ['cam_x/7.png'])
    assert searcher.encoder.encoded == before
    assert [dict(crop.metadata) for crop in searcher.get(['cam_a/0.png', 'cam_b/1.png'])] == [
        dict(camera='a', floor=3),
        dict(camera='lift'),
    ]
    assert names(searcher.search('red', where='floor>=3')) == ['cam_a/0.png']


@pytest.mark.parametrize('name', ['metadata.csv', 'metadata.jsonl', 'crops.jsonl'])
def test_the_folders_own_table_is_found(name, crops):
    text = 'path,floor\ncam_a/0.png,3\n' if name.endswith('csv') else '{"path": "cam_a/0.png", "floor": 3}\n'
    (crops / name).write_text(text)
    searcher = PersonSearcher(ColourEncoder(), image_root=crops)
    report = searcher.add_folder(crops, progress=False)
    assert report.other == 0 and names(searcher.search('blue', where='floor=3')) == ['cam_a/0.png']


def test_what_is_no_crop_is_named_and_nothing_leads_out(crops, tmp_path):
    secret = save(tmp_path / 'secret.png', 'red')
    (crops / 'broken.jpg').write_bytes(b'<html>')
    (crops / 'empty.png').write_bytes(b'')
    (crops / 'notes.txt').write_text('x')
    (crops / '.hidden.png').write_bytes(secret.read_bytes())
    (crops / 'out.png').symlink_to(secret)
    (crops / 'nowhere.png').symlink_to(crops / 'missing.png')
    (crops / 'inside.png').symlink_to(crops / 'cam_a/0.png')
    (crops / 'folder').symlink_to(tmp_path)
    (crops / 'dir.png').mkdir()
    searcher = PersonSearcher(ColourEncoder(), image_root=crops)
    report = searcher.add_folder(crops, progress=False)
    assert report.added == 7 and report.other == 2
    assert 'passed over: 2 files (1 hidden, 1 .txt): .hidden.png, notes.txt' in str(report)
    assert dict(report.refused) == {
        'broken.jpg': 'is a web page or other text: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM and JPEG 2000 are read',
        'empty.png': 'is empty',
        'folder': 'is a link to a folder, which is not followed',
        'nowhere.png': 'is a link that leads nowhere',
        'out.png': 'is a link that leads out of the folder',
    }
    assert '7 added' in str(report) and '5 refused' in str(report)
    assert set(searcher.gallery.ids()) >= {'inside.png'} and 'out.png' not in set(searcher.gallery.ids())
    assert searcher.picture('inside.png').shape == (16, 8, 3)


def test_order_is_by_path_whatever_the_disk_says(crops, monkeypatch):
    scandir = os.scandir

    def reversed_scandir(place):
        with scandir(place) as entries:
            return contextlib.nullcontext(sorted(entries, key=lambda entry: entry.name, reverse=True))

    monkeypatch.setattr(os, 'scandir', reversed_scandir)
    searcher = PersonSearcher(ColourEncoder(), image_root=crops)
    searcher.add_folder(crops, progress=False)
    ids = list(searcher.gallery.ids())
    assert ids == sorted(ids) and len(ids) == 6


def test_crops_that_are_gone_or_broken_are_taken_out(searcher, crops):
    (crops / 'cam_a/0.png').unlink()
    (crops / 'cam_a/2.png').write_bytes(b'no picture any more')
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert (report.removed, len(report.refused), len(searcher)) == (1, 1, 5)
    with pytest.raises(BadPictureError, match=r'^0\.png is not there$'):
        searcher.picture('cam_a/0.png')
    searcher.add_pictures([np.zeros((3, 3, 3), np.uint8)], ['upload'])
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False, remove_missing=True)
    assert (report.removed, len(searcher)) == (1, 5)
    assert 'upload' in set(searcher.gallery.ids()), 'what came from elsewhere stays'


def test_of_a_part_of_the_folder_only_that_part_is_taken_out(searcher, crops):
    (crops / 'cam_a/0.png').unlink()
    (crops / 'cam_b/1.png').unlink()
    report = searcher.add_folder(crops / 'cam_a', progress=False, remove_missing=True)
    assert report.removed == 1 and 'cam_b/1.png' in set(searcher.gallery.ids())


def test_pictures_are_decoded_by_threads_and_in_bounded_memory(crops, monkeypatch):
    from mmt2ireid.apis.search import encoding

    threads, real = set(), encoding.read_picture

    def read(path, limits):
        threads.add(threading.current_thread().name)
        return real(path, limits)

    monkeypatch.setattr(encoding, 'read_picture', read)
    searcher = PersonSearcher(ColourEncoder(), image_root=crops, workers=2)
    searcher.add_folder(crops, progress=False)
    assert searcher.encoder.batches == [3, 3]
    assert threads and all(name.startswith('decode') for name in threads)
    monkeypatch.setattr(encoding, '_MAX_BATCH_BYTES', 8 * 16 * 3)
    other = PersonSearcher(ColourEncoder(), image_root=crops)
    other.add_folder(crops, progress=False)
    assert other.encoder.batches == [2, 2, 2], 'large pictures make small batches'
    with pytest.raises(ValueError, match='workers must be'):
        PersonSearcher(ColourEncoder(), workers=0)


def test_a_bar_with_rate_and_time_left(crops, capfd):
    PersonSearcher(ColourEncoder(), image_root=crops).add_folder(crops)
    told = capfd.readouterr().err
    assert 'crops' in told and '6/6' in told and re.search(r'\d+:\d\d<\d+:\d\d', told)


def test_no_path_outside_of_the_root_is_ever_opened(searcher, crops, tmp_path):
    secret = save(tmp_path / 'secret.png', 'red')
    (hit,) = searcher.search('red', top_k=1)
    forged = type(hit.crop)(hit.crop.id, str(secret), {})
    assert searcher.picture_path(forged) == crops / 'cam_a/0.png', 'the gallery says where a crop lies'
    with pytest.raises(KeyError):
        searcher.picture('../secret.png')
    (vector,) = searcher.gallery.vectors(['cam_a/0.png'])
    crop = type(hit.crop)
    for number, path in enumerate(['../secret.png', str(secret), 'cam_a/../../secret.png', 'a\0b']):
        if '\0' in path:
            continue
        searcher.gallery.add([crop(f'evil{number}', path)], vector[None])
        with pytest.raises(BadPictureError, match='lies outside of the gallery'):
            searcher.picture(f'evil{number}')
    (crops / 'cam_a/0.png').unlink()
    (crops / 'cam_a/0.png').symlink_to(secret)
    with pytest.raises(BadPictureError, match='lies outside of the gallery'):
        searcher.picture('cam_a/0.png')
    with pytest.raises(ValueError, match='folder must lie in image_root'):
        searcher.add_folder(tmp_path, progress=False)


def test_without_a_root_paths_are_absolute(crops, tmp_path):
    searcher = PersonSearcher(ColourEncoder())
    searcher.add_folder(crops, progress=False)
    name = f'{crops.resolve().as_posix()}/cam_a/0.png'
    assert names(searcher.search('red', top_k=1)) == [name]
    np.testing.assert_array_equal(searcher.picture(name), read_picture(crops / 'cam_a/0.png'))
    (crops / 'cam_a/0.png').unlink()
    (crops / 'cam_a/0.png').symlink_to(save(tmp_path / 'secret.png', 'red'))
    with pytest.raises(BadPictureError, match='lies outside'):
        searcher.picture(name)


def test_uploads(searcher, crops):
    red, blue = (np.full((6, 3, 3), COLOURS[name], np.uint8) for name in ('red', 'blue'))
    buffer = io.BytesIO()
    Image.fromarray(blue).save(buffer, format='PNG')
    report = searcher.add_pictures(
        [red, buffer.getvalue(), b'<html>'], ['up/one', 'two', 'three'], [dict(camera='x'), {}, {}], keep=True
    )
    assert report.added == 2 and report.refused[0][0] == 'three'
    assert names(searcher.search('red', where='camera=x')) == ['up/one']
    np.testing.assert_array_equal(searcher.picture('up/one'), red)
    kept = list((crops / '.mmt2ireid').rglob('*.png'))
    assert len(kept) == 2
    assert searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False).added == 0
    report = searcher.add_pictures([blue], ['up/one'], keep=True)
    assert (report.added, report.changed) == (0, 1)
    np.testing.assert_array_equal(searcher.picture('up/one'), blue)
    assert searcher.delete(['up/one', 'two', 'nobody', 'cam_a/0.png']) == 3
    assert not list((crops / '.mmt2ireid').rglob('*.png'))
    assert (crops / 'cam_a/0.png').exists(), "pictures of a folder are the user's"


def test_uploads_that_are_not_kept_cannot_be_shown(searcher):
    searcher.add_pictures([np.zeros((3, 3, 3), np.uint8)], ['up'])
    with pytest.raises(BadPictureError, match='was not kept'):
        searcher.picture('up')


def test_of_uploads_that_cannot_be_added_no_picture_stays(searcher, crops):
    with pytest.raises(ValueError, match='id of a crop'):
        searcher.add_pictures([np.zeros((3, 3, 3), np.uint8)] * 2, ['fine', 'x' * 2000], keep=True)
    assert not list((crops / '.mmt2ireid').rglob('*.png')) and len(searcher) == 6


def test_paths_that_are_too_long_for_a_gallery_are_refused(crops):
    deep = crops.joinpath(*['d' * 200] * 6)
    save(deep / 'x.png', 'red')
    report = PersonSearcher(ColourEncoder(), image_root=crops).add_folder(crops, progress=False)
    assert report.added == 6
    ((name, reason),) = report.refused
    assert name.endswith('x.png') and reason == 'has a path of more than 1024 bytes'


def test_people_of_a_video_become_a_gallery(tmp_path):
    video = write_video(tmp_path / 'gate.avi', walking())
    crop_people(video, tmp_path / 'people', detector=red_people, progress=False)
    searcher = PersonSearcher(ColourEncoder(), image_root=tmp_path / 'people')
    report = searcher.add_folder(tmp_path / 'people', progress=False)
    assert (report.added, report.unmatched, report.refused, report.other) == (4, [], [], 0)
    hits = searcher.search('red', where=['camera=gate', 'time>=2'])
    assert sorted(hit.crop.metadata['time'] for hit in hits) == [2.0, 3.0]
    assert hits[0].crop.metadata['source'] == video.as_posix() and hits[0].crop.metadata['box'].count(',') == 3


def test_wrong_uploads(searcher):
    black = np.zeros((3, 3, 3), np.uint8)
    for message, call in {
        'as many ids': dict(pictures=[black], ids=['a', 'b']),
        'each of them once': dict(pictures=[black] * 2, ids=['a', 'a']),
        'none empty': dict(pictures=[black], ids=['']),
        'names of columns': dict(pictures=[black], ids=['a'], metadata=[{STAMP: 'forged'}]),
    }.items():
        with pytest.raises(ValueError, match=message):
            searcher.add_pictures(**call)
    with pytest.raises(ValueError, match='image_root must be given'):
        PersonSearcher(ColourEncoder()).add_pictures([black], ['a'], keep=True)
    small = PersonSearcher(ColourEncoder(), limits=PictureLimits(max_pixels=8))
    assert small.add_pictures([black], ['a']).refused == [('a', 'has more than 8 pixels')]


def test_a_gallery_is_reopened_and_moved(crops, tmp_path):
    place = tmp_path / 'index'
    with PersonSearcher(ColourEncoder(), place, image_root=crops) as searcher:
        searcher.add_folder(crops, progress=False)
        expected = names(searcher.search('red'))
    moved = crops.rename(tmp_path / 'elsewhere')
    with PersonSearcher(ColourEncoder(), place, image_root=moved) as searcher:
        assert names(searcher.search('red')) == expected
        assert searcher.picture(expected[0]).shape == (16, 8, 3)
        report = searcher.add_folder(moved, progress=False)
        assert report.known == 6 and searcher.encoder.encoded == 0


def test_another_models_gallery_is_refused(crops, tmp_path):
    with PersonSearcher(ColourEncoder(), tmp_path / 'index', image_root=crops) as searcher:
        searcher.add_folder(crops, progress=False)
    with pytest.raises(ValueError, match=r'colours.*other|other.*colours'):
        PersonSearcher(ColourEncoder('other'), tmp_path / 'index')
    with pytest.raises(ValueError, match='of model other'):
        PersonSearcher(ColourEncoder('other'), open_gallery(None, model='colours', dim=4))


def test_a_gallery_of_the_caller_stays_open(crops):
    gallery = open_gallery(None, model='colours', dim=4)
    with PersonSearcher(ColourEncoder(), gallery, image_root=crops) as searcher:
        searcher.add_folder(crops, progress=False)
    assert len(gallery) == 6 and gallery.known(['cam_a/0.png'])


def test_killed_while_adding_and_completed(crops, tmp_path):
    """Whatever was written when the process was killed is known afterwards; the rest is encoded."""
    for number in range(40):
        save(crops / f'cam_c/{number:03}.png', (number, 90, 200 - number))
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from test_searcher import ColourEncoder
        from mmt2ireid.apis import PersonSearcher
        from mmt2ireid.apis.search import adding
        adding._WRITTEN = 6
        class Dying(ColourEncoder):
            def encode_images(self, pictures):
                if self.encoded >= 30:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().encode_images(pictures)
        searcher = PersonSearcher(Dying(), {str(tmp_path / 'index')!r}, image_root={str(crops)!r})
        searcher.add_folder({str(crops)!r}, progress=False)
    """
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], timeout=120)
    assert done.returncode == -signal.SIGKILL
    with PersonSearcher(ColourEncoder(), tmp_path / 'index', image_root=crops) as searcher:
        known = len(searcher)
        assert 24 <= known <= 30
        report = searcher.add_folder(crops, progress=False)
        assert (report.known, report.added, len(searcher)) == (known, 46 - known, 46)
        assert searcher.encoder.encoded == 46 - known
        assert list(searcher.gallery.ids()) == sorted(searcher.gallery.ids())


def test_searches_beside_an_upload(searcher):
    """Eight threads search while one adds: no answer fails, all crops are there in the end."""
    failures = []

    def search():
        try:
            for _ in range(20):
                assert searcher.search('red', top_k=1)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(30):
        searcher.add_pictures([np.full((3, 3, 3), number, np.uint8)], [f'up{number}'])
    for thread in threads:
        thread.join()
    assert not failures and len(searcher) == 36


def test_models_by_name(tmp_path):
    encoder = ColourEncoder()
    assert load_encoder(encoder) is encoder
    with pytest.raises(FileNotFoundError, match='is none'):
        load_encoder(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match=r'a pair .*but got 3 parts'):
        load_encoder(('a', 'b', 'c'))
    with pytest.raises(ValueError, match='but got int'):
        load_encoder(3)
    with pytest.raises(NotADirectoryError, match='image_root'):
        PersonSearcher(encoder, image_root=tmp_path / 'nowhere')
    with pytest.raises(NotADirectoryError, match='must be a folder of images'):
        PersonSearcher(encoder).add_folder(tmp_path / 'nowhere')


def test_notes_are_the_models(searcher):
    assert searcher.notes('anything') == [], 'this model cannot tell'
    with pytest.raises(ValueError, match='at least one word'):
        searcher.notes('')


def test_the_public_name():
    import mmt2ireid.apis

    assert mmt2ireid.apis.PersonSearcher is PersonSearcher and issubclass(PersonSearcher, CropKeeper)
    assert {'PersonSearcher', 'get_model', 'find_config'} <= set(dir(mmt2ireid.apis))
    with pytest.raises(AttributeError, match='nothing'):
        _ = mmt2ireid.apis.nothing


def test_importing_the_name_imports_no_torch():
    code = 'import sys, mmt2ireid.apis; from mmt2ireid.apis.search import PersonSearcher; print("torch" in sys.modules)'
    blocked = 'import sys; sys.modules["mmengine"] = None\n'  # MMEngine, where it is installed, imports torch
    done = subprocess.run(
        [sys.executable, '-c', blocked + code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    assert done.stdout.strip() == 'False'


@pytest.mark.parametrize('queries', [dict(texts=[]), dict(images=[]), dict(texts=[], images=[])])
def test_no_queries_have_no_answers(queries, searcher):
    assert searcher.search_batch(**queries) == []


def test_a_number_of_numpy_is_a_number(searcher):
    assert names(searcher.search('red', top_k=np.int64(2))) == names(searcher.search('red', top_k=2))


def test_a_link_to_itself_is_refused_alone(searcher, crops):
    (crops / 'loop.png').symlink_to(crops / 'loop.png')
    report = searcher.add_folder(crops, pattern='cam_(?P<camera>[a-z])/', progress=False)
    assert report.refused == [('loop.png', 'is a link that leads nowhere')]
    assert report.known == 6


@pytest.mark.parametrize('value', ['x' * 20_000, '\ud800', 'a\0b', 10**400, float('nan'), None, [1]])
def test_metadata_that_no_gallery_takes_are_told_before_anything_is_encoded(value, crops):
    encoder = ColourEncoder()
    with PersonSearcher(encoder, image_root=crops) as searcher:
        with pytest.raises(ValueError, match=r'cam_b/5\.png'):
            searcher.add_folder(crops, metadata={'cam_b/5.png': {'note': value}}, progress=False)
        assert encoder.encoded == 0


def test_a_model_has_one_caller_at_a_time(crops):
    class OneAtATime(ColourEncoder):
        batch_size = 1
        inside = most = 0

        def encode_images(self, pictures):
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.02)
            self.inside -= 1
            return super().encode_images(pictures)

    encoder = OneAtATime()
    with PersonSearcher(encoder, image_root=crops) as searcher:
        adding = threading.Thread(target=searcher.add_folder, args=(crops,), kwargs=dict(progress=False))
        adding.start()
        while adding.is_alive():
            searcher.encode(images=[np.zeros((2, 2, 3), np.uint8)])
        adding.join()
    assert len(encoder.batches) > 6
    assert encoder.most == 1


def test_a_picture_is_deleted_before_others_may_add_its_crop_again(searcher, monkeypatch):
    searcher.add_pictures([np.zeros((4, 2, 3), np.uint8)], ['upload'], keep=True)
    forget, alone = searcher._pictures.forget, []
    monkeypatch.setattr(
        searcher._pictures, 'forget', lambda path: (alone.append(searcher._writing.locked()), forget(path))
    )
    assert searcher.delete(['upload']) == 1
    with pytest.raises(ValueError, match='ids must be a list of texts, but got one text'):
        searcher.delete('upload')
    assert alone == [True]
