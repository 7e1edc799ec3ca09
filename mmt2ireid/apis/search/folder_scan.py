"""The pictures below a folder, in the same order on every machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmt2ireid.apis.search.pictures import SUFFIXES


@dataclass(frozen=True)
class FoundPicture:
    """A file that looks like a picture.

    Attributes:
        name: path relative to the folder, with slashes.
        path: where it lies.
        stamp: changes when the file does: its size in bytes and when it was written, in nanoseconds.
    """

    name: str
    path: Path
    stamp: str


@dataclass(frozen=True)
class FolderScan:
    """What lies below a folder.

    Attributes:
        pictures: sorted by name.
        refused: names and why they are left out.
        other: how many files have another ending than pictures have.
    """

    pictures: list[FoundPicture]
    refused: list[tuple[str, str]]
    other: int


def scan_folder(folder: str | Path, suffixes: Collection[str] = SUFFIXES) -> FolderScan:
    """Looks for pictures in a folder and all folders in it, by their endings.

    Hidden files and folders (a dot first) are passed over. Links to files within the folder are followed; links to
    folders, and links that lead out of the folder, are refused.

    Args:
        folder: to look through.
        suffixes: the endings, in lower case.

    Raises:
        NotADirectoryError: it is no folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f'folder {folder} must be a folder of pictures, but there is none')
    root = folder.resolve()
    pictures: list[FoundPicture] = []
    refused: list[tuple[str, str]] = []
    other = 0
    for path in _files(root, refused):
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() not in suffixes:
            other += 1
            continue
        reason = _why_refused(path, root, name)
        if reason:
            refused.append((name, reason))
            continue
        try:
            status = path.stat()
        except OSError as error:
            refused.append((name, f'cannot be opened ({error.strerror})'))
            continue
        pictures.append(FoundPicture(name, path, f'{status.st_size}-{status.st_mtime_ns}'))
    return FolderScan(sorted(pictures, key=lambda picture: picture.name), sorted(refused), other)


def _files(root: Path, refused: list[tuple[str, str]]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        refused.append((os.path.relpath(error.filename, root), f'cannot be opened ({error.strerror})'))

    for place, folders, files in os.walk(root, onerror=note):
        for name in list(folders):
            path = Path(place, name)
            if name.startswith('.'):
                folders.remove(name)
            elif path.is_symlink():
                folders.remove(name)
                refused.append((path.relative_to(root).as_posix(), 'is a link to a folder, which is not followed'))
        yield from (Path(place, name) for name in files if not name.startswith('.'))


def _why_refused(path: Path, root: Path, name: str) -> str:
    if not is_text(name):
        return 'has a name that is no text'
    if path.is_symlink():
        try:
            target = path.resolve()
        except (OSError, RuntimeError):  # before Python 3.13, of links that lead to themselves
            return 'is a link that leads nowhere'
        if not target.is_relative_to(root):
            return 'is a link that leads out of the folder'
        if not target.exists():
            return 'is a link that leads nowhere'
    return ''


def is_text(name: str) -> bool:
    """Whether a name can be written down: names with broken letters are no UTF-8.

    Args:
        name: of a file.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
