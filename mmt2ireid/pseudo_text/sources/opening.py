"""Where unlabelled images come from: a folder, a list, an LMDB, tar files, Arrow or Parquet files."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence

from mmt2ireid.pseudo_text.sources.file_sources import FolderSource, ListSource
from mmt2ireid.pseudo_text.sources.image_source import MAX_BYTES, ImageSource, UnreadableImageError
from mmt2ireid.pseudo_text.sources.packed_sources import LMDBSource, TarSource
from mmt2ireid.pseudo_text.sources.table_source import TableSource

__all__ = [
    'MAX_BYTES',
    'FolderSource',
    'ImageSource',
    'LMDBSource',
    'ListSource',
    'TableSource',
    'TarSource',
    'UnreadableImageError',
    'open_source',
]

_ACCEPTED = ('a folder of images, a list (.txt, .json), an LMDB (folder, .lmdb, .mdb), tar files (.tar) or tables '
             '(.arrow, .parquet)')  # fmt: skip
_TABLES = ('.arrow', '.parquet')
_TARS = ('.tar', '.tgz', '.tbz2', '.txz', '.tar.gz', '.tar.bz2', '.tar.xz', '.tar.zst')


def open_source(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    root: str | os.PathLike[str] | None = None,
    *,
    allow_outside: bool = False,
) -> ImageSource:
    """Opens images of whatever kind.

    Args:
        path: a folder; a list file, ``.txt`` with a path a line or ``.json`` with ``[{file_path}]``; an LMDB (its
            folder, or a ``.lmdb`` or ``.mdb`` file); ``.tar`` files; or ``.arrow`` or ``.parquet`` files. Of the last
            two there may be several: a sequence of paths, or a pattern such as ``'LUPerson_*.arrow'``.
        root: folder that names are relative to, for folders and lists.
        allow_outside: let a list name images outside of ``root`` (or of its own folder), and follow the links of a
            folder that lead out of it, or to folders.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: it is of no such kind or empty, two images have the same name, or it cannot be read at random.
        ImportError: it is an LMDB and lmdb is not installed.
        OSError: it cannot be read.
    """
    files = _expand([path] if isinstance(path, str | os.PathLike) else path)
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1:
        raise ValueError(f'a source of several files must be of one kind, but got {sorted(k.__name__ for k in kinds)}')
    kind = kinds.pop()
    if root is not None and kind not in (FolderSource, ListSource):
        raise ValueError(f'root must be given for folders and lists only, but got {os.fspath(root)} for {files[0]}')
    if kind in (TarSource, TableSource):
        return kind(files)
    if len(files) > 1:
        raise ValueError(f'only tar files and tables may be several, but got {len(files)} such as {files[0]}')
    return kind(files[0]) if kind is LMDBSource else kind(files[0], root, allow_outside=allow_outside)


def _expand(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    files: list[str] = []
    for path in [os.fspath(path) for path in paths]:
        found = [path] if os.path.exists(path) else sorted(glob.glob(path))
        if not found:
            raise FileNotFoundError(f'{path}: there is no such file or folder; expected {_ACCEPTED}')
        files += found
    if not files:
        raise ValueError(f'a source must be {_ACCEPTED}, but got nothing')
    return files


def _kind(file: str) -> Callable[..., ImageSource]:
    if os.path.isdir(file):
        return LMDBSource if os.path.isfile(os.path.join(file, 'data.mdb')) else FolderSource
    suffixes: tuple[tuple[Callable[..., ImageSource], tuple[str, ...]], ...] = (
        (ListSource, ('.txt', '.json')), (LMDBSource, ('.lmdb', '.mdb')), (TarSource, _TARS), (TableSource, _TABLES),
    )  # fmt: skip
    for kind, endings in suffixes:
        if file.lower().endswith(endings):
            return kind
    raise ValueError(f'a source must be {_ACCEPTED}, but got {file}')
