"""Images that are files: a folder, or a list of paths."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from mmt2ireid.io.folder_scan import FolderWalk
from mmt2ireid.io.image_files import read_file
from mmt2ireid.io.json_files import read_json
from mmt2ireid.io.paths import leads_out
from mmt2ireid.io.text_files import open_text
from mmt2ireid.pseudo_text.sources.image_source import IdTable, ImageSource, file_stamp, texts_of

logger = logging.getLogger(__name__)


class FolderSource(ImageSource):
    """All images in a folder and the folders below, sorted by the parts of their paths.

    What counts as an image, and which links are followed, is the rule of all folders of images
    (:class:`~mmt2ireid.io.folder_scan.FolderWalk`). Links that are not followed, images in formats that are not read
    and names that are not UTF-8 are in ``left_out``; the number of other files is logged.

    Args:
        folder: its path.
        root: folder that names are relative to; None for ``folder``, otherwise one above it.
        allow_outside: follow links to folders, and links that lead out of ``root``. A folder that several links lead to
            is listed once, under the first of its names, so links in a circle end.

    Raises:
        ValueError: there is no image, or ``folder`` is not within ``root``.
        NotADirectoryError: ``folder`` is something else.
        OSError: a folder cannot be read.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        allow_outside: bool = False,
    ) -> None:
        self.where = os.fspath(folder)
        if not os.path.isdir(self.where):
            raise NotADirectoryError(f'{self.where}: must be a folder')
        self._root = self.where if root is None else os.fspath(root)
        start = os.path.relpath(os.path.abspath(self.where), os.path.abspath(self._root)).replace(os.sep, '/')
        if start.split('/')[0] == '..':
            raise ValueError(f'root must be {self.where} or a folder above it, but got {self._root}')
        walk = FolderWalk(self.where, within=self._root, allow_outside=allow_outside, must_list=True)
        prefix = '' if start == '.' else f'{start}/'
        self._ids = IdTable((prefix + name for name in walk), self.where)
        self.left_out = [(prefix + name, reason) for name, reason in (*walk.refused, *walk.unread)]
        if walk.passed_over.total:
            logger.info('%s: passed over %s', self.where, walk.passed_over)

    def stamp(self, index: int) -> tuple[int, int]:
        """Size and time of change of an image file."""
        return file_stamp(os.path.join(self._root, self.id_of(index)))

    def read(self, index: int) -> bytes:
        """The content of an image file."""
        name = self.id_of(index)
        return read_file(os.path.join(self._root, name), name=name)


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
        self.left_out: list[tuple[str, str]] = []
        self._ids = IdTable((self._relative(path) for path in texts_of(paths, self.left_out)), self.where)

    def _relative(self, path: str) -> str:
        path = posixpath.normpath(path)
        inner = path.removeprefix(self._root.rstrip('/') + '/')
        if leads_out(inner) and not self._allow_outside:
            raise ValueError(
                f'{self.where}: expected images within {self._root}, but it names {path}. Give the folder above all of '
                'them as root, or allow images outside (allow_outside=True, --allow-outside)'
            )
        return inner

    def stamp(self, index: int) -> tuple[int, int]:
        """Size and time of change of an image file."""
        return file_stamp(os.path.join(self._root, self.id_of(index)))

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
