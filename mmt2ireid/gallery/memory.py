"""A gallery in memory, searched exactly; in a folder too, if it is given one."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmt2ireid.gallery.base import (
    Gallery,
    GalleryError,
    Range,
    check_fingerprint,
    check_top_k,
    unknown_id,
)
from mmt2ireid.gallery.exact import exact_search
from mmt2ireid.gallery.records import AddCount, Crop, Hit, Value, check_crops, check_ids, check_vectors
from mmt2ireid.gallery.shards import ShardFolder
from mmt2ireid.gallery.table import CropTable
from mmt2ireid.gallery.where import Where

_BLOCK_ROWS = 16_384
_SHARD_BYTES = 2**26
# So many small files are merged into one; a file is small below a quarter of a full one.
_MAX_SMALL_FILES = 64
_MIN_DEAD = 1024


class Blocks:
    """Rows of vectors in blocks that stay where they are while more come.

    Args:
        dim: D.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._blocks: list[np.ndarray] = []
        self._size = 0

    def append(self, vectors: np.ndarray) -> None:
        """Puts rows (N, D) behind the others."""
        done = 0
        while done < len(vectors):
            place = self._size % _BLOCK_ROWS
            if place == 0:
                self._blocks.append(np.empty((_BLOCK_ROWS, self._dim), dtype=np.float32))
            count = min(_BLOCK_ROWS - place, len(vectors) - done)
            self._blocks[-1][place : place + count] = vectors[done : done + count]
            self._size += count
            done += count

    def views(self) -> list[np.ndarray]:
        """The blocks, without a copy."""
        views = list(self._blocks)
        if views and self._size % _BLOCK_ROWS:
            views[-1] = views[-1][: self._size % _BLOCK_ROWS]
        return views

    def take(self, rows: np.ndarray) -> np.ndarray:
        """A copy of rows, float32 (N, D)."""
        found = np.empty((len(rows), self._dim), dtype=np.float32)
        owners = rows // _BLOCK_ROWS
        for owner in np.unique(owners).tolist():
            chosen = owners == owner
            found[chosen] = self._blocks[owner][rows[chosen] % _BLOCK_ROWS]
        return found


@dataclass(frozen=True)
class _File:
    """A file of the folder: what it is called, its first row, how many it brought, and what it deleted."""

    name: str
    first_row: int
    num_rows: int
    deleted: list[str]


class MemoryGallery(Gallery):
    """Vectors in memory, searched exactly: for some 100,000 crops, and no worse than slow and large beyond.

    Args:
        folder: keeps the crops on disk too (:mod:`mmt2ireid.gallery.shards`); None keeps them in memory only.
        model: fingerprint of the model that makes the vectors.
        dim: D.
        read_only: reads what the folder holds now; does not see what another program adds later.

    Raises:
        GalleryMismatchError: the folder was made with another model.
        GalleryError: another program writes to the folder, or it is no gallery, or broken.
        ValueError: a fingerprint or width that can be none.
    """

    def __init__(self, folder: str | Path | None = None, *, model: str, dim: int, read_only: bool = False) -> None:
        check_fingerprint(model, dim)
        self.model, self.dim = model, dim
        self._read_only = read_only
        self._closed = False
        self._lock = threading.RLock()
        self._table, self._blocks = CropTable(), Blocks(dim)
        self._files: list[_File] = []
        self._shard_rows = max(1, _SHARD_BYTES // (4 * dim))
        self._folder = None if folder is None else ShardFolder(Path(folder), model=model, dim=dim, read_only=read_only)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        self._check_open()
        return self._table.num_alive

    def add(self, crops: Sequence[Crop], vectors: np.ndarray, *, replace: bool = False) -> AddCount:
        """See :meth:`Gallery.add`. On disk, crops are stored in files of up to 64 MiB, each whole or not at all."""
        crops = check_crops(crops)
        vectors = check_vectors(vectors, self.dim, len(crops), ids=[crop.id for crop in crops])
        with self._lock:
            self._check_writable()
            known = np.array([crop.id in self._table.row_of for crop in crops], dtype=bool)
            chosen = np.arange(len(crops)) if replace else np.flatnonzero(~known)
            for start in range(0, len(chosen), self._shard_rows):
                part = chosen[start : start + self._shard_rows]
                self._add_file([crops[number] for number in part], vectors[part])
            self._tidy()
        num_known = int(known.sum())
        return AddCount(len(crops) - num_known, num_known if replace else 0, 0 if replace else num_known)

    def delete(self, ids: Iterable[str]) -> int:
        """See :meth:`Gallery.delete`."""
        with self._lock:
            self._check_writable()
            gone = [name for name in dict.fromkeys(check_ids(ids)) if name in self._table.row_of]
            if gone:
                if self._folder is not None:
                    name = self._folder.write_deleted(gone)
                    self._files.append(_File(name, len(self._table), 0, gone))
                self._table.remove(gone)
                self._tidy()
        return len(gone)

    def known(self, ids: Iterable[str]) -> set[str]:
        """See :meth:`Gallery.known`."""
        with self._lock:
            self._check_open()
            return {name for name in check_ids(ids) if name in self._table.row_of}

    def get(self, ids: Iterable[str]) -> list[Crop]:
        """See :meth:`Gallery.get`."""
        with self._lock:
            return [self._table.crop(row) for row in self._rows(ids)]

    def vectors(self, ids: Iterable[str]) -> np.ndarray:
        """See :meth:`Gallery.vectors`."""
        with self._lock:
            return self._blocks.take(np.array(self._rows(ids), dtype=np.int64))

    def search(self, vectors: np.ndarray, top_k: int = 10, where: Where | None = None) -> list[list[Hit]]:
        """See :meth:`Gallery.search`; exact, by :func:`exact_search`."""
        queries = check_vectors(vectors, self.dim)
        top_k = check_top_k(top_k)
        with self._lock:
            self._check_open()
            table, blocks, mask = self._table, self._blocks.views(), self._table.mask(where, len(self._table))
        # What is added meanwhile lies behind these rows, and tidying puts new tables in place of these.
        scores, rows = exact_search(queries, blocks, top_k, mask)
        with self._lock:
            crops = {row: table.crop(row) for row in np.unique(rows).tolist()}
        return [
            [Hit(crops[row], score) for score, row in zip(*pair, strict=True)]
            for pair in zip(scores.tolist(), rows.tolist(), strict=True)
        ]

    def fields(self) -> dict[str, list[Value] | Range]:
        """See :meth:`Gallery.fields`."""
        with self._lock:
            self._check_open()
            return self._table.fields()

    def ids(self) -> Iterator[str]:
        """See :meth:`Gallery.ids`; those at the time of the call."""
        with self._lock:
            self._check_open()
            return iter(list(self._table.ids()))

    def close(self) -> None:
        """See :meth:`Gallery.close`; what is in memory only is gone then."""
        with self._lock:
            self._closed = True
            if self._folder is not None:
                self._folder.close()
            self._table, self._blocks = CropTable(), Blocks(self.dim)

    def _load(self) -> None:
        if self._folder is None:
            return
        problem: Exception | None = None
        try:
            self._load_generation(self._folder)
        except (FileNotFoundError, GalleryError) as error:
            problem = error
        # The files of an old generation are taken away one by one: a reader may have met only some.
        if self._folder.read_only and self._folder.has_moved_on():
            self._load()
        elif isinstance(problem, FileNotFoundError):
            raise GalleryError(f'{self._folder.folder}: a file of the gallery is gone: {problem}') from problem
        elif problem is not None:
            raise problem

    def _load_generation(self, folder: ShardFolder) -> None:
        self._table, self._blocks, self._files = CropTable(), Blocks(self.dim), []
        for shard in folder.read():
            self._files.append(_File(shard.name, len(self._table), len(shard.crops), shard.deleted))
            self._table.remove(shard.deleted)
            self._table.append(shard.crops)
            self._blocks.append(shard.vectors)

    def _add_file(self, crops: list[Crop], vectors: np.ndarray) -> None:
        if self._folder is not None:
            name = self._folder.write_crops(crops, vectors)
            self._files.append(_File(name, len(self._table), len(crops), []))
        try:
            self._blocks.append(vectors)
            self._table.append(crops)
        except BaseException:
            # Stopped in between (Ctrl+C, no memory left), vectors would be taken for those of other crops from here on.
            self.close()
            raise

    def _rows(self, ids: Iterable[str]) -> list[int]:
        self._check_open()
        rows = []
        for name in check_ids(ids):
            if name not in self._table.row_of:
                raise unknown_id(name)
            rows.append(self._table.row_of[name])
        return rows

    def _check_open(self) -> None:
        if self._closed:
            raise GalleryError('the gallery is closed; open it again with open_gallery')

    def _check_writable(self) -> None:
        self._check_open()
        if self._read_only:
            raise GalleryError('the gallery is open for reading only; open it without read_only to change it')

    def _tidy(self) -> None:
        """Merges small files at the end, or writes all anew where most rows are dead."""
        start = len(self._files)
        while start and self._files[start - 1].num_rows < self._shard_rows // 4:
            start -= 1
        dead = len(self._table) - len(self)
        if dead > max(_MIN_DEAD, len(self)):
            start = 0
        elif len(self._files) - start <= _MAX_SMALL_FILES:
            return
        try:
            self._merge(start)
        except (GalleryError, OSError) as error:
            # What was to be added or deleted is stored; only the files are more than need be.
            warnings.warn(f'the files of the gallery could not be merged: {error}', stacklevel=3)

    def _merge(self, start: int) -> None:
        """Puts one generation of files in place of another: those from ``start`` on as few as can be."""
        first_row = self._files[start].first_row if start and self._files else 0
        files = self._files[:start]
        rows = self._table.rows(first_row)
        parts = [rows[begin : begin + self._shard_rows] for begin in range(0, len(rows), self._shard_rows)]
        if self._folder is not None:
            generation = self._folder.start_generation([file.name for file in files])
            deleted = list(dict.fromkeys(name for file in self._files[start:] for name in file.deleted))
            if start and deleted:
                files.append(_File(generation.write_deleted(deleted), first_row, 0, deleted))
            for part in parts:
                crops = [self._table.crop(row) for row in part.tolist()]
                name = generation.write_crops(crops, self._blocks.take(part))
                files.append(_File(name, int(part[0]), len(part), []))
            generation.finish()
            self._files = files
        if start == 0:
            self._forget_dead(parts)

    def _forget_dead(self, parts: list[np.ndarray]) -> None:
        table, blocks = CropTable(), Blocks(self.dim)
        files = []
        for number, part in enumerate(parts):
            if self._folder is not None:
                files.append(_File(self._files[number].name, len(table), len(part), []))
            blocks.append(self._blocks.take(part))
            table.append([self._table.crop(row) for row in part.tolist()])
        self._table, self._blocks, self._files = table, blocks, files
