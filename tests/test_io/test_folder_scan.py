"""One rule of what an image in a folder is, for captioning, search and cropping."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmt2ireid.apis.people import crop_people
from mmt2ireid.io.folder_scan import FolderWalk, PassedOver, scan_folder
from mmt2ireid.pseudo_text.sources.opening import open_source

HEIC = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic'


def image(file_format='PNG'):
    stream = io.BytesIO()
    Image.fromarray(np.full((24, 12, 3), 90, np.uint8)).save(stream, format=file_format)
    return stream.getvalue()


@pytest.fixture
def photos(tmp_path):
    """Images by name and by content, what only looks like one, links and hidden files."""
    root = tmp_path / 'photos'
    contents = {
        'a/1.jpg': image('JPEG'),
        'a/2.jfif': image('JPEG'),
        'a/3.ppm': image('PPM'),
        'a/4.JPEG': image('JPEG'),
        'a/5': image('WEBP'),
        'b/6.dat': image(),
        'b/IMG_7.HEIC': HEIC,
        'b/notes.txt': b'P1 meeting\n',
        'b/table.csv': b'BMW,blue\n',
        'b/.hidden.png': image(),
        '.trash/8.png': image(),
        '.mmt2ireid/9.png': image(),
    }
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside/10.png').write_bytes(image())
    (root / 'c.png').symlink_to(root / 'a/1.jpg')
    (root / 'out.png').symlink_to(tmp_path / 'outside/10.png')
    (root / 'out').symlink_to(tmp_path / 'outside')
    (root / 'nowhere').symlink_to(root / 'nothing')
    os.mkfifo(root / 'pipe')
    return root


IMAGES = ['a/1.jpg', 'a/2.jfif', 'a/3.ppm', 'a/4.JPEG', 'a/5', 'b/6.dat', 'c.png']
REFUSED = {
    'b/IMG_7.HEIC': 'is an image in the format HEIC, which is not read: save it as JPEG or PNG',
    'nowhere': 'is a link that leads nowhere',
    'out': 'is a link to a folder, which is not followed',
    'out.png': 'is a link that leads out of the folder',
}


def test_images_are_told_by_name_or_content(photos):
    scan = scan_folder(photos)
    assert [file.name for file in scan.files] == IMAGES
    assert dict(scan.refused) == REFUSED and not scan.unread
    assert scan.passed_over.counts == {'hidden': 2, '.txt': 1, '.csv': 1, '': 1}
    assert scan.folders == {'.', 'a', 'b'}
    assert str(scan.passed_over) == (
        '5 files (2 hidden, 1 .txt, 1 .csv, 1 without ending): .trash, b/.hidden.png, b/notes.txt, ...'
    )


def test_captioning_reads_the_same_images(photos):
    source = open_source(photos)
    assert [source.id_of(index) for index in range(len(source))] == IMAGES
    assert dict(source.left_out) == REFUSED


def test_cropping_reads_the_same_images(photos, tmp_path):
    seen = []
    report = crop_people(photos, tmp_path / 'out', detector=lambda pixels: seen.append(pixels) or ([], []))
    assert len(seen) == report.sources == len(IMAGES) - 1, 'c.png is another name of a/1.jpg'
    assert {Path(name).relative_to(photos).as_posix(): reason for name, reason in report.refused} == REFUSED
    assert report.other == 5 and 'passed over: 5 files (2 hidden, 1 .txt' in str(report)


def test_files_that_are_named_are_judged_by_their_content(photos, tmp_path):
    nobody = dict(detector=lambda pixels: ([], []), progress=False)
    report = crop_people([photos / 'a/2.jfif', photos / 'b/6.dat', photos / 'b/IMG_7.HEIC'], tmp_path / 'out', **nobody)
    assert report.pictures == 2
    ((_, reason),) = report.refused
    assert 'HEIC, which is not read: save it as JPEG or PNG' in reason
    with pytest.raises(ValueError, match=r'sources must be images, or videos .*, but .*notes\.txt is no image'):
        crop_people(photos / 'b/notes.txt', tmp_path / 'out', **nobody)


def test_links_are_followed_where_that_is_allowed(photos):
    (photos / 'a/up').symlink_to(photos)
    walk = FolderWalk(photos, allow_outside=True)
    assert [*walk] == [*IMAGES, 'out/10.png', 'out.png']
    assert ('a/up', 'is another name of a folder that was listed') in walk.refused


def test_links_may_lead_to_the_root_of_the_names(photos):
    (photos / 'b/up.png').symlink_to(photos / 'a/1.jpg')
    assert 'b/up.png' not in [file.name for file in scan_folder(photos / 'b').files]
    source = open_source(photos / 'b', photos)
    assert [source.id_of(index) for index in range(len(source))] == ['b/6.dat', 'b/up.png']


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems have no such names')
def test_names_that_are_not_utf8_are_refused_and_escaped(photos):
    with open(os.fsencode(photos) + b'/caf\xe9.png', 'wb') as file:
        file.write(image())
    scan = scan_folder(photos)
    assert ('caf\\udce9.png', 'has a name that is not UTF-8: rename it') in scan.refused
    assert [file.name for file in scan.files] == IMAGES


def test_expected_files_are_neither_listed_nor_counted(photos):
    scan = scan_folder(photos, suffixes=('.txt',), known=('b/table.csv',))
    assert 'b/notes.txt' in [file.name for file in scan.files]
    assert scan.passed_over.counts == {'hidden': 2, '': 1}


def test_a_folder_that_cannot_be_listed_stops_captioning(photos, monkeypatch):
    real = os.scandir

    def fail(place):
        if str(place).endswith('/b'):
            raise OSError(5, 'Input/output error')
        return real(place)

    monkeypatch.setattr(os, 'scandir', fail)
    with pytest.raises(OSError, match='Input/output'):
        open_source(photos)
    assert scan_folder(photos).unread == [('b', 'cannot be read (Input/output error)')]


def test_counts_add_up():
    total, other = PassedOver(), PassedOver()
    total.add('a.txt')
    for name in ('b.txt', 'c.md', 'd.md'):
        other.add(name)
    total.update(other)
    assert total.total == 4 and total.counts == {'.txt': 2, '.md': 2} and total.examples == ['a.txt', 'b.txt', 'c.md']
