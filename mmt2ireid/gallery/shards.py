"""The folder of a gallery: files that are written once, each whole or not at all, numbered in the order of writing.

``info.json`` says which model the vectors are of, and which generation of files counts; ``generation-000001/`` holds
``00000001-crops.safetensors``, ``00000002-deleted.json`` and so on. A crop is what the last file that names it says. A
new generation is written beside the old one and counts from the moment ``info.json`` is replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from mmt2ireid.compat import TEMP_FILE, write_atomically
from mmt2ireid.gallery.base import GalleryError, check_model
from mmt2ireid.gallery.locks import take_lock
from mmt2ireid.gallery.records import Crop
from mmt2ireid.gallery.shard_files import FORMAT, VERSION, Shard, pack_crops, pack_deleted, read_crops, read_deleted

INFO, LOCK = 'info.json', 'writer.lock'
_CROPS = re.compile(r'(\d{8})-crops\.safetensors')
_DELETED = re.compile(r'(\d{8})-deleted\.json')
_GENERATION = re.compile(r'generation-(\d{6})')


class ShardFolder:
    """Reads and writes a gallery's folder.

    Args:
        folder: where; made by the first writer.
        model: fingerprint of the model.
        dim: D.
        read_only: takes no lock and writes nothing.

    Raises:
        GalleryMismatchError: it was made with another model.
        GalleryError: another writer has it open, it is no gallery, or a file in it is broken.
    """

    def __init__(self, folder: Path, *, model: str, dim: int, read_only: bool = False) -> None:
        self.folder = folder.absolute()  # the program may go to another working folder
        self.read_only = read_only
        self._model, self._dim = model, dim
        self._lock: IO[str] | None = None
        self._next = 1
        if read_only:
            self._generation = self._read_info()
            return
        self._refuse_foreign()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self.folder / LOCK, self.folder)
        try:
            if not (self.folder / INFO).exists():
                self._path(1).mkdir(exist_ok=True)
                self._write_info(1)
            self._generation = self._read_info()
            if not self._path(self._generation).is_dir():
                raise GalleryError(f'{self._path(self._generation)}: the folder with the crops is gone')
            self._clean()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Gives the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self) -> Iterator[Shard]:
        """Yields the content of all files, in order.

        Raises:
            FileNotFoundError: a file went away; see :meth:`has_moved_on`.
            GalleryError: a file is missing, broken or another model's.
        """
        numbered = self._numbered()
        self._next = len(numbered) + 1
        for path in numbered:
            if _CROPS.fullmatch(path.name):
                yield read_crops(path, self._model, self._dim)
            else:
                yield read_deleted(path)

    def has_moved_on(self) -> bool:
        """Whether a writer has put a new generation in place of the one that was read; it is the one to read now."""
        before = self._generation
        self._generation = self._read_info()
        return self._generation != before

    def write_crops(self, crops: Sequence[Crop], vectors: np.ndarray) -> str:
        """Writes a file of crops; when this returns, it is on the disk. Returns its name."""
        return self._write(f'{self._next:08d}-crops.safetensors', pack_crops(crops, vectors, self._model))

    def write_deleted(self, ids: Sequence[str]) -> str:
        """Writes a file of ids that are deleted; returns its name."""
        return self._write(f'{self._next:08d}-deleted.json', pack_deleted(ids))

    def start_generation(self, kept: Sequence[str]) -> NewGeneration:
        """A generation that begins with these files of the present one; it counts once it is finished."""
        return NewGeneration(self, kept)

    def check_place(self) -> None:
        """Raises GalleryError where the folder is no longer the one that was opened: what is written would be lost."""
        try:
            assert self._lock is not None, 'only a writer writes'
            same = os.path.samestat(os.fstat(self._lock.fileno()), os.stat(self.folder / LOCK))
        except OSError:
            same = False
        if not same:
            raise GalleryError(
                f'{self.folder}: the folder was moved, deleted or replaced while it was open; nothing was changed: '
                'open the gallery again where it is now'
            )

    def _write(self, name: str, data: bytes) -> str:
        self.check_place()
        path = self._path(self._generation) / name
        try:
            write_atomically(path, data)
            _sync_folder(path.parent)
            self._next += 1
        except BaseException:
            # Whoever called is told that nothing was added, and the number is given again.
            path.unlink(missing_ok=True)
            raise
        return name

    def _path(self, generation: int) -> Path:
        return self.folder / f'generation-{generation:06d}'

    def _refuse_foreign(self) -> None:
        if self.folder.is_dir() and not (self.folder / INFO).exists():
            others = sorted(path.name for path in self.folder.iterdir())
            others = [name for name in others if name != LOCK and not TEMP_FILE.match(name)]
            if others == [self._path(1).name] and not any(self._path(1).iterdir()):
                return  # its first writer was stopped before it began
            if others:
                raise GalleryError(
                    f'{self.folder}: a gallery must be a new or empty folder, or one with {INFO}, but got a folder '
                    f'with {", ".join(others[:3])}{" ..." if len(others) > 3 else ""}'
                )
        elif self.folder.exists() and not self.folder.is_dir():
            raise GalleryError(f'{self.folder}: a gallery must be a folder (or a Milvus file NAME.db), but got a file')

    def _write_info(self, generation: int) -> None:
        words = {
            'format': FORMAT,
            'version': VERSION,
            'model': self._model,
            'dim': self._dim,
            'generation': generation,
        }
        write_atomically(self.folder / INFO, json.dumps(words, indent=2).encode())
        _sync_folder(self.folder)

    def _read_info(self) -> int:
        path = self.folder / INFO
        try:
            words = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise GalleryError(f'{self.folder}: there is no gallery ({INFO} is missing)') from error
        except (OSError, ValueError) as error:
            raise GalleryError(f'{path}: expected the description of a gallery, but got {error}') from error
        if not isinstance(words, dict) or words.get('format') != FORMAT:
            raise GalleryError(f'{path}: expected format {FORMAT!r}: the folder is no gallery')
        if words.get('version') != VERSION:
            raise GalleryError(f'{path}: expected version {VERSION}, but got {words.get("version")!r}')
        check_model(self.folder, self._model, self._dim, words.get('model'), words.get('dim'))
        generation = words.get('generation')
        if not isinstance(generation, int) or generation < 1:
            raise GalleryError(f'{path}: generation must be a number from 1 on, but got {generation!r}')
        return generation

    def _clean(self) -> None:
        """Takes away what writers left that were killed, and says so."""
        left = [path for path in self.folder.iterdir() if TEMP_FILE.match(path.name)]
        left += [path for path in self._path(self._generation).iterdir() if TEMP_FILE.match(path.name)]
        for path in self.folder.iterdir():
            match = _GENERATION.fullmatch(path.name)
            if match and int(match[1]) != self._generation:
                left.append(path)
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if left:
            names = ', '.join(sorted(str(path.relative_to(self.folder)) for path in left)[:5])
            warnings.warn(
                f'{self.folder}: took away {len(left)} unfinished files or folders of a writer that was stopped '
                f'({names}{" ..." if len(left) > 5 else ""}); nothing that had been added is lost',
                stacklevel=2,
            )

    def _numbered(self) -> list[Path]:
        folder = self._path(self._generation)
        numbered: dict[int, Path] = {}
        strange = []
        for path in sorted(folder.iterdir()):
            match = _CROPS.fullmatch(path.name) or _DELETED.fullmatch(path.name)
            if match is None:
                strange += [] if path.name.startswith('.') else [path.name]
            elif numbered.setdefault(int(match[1]), path) != path:
                raise GalleryError(f'{path}: there is another file of this number, {numbered[int(match[1])].name}')
        if strange:
            warnings.warn(f'{folder}: passed over what is no part of a gallery: {", ".join(strange)}', stacklevel=2)
        for expected, number in enumerate(sorted(numbered), start=1):
            if number != expected:
                raise GalleryError(f'{folder}: file number {expected} is missing; the last one is {max(numbered)}')
        return [numbered[number] for number in sorted(numbered)]


class NewGeneration:
    """A generation of files that does not count yet.

    Args:
        owner: the folder.
        kept: files of the present generation to begin with, which are linked, not copied, where that can be.
    """

    def __init__(self, owner: ShardFolder, kept: Sequence[str]) -> None:
        owner.check_place()
        self._owner = owner
        self._old, self._number = owner._generation, owner._generation + 1
        self._path = owner._path(self._number)
        self._next = 1
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir()
        for name in kept:
            self._keep(owner._path(self._old) / name)

    def write_crops(self, crops: Sequence[Crop], vectors: np.ndarray) -> str:
        """As :meth:`ShardFolder.write_crops`."""
        return self._write('crops.safetensors', pack_crops(crops, vectors, self._owner._model))

    def write_deleted(self, ids: Sequence[str]) -> str:
        """As :meth:`ShardFolder.write_deleted`."""
        return self._write('deleted.json', pack_deleted(ids))

    def finish(self) -> None:
        """Lets this generation count, and takes the old one away."""
        _sync_folder(self._path)
        _sync_folder(self._owner.folder)
        try:
            self._owner._write_info(self._number)
        finally:
            # Whoever is interrupted here goes on in the generation that counts.
            if self._owner.has_moved_on():
                self._owner._next = self._next
        shutil.rmtree(self._owner._path(self._old), ignore_errors=True)

    def _write(self, kind: str, data: bytes) -> str:
        name = f'{self._next:08d}-{kind}'
        write_atomically(self._path / name, data)
        self._next += 1
        return name

    def _keep(self, source: Path) -> None:
        target = self._path / f'{self._next:08d}-{source.name.partition("-")[2]}'
        self._next += 1
        try:
            os.link(source, target)
        except OSError:
            write_atomically(target, source.read_bytes())


def _sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
