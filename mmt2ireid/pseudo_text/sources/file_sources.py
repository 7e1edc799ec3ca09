"""Images that are files: a folder, or a list of paths."""

from __future__ import annotations

import logging
import os
import posixpath
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mmt2ireid.io.image_files import read_file
from mmt2ireid.io.json_files import read_json
from mmt2ireid.io.paths import leads_out
from mmt2ireid.io.text_files import open_text
from mmt2ireid.pseudo_text.sources.image_source import IMAGE_SUFFIXES, IdTable, ImageSource

logger = logging.getLogger(__name__)


class FolderSource(ImageSource):
    """All images in a folder and the folders below, sorted by the parts of their paths.

    Links are followed; a folder that several links lead to is listed once, under the first of its names, so links in a
    circle end. Files without an image's ending are left out and their number is logged.

    Args:
        folder: its path.
        root: folder that names are relative to; None for ``folder``, otherwise one above it.

    Raises:
        ValueError: there is no image, a name is not Unicode, or ``folder`` is not within ``root``.
        NotADirectoryError: ``folder`` is something else.
        OSError: a folder cannot be read.
    """

    def __init__(self, folder: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> None:
        self.where = os.fspath(folder)
        if not os.path.isdir(self.where):
            raise NotADirectoryError(f'{self.where}: must be a folder')
        self._root = self.where if root is None else os.fspath(root)
        start = os.path.relpath(os.path.abspath(self.where), os.path.abspath(self._root)).replace(os.sep, '/')
        if start.split('/')[0] == '..':
            raise ValueError(f'root must be {self.where} or a folder above it, but got {self._root}')
        self._seen: set[tuple[int, int]] = set()
        self._left_out: Counter[str] = Counter()
        self._ids = IdTable(self._list(self.where, '' if start == '.' else f'{start}/'), self.where)
        if self._left_out:
            logger.info('%s: left out what is no image by its ending: %s', self.where, dict(self._left_out))
        del self._seen, self._left_out

    def _list(self, folder: str, prefix: str) -> Iterator[str]:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in self._seen:
            logger.info('%s: not listed again, it is another name of a folder that was', folder)
            return
        self._seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            names = sorted((entry.name, _is_folder(entry)) for entry in entries)
        for name, is_folder in names:
            suffix = os.path.splitext(name)[1].lower()
            if is_folder:
                yield from self._list(os.path.join(folder, name), f'{prefix}{name}/')
            elif suffix in IMAGE_SUFFIXES:
                yield prefix + name
            else:
                self._left_out[suffix] += 1

    def read(self, index: int) -> bytes:
        """The content of an image file."""
        name = self.id_of(index)
        return read_file(os.path.join(self._root, name), name=name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: read as an image, it is reported with its reason
        return False


class ListSource(ImageSource):
    """Images named in a file: ``.txt`` with a path a line, or a JSON list of ``{file_path}``.

    Paths are relative to ``root`` or absolute; those within ``root`` are made relative to it. Whether the images are
    there shows when they are read.

    Args:
        file: the list.
        root: folder of the images; None for the folder of the list.
        allow_outside: read images outside of ``root``, which absolute paths and ``..`` lead to. By default they are
            refused: a list of somebody else's could name any file of this machine.

    Raises:
        ValueError: the list is empty, names an image twice or one outside of ``root``, or is not what its ending says.
        OSError: the list cannot be read.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        allow_outside: bool = False,
    ) -> None:
        self.where, self._allow_outside = os.fspath(file), allow_outside
        self._root = os.path.abspath(Path(self.where).parent if root is None else root)
        if root is not None and not os.path.isdir(self._root):
            raise NotADirectoryError(f'root must be a folder, but got {os.fspath(root)}')
        paths = _json_paths(self.where) if self.where.endswith('.json') else _lines(self.where)
        self._ids = IdTable((self._relative(path) for path in paths), self.where)

    def _relative(self, path: str) -> str:
        path = posixpath.normpath(path)
        inner = path.removeprefix(self._root.rstrip('/') + '/')
        if leads_out(inner) and not self._allow_outside:
            raise ValueError(
                f'{self.where}: expected images within {self._root}, but it names {path}. Give the folder above all of '
                'them as root, or allow images outside (allow_outside=True, --allow-outside)'
            )
        return inner

    def read(self, index: int) -> bytes:
        """The content of an image file."""
        name = self.id_of(index)
        return read_file(os.path.join(self._root, name), name=name)


def _lines(file: str) -> Iterator[str]:
    with open_text(file, newline='\n') as stream:
        for line in stream:
            path = line.rstrip('\r\n')
            if path.strip():
                yield path


def _json_paths(file: str) -> Iterator[str]:
    records = read_json(file, 'a JSON list of {file_path}')
    if not isinstance(records, list):
        raise ValueError(f'{file}: expected a JSON list of {{file_path}}, but got a {type(records).__name__}')
    for number, record in enumerate(records):
        path = record.get('file_path') if isinstance(record, dict) else None
        if not isinstance(path, str) or not path:
            found = repr(record)[:200]
            raise ValueError(f"{file}, record {number}: expected an object with a text 'file_path', but got {found}")
        yield path
