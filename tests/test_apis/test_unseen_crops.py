"""What was not seen is not gone: folders that cannot be read for a moment, and disks that are not mounted."""

from __future__ import annotations

import builtins
import errno
import os
import shutil

import pytest
from test_searcher import ColourEncoder, crops, save, searcher  # noqa: F401 (fixtures)

from mmt2ireid.apis import PersonSearcher
from mmt2ireid.apis.people import crop_people
from mmt2ireid.apis.search.missing import EmptiedFolderError
from mmt2ireid.io.folder_scan import scan_folder

PATTERN = 'cam_(?P<camera>[a-z])/'


def broken(real, name, code=errno.EIO):
    """A call that fails for one file or folder."""

    def call(path='.', *arguments, **options):
        if not isinstance(path, int) and os.fspath(path).endswith(name):
            raise OSError(code, os.strerror(code), path)
        return real(path, *arguments, **options)

    return call


def update(searcher, folder, **options):  # noqa: F811
    return searcher.add_folder(folder, pattern=PATTERN, progress=False, remove_missing=True, **options)


@pytest.mark.parametrize('code', [errno.EIO, errno.EACCES, errno.ESTALE])
def test_crops_of_a_folder_that_cannot_be_listed_stay(searcher, crops, monkeypatch, code):  # noqa: F811
    (crops / 'cam_b/1.png').unlink()
    monkeypatch.setattr(os, 'scandir', broken(os.scandir, 'cam_a', code))
    report = update(searcher, crops)
    assert (report.removed, report.kept, len(searcher)) == (1, 3, 5)
    assert report.unread == [('cam_a', f'cannot be read ({os.strerror(code)})')]
    assert '1 folders or files not read, 3 crops kept that were not seen' in str(report)
    assert f'not read: cam_a: cannot be read ({os.strerror(code)})' in str(report)
    monkeypatch.undo()
    report = update(searcher, crops)
    assert (report.known, report.added, report.kept, report.unread) == (5, 0, 0, [])


def test_a_folder_whose_listing_breaks_off_is_not_listed(searcher, crops, monkeypatch):  # noqa: F811
    real = os.scandir

    class BreaksOff:
        def __init__(self, entries):
            self.entries = entries

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.entries.close()

        def __iter__(self):
            yield next(self.entries)
            raise OSError(errno.EIO, 'Input/output error')

    monkeypatch.setattr(os, 'scandir', lambda path: BreaksOff(real(path)) if 'cam_a' in str(path) else real(path))
    report = update(searcher, crops)
    assert (report.removed, report.kept, len(searcher)) == (0, 3, 6)


def test_the_root_that_cannot_be_listed_is_an_error(searcher, crops, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, 'scandir', broken(os.scandir, 'crops'))
    with pytest.raises(OSError, match='Input/output error'):
        update(searcher, crops)
    assert len(searcher) == 6


def test_a_file_that_cannot_be_looked_up_stays(searcher, crops, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, 'stat', broken(os.stat, '0.png'))
    report = update(searcher, crops)
    assert (report.removed, report.kept, report.known) == (0, 1, 5)
    assert report.unread == [('cam_a/0.png', 'cannot be read (Input/output error)')]


@pytest.mark.parametrize('code', [errno.EIO, errno.ENOENT])
def test_a_changed_file_that_cannot_be_read_keeps_its_crop(searcher, crops, monkeypatch, code):  # noqa: F811
    save(crops / 'cam_a/0.png', 'blue', (9, 9))
    save(crops / 'cam_a/new.png', 'blue')
    for name in ('0.png', 'new.png'):
        monkeypatch.setattr(builtins, 'open', broken(open, name, code))
    report = update(searcher, crops)
    assert (report.removed, report.kept, report.refused) == (0, 1, [])
    assert [name for name, _ in report.unread] == ['cam_a/0.png', 'cam_a/new.png']
    monkeypatch.undo()
    report = update(searcher, crops)
    assert (report.changed, report.added) == (1, 1)


def test_a_folder_that_is_suddenly_empty_looks_unmounted(searcher, crops):  # noqa: F811
    for path in (crops / 'cam_a').iterdir():
        path.unlink()
    report = update(searcher, crops)
    assert (report.removed, report.kept) == (0, 3)
    ((name, reason),) = report.unread
    assert name == 'cam_a' and reason.startswith('has no image left, as if it were not mounted; its 3 crops stay')
    assert update(searcher, crops, prune=True).removed == 3
    assert update(searcher, crops).unread == []


def test_a_folder_that_was_deleted_is_gone(searcher, crops):  # noqa: F811
    shutil.rmtree(crops / 'cam_a')
    report = update(searcher, crops)
    assert (report.removed, report.kept, len(searcher)) == (3, 0, 3)


def test_an_empty_root_changes_nothing(crops, tmp_path):  # noqa: F811
    with PersonSearcher(ColourEncoder(), tmp_path / 'index', image_root=crops) as searcher:  # noqa: F811
        update(searcher, crops)
        crops.rename(tmp_path / 'elsewhere')
        with pytest.raises(NotADirectoryError):
            update(searcher, crops)
        crops.mkdir()
        (crops / 'readme.txt').write_text('of the place that the disk is mounted at')
        with pytest.raises(EmptiedFolderError, match=r'must hold images, but has none, .* 6 crops of it.*--prune'):
            update(searcher, crops)
        assert len(searcher) == 6
        assert update(searcher, crops, prune=True).removed == 6
        assert update(searcher, crops).removed == 0


def test_what_could_not_be_read_is_named_to_other_callers_too(crops, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, 'scandir', broken(os.scandir, 'cam_a'))
    scan = scan_folder(crops)
    assert [picture.name for picture in scan.files] == ['cam_b/1.png', 'cam_b/3.png', 'cam_b/5.png']
    assert scan.unread == [('cam_a', 'cannot be read (Input/output error)')]
    found = crop_people(crops, tmp_path / 'out', detector=lambda image: ([], []), progress=False)
    assert [reason for _, reason in found.refused] == ['cannot be read (Input/output error)']
