"""The pictures below a folder, in the same order on every machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
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
    """What a folder holds, and what of it could not be looked at.

    Attributes:
        pictures: sorted by name.
        refused: names and why they are left out.
        other: how many files have another ending than pictures have.
        unread: names of folders that could not be listed and of files that could not be looked up, and why. Their
            contents are unknown, which does not mean that they are gone.
        folders: names of the folders that were listed, the folder itself as ``'.'``.
    """

    pictures: list[FoundPicture]
    refused: list[tuple[str, str]]
    other: int
    unread: list[tuple[str, str]] = field(default_factory=list)
    folders: frozenset[str] = frozenset()


def scan_folder(folder: str | Path, suffixes: Collection[str] = SUFFIXES) -> FolderScan:
    """Looks for pictures in a folder and all folders in it, by their endings.

    Hidden files and folders (a dot first) are passed over. Links to files within the folder are followed; links to
    folders, and links that lead out of the folder, are refused.

    Args:
        folder: to look through.
        suffixes: the endings, in lower case.

    Raises:
        NotADirectoryError: it is no folder.
        OSError: it cannot be listed. What cannot be listed below it is in ``unread``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f'folder {folder} must be a folder of pictures, but there is none')
    root = folder.resolve()
    pictures: list[FoundPicture] = []
    refused: list[tuple[str, str]] = []
    unread: list[tuple[str, str]] = []
    folders: set[str] = set()
    other = 0
    for path in _files(root, folders, refused, unread):
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() not in suffixes:
            other += 1
            continue
        try:
            reason = _why_refused(path, root, name)
            if reason:
                refused.append((name, reason))
                continue
            status = path.stat()
        except OSError as error:
            unread.append((name, _cannot_be_read(error)))
            continue
        pictures.append(FoundPicture(name, path, f'{status.st_size}-{status.st_mtime_ns}'))
    pictures.sort(key=lambda picture: picture.name)
    return FolderScan(pictures, sorted(refused), other, sorted(unread), frozenset(folders))


def _files(
    root: Path, folders: set[str], refused: list[tuple[str, str]], unread: list[tuple[str, str]]
) -> Iterator[Path]:
    """Yields files that are not hidden. ``os.walk`` would take a folder that cannot be looked up for a file."""
    todo = [root]
    while todo:
        place = todo.pop()
        try:
            with os.scandir(place) as listing:
                entries = [entry for entry in listing if not entry.name.startswith('.')]
        except OSError as error:
            if place == root:
                raise
            unread.append((place.relative_to(root).as_posix(), _cannot_be_read(error)))
            continue
        folders.add(place.relative_to(root).as_posix())
        for entry in entries:
            path = Path(entry.path)
            try:
                is_link = entry.is_symlink()
                is_folder = path.is_dir() if is_link else entry.is_dir()
            except OSError as error:
                unread.append((path.relative_to(root).as_posix(), _cannot_be_read(error)))
                continue
            if is_folder and is_link:
                refused.append((path.relative_to(root).as_posix(), 'is a link to a folder, which is not followed'))
            elif is_folder:
                todo.append(path)
            else:
                yield path


def _cannot_be_read(error: OSError) -> str:
    return f'cannot be read ({error.strerror or error})'


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
