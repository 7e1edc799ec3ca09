"""The one way to look for images in a folder: for captioning, search and cropping."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmt2ireid.io.counts import counted
from mmt2ireid.io.image_files import read_head
from mmt2ireid.io.image_formats import FORMATS, HEAD_BYTES, SUFFIXES, sniff_format, why_no_image
from mmt2ireid.io.paths import NOT_TEXT, is_text, shown_path

_OWN = ('.mmt2ireid', '.crop_people', '.image_stamps')  # hidden folders that this package keeps beside images
_EXAMPLES = 3
_HIDDEN = 'hidden'
_FOLDER_LINK = 'is a link to a folder, which is not followed'
_LEADS_OUT = 'is a link that leads out of the folder'
_LEADS_NOWHERE = 'is a link that leads nowhere'


@dataclass
class PassedOver:
    """Files that are no images, or hidden: how many of each kind, and the first of their names.

    Attributes:
        counts: ending in lower case ('' for none), or 'hidden' -> number of files.
        examples: names of the first ones.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str | None = None) -> None:
        """Count a file.

        Args:
            name: of the file.
            kind: by default its ending.
        """
        self.counts[os.path.splitext(name)[1].lower() if kind is None else kind] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(shown_path(name))

    def update(self, other: PassedOver) -> None:
        """Add the counts of another folder."""
        self.counts.update(other.counts)
        self.examples = [*self.examples, *other.examples][:_EXAMPLES]

    @property
    def total(self) -> int:
        """How many files there are."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        kinds = ', '.join(f'{number} {kind or "without ending"}' for kind, number in self.counts.most_common())
        more = ', ...' if self.total > len(self.examples) else ''
        return f'{counted(self.total, "file")} ({kinds}): {", ".join(self.examples)}{more}'


class FolderWalk:
    """Names of the image files in a folder and all folders in it, while it is iterated over; once.

    They are sorted by the parts of their paths, so in the same order on every machine. What is an image is judged by
    the ending of the usual names (:data:`~mmt2ireid.io.image_formats.SUFFIXES`), which are not opened for that, and by
    the content of all other files. Hidden files and folders (a dot first) are passed over. Links to files within the
    folder are followed; links to folders, and links that lead out of the folder, are refused.

    Args:
        folder: to look through.
        suffixes: further endings, in lower case, of files that are listed, such as videos.
        known: names of files that are expected there and neither listed nor counted.
        within: links must not lead out of this folder; by default ``folder``.
        allow_outside: follow all links. A folder that several lead to is listed once, under the first of its names, so
            links in a circle end.
        must_list: raise the error of a folder that cannot be listed, instead of noting it in ``unread``.

    Attributes:
        refused: names of what would be listed but for the reason that stands beside it.
        passed_over: files that are no images.
        unread: names of folders that could not be listed and of files that could not be looked up, and why. Their
            contents are unknown, which does not mean that they are gone.
        folders: names of the folders that were listed, the folder itself as ``'.'``.

    Raises:
        NotADirectoryError: it is no folder.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        suffixes: Collection[str] = (),
        known: Collection[str] = (),
        within: str | os.PathLike[str] | None = None,
        allow_outside: bool = False,
        must_list: bool = False,
    ) -> None:
        self.root = os.path.realpath(folder)
        if not os.path.isdir(self.root):
            raise NotADirectoryError(f'folder {os.fspath(folder)} must be a folder of images, but there is none')
        self.refused: list[tuple[str, str]] = []
        self.unread: list[tuple[str, str]] = []
        self.passed_over = PassedOver()
        self.folders: set[str] = set()
        self._suffixes, self._known = {*SUFFIXES, *suffixes}, set(known)
        self._bound = Path(self.root if within is None else os.path.realpath(within))
        self._allow_outside, self._must_list = allow_outside, must_list
        self._seen: set[tuple[int, int]] = set()

    def __iter__(self) -> Iterator[str]:
        return self._list(self.root, '')

    def _list(self, folder: str, prefix: str) -> Iterator[str]:
        try:
            if self._allow_outside and self._was_seen(folder):
                self.refused.append((prefix.rstrip('/'), 'is another name of a folder that was listed'))
                return
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if self._must_list or not prefix:
                raise
            self.unread.append((prefix.rstrip('/'), _cannot_be_read(error)))
            return
        self.folders.add(prefix.rstrip('/') or '.')
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith('.'):
                if entry.name not in _OWN:
                    self.passed_over.add(name, _HIDDEN)
            elif not is_text(name):
                self.refused.append((shown_path(name), NOT_TEXT))
            elif name not in self._known:
                yield from self._look_at(entry, name)

    def _look_at(self, entry: os.DirEntry[str], name: str) -> Iterator[str]:
        try:
            reason = self._why_refused(entry) if entry.is_symlink() else ''
            is_folder = not reason and entry.is_dir()
            is_listed = not reason and not is_folder and self._is_listed(entry.path, name)
        except OSError as error:
            self.unread.append((name, _cannot_be_read(error)))
            return
        if reason:
            self.refused.append((name, reason))
        elif is_folder:
            yield from self._list(entry.path, f'{name}/')
        elif is_listed:
            yield name

    def _is_listed(self, path: str, name: str) -> bool:
        if os.path.splitext(name)[1].lower() in self._suffixes:
            return True
        head = read_head(path, HEAD_BYTES)
        kind = sniff_format(head)
        if kind in FORMATS:
            return True
        if kind:  # an image that cannot be read
            self.refused.append((name, why_no_image(head)))
        else:
            self.passed_over.add(name)
        return False

    def _why_refused(self, link: os.DirEntry[str]) -> str:
        try:
            target = Path(link.path).resolve()
        except (OSError, RuntimeError):  # before Python 3.13, of links that lead to themselves
            return _LEADS_NOWHERE
        if target.is_dir():
            return '' if self._allow_outside else _FOLDER_LINK
        if not self._allow_outside and not target.is_relative_to(self._bound):
            return _LEADS_OUT
        return '' if target.exists() else _LEADS_NOWHERE

    def _was_seen(self, folder: str) -> bool:
        status = os.stat(folder)
        identity = status.st_dev, status.st_ino
        was_seen = identity in self._seen
        self._seen.add(identity)
        return was_seen


@dataclass(frozen=True)
class FoundFile:
    """A file that looks like an image, or has one of the further endings.

    Attributes:
        name: path relative to the folder, with slashes.
        path: its place.
        stamp: changes when the file does: its size in bytes and its time of change in nanoseconds.
    """

    name: str
    path: Path
    stamp: str


@dataclass(frozen=True)
class FolderScan:
    """The images of a folder, and what of it could not be looked at; see :class:`FolderWalk`.

    Attributes:
        files: sorted by name.
        refused: names and why they are left out.
        passed_over: files that are no images.
        unread: names of folders and files that could not be read, and why.
        folders: names of the folders that were listed.
    """

    files: list[FoundFile]
    refused: list[tuple[str, str]]
    passed_over: PassedOver
    unread: list[tuple[str, str]]
    folders: frozenset[str]


def scan_folder(
    folder: str | os.PathLike[str], *, suffixes: Collection[str] = (), known: Collection[str] = ()
) -> FolderScan:
    """Look for images in a folder and all folders in it, by the rules of :class:`FolderWalk`.

    Args:
        folder: to look through.
        suffixes: further endings, in lower case, of files that are listed.
        known: names of files that are neither listed nor counted.

    Raises:
        NotADirectoryError: it is no folder.
        OSError: it cannot be listed. What cannot be listed below it is in ``unread``.
    """
    walk = FolderWalk(folder, suffixes=suffixes, known=known)
    files = []
    for name in walk:
        path = Path(walk.root, name)
        try:
            status = path.stat()
        except OSError as error:
            walk.unread.append((name, _cannot_be_read(error)))
            continue
        files.append(FoundFile(name, path, stamp_of(status)))
    files.sort(key=lambda file: file.name)
    return FolderScan(files, sorted(walk.refused), walk.passed_over, sorted(walk.unread), frozenset(walk.folders))


def stamp_of(status: os.stat_result) -> str:
    """A text that changes when a file does: its size in bytes and its time of change in nanoseconds."""
    return f'{status.st_size}-{status.st_mtime_ns}'


def _cannot_be_read(error: OSError) -> str:
    return f'cannot be read ({error.strerror or error})'
