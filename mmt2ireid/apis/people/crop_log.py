"""What has been cropped so far: a line per picture looked at, so that a run that was killed can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.io.locks import take_lock

CROPS_FILE = 'crops.jsonl'
_LOG = Path('.crop_people', 'log.jsonl')


class CropLog:
    """The log of a folder of crops, and the table ``crops.jsonl`` that is made of it.

    A line is written when all crops of a picture are on the disk. The last line of a run that was killed may be cut
    short; it is taken off. One process at a time may write.

    Args:
        folder: of the crops.
        settings: of the detector and what is cut out; a folder keeps to one.

    Raises:
        ValueError: the folder was made with other settings, or its log is damaged.
        LockedError: another process crops into this folder.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.path = folder / _LOG
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self.path.with_name('lock'), folder)
        self._file: IO[bytes] = open(self.path, 'a+b')  # noqa: SIM115  # closed by __exit__
        try:
            self._entries = self._read()
            self._check(dict(settings))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> CropLog:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.write_table()
        self._close()

    def _close(self) -> None:
        self._file.close()
        self._lock.close()

    def last(self, source: str, stamp: str) -> tuple[int, bool]:
        """How far a source was looked at.

        Args:
            source: its full path, which is the same from wherever it is named.
            stamp: changes when the file does.

        Returns:
            Number of its last picture that was looked at, -1 for none; and whether that was the end.
        """
        entries = [entry for entry in self._of(source) if entry['stamp'] == stamp]
        return max((entry['picture'] for entry in entries), default=-1), any(entry.get('end') for entry in entries)

    def forget_earlier(self, source: str, stamp: str) -> None:
        """Delete the crops of earlier versions of a source.

        Args:
            source: as in :meth:`last`.
            stamp: of the version that has been read now; before, the crops might be lost for nothing.
        """
        old = [entry for entry in self._of(source) if entry['stamp'] != stamp]
        root = self.folder.resolve()
        for entry in old:
            for crop in entry.get('crops', ()):
                path = self.folder / crop['path']
                if path.parent.resolve().is_relative_to(root):  # folders of somebody else's may be links
                    path.unlink(missing_ok=True)
        if old:
            self._append(dict(source=source, forget=True))

    def add(self, source: str, stamp: str, picture: int, crops: list[dict]) -> None:
        """Notes the crops of a picture; they must be on the disk."""
        self._append(dict(source=source, stamp=stamp, picture=picture, crops=crops))

    def end(self, source: str, stamp: str, picture: int) -> None:
        """Notes that a source was looked at to its end."""
        self._append(dict(source=source, stamp=stamp, picture=picture, end=True))

    def write_table(self) -> None:
        """Writes ``crops.jsonl``, whole or not at all."""
        crops = {crop['path']: crop for entry in self._living() for crop in entry.get('crops', ())}
        lines = [json.dumps(crops[path], ensure_ascii=False) for path in sorted(crops)]
        write_atomically(self.folder / CROPS_FILE, ''.join(f'{line}\n' for line in lines).encode())

    def _of(self, source: str) -> list[dict]:
        return [entry for entry in self._by_source.get(source, ())]

    def _living(self) -> list[dict]:
        return [entry for entries in self._by_source.values() for entry in entries]

    def _append(self, entry: dict) -> None:
        self._file.write(f'{json.dumps(entry, ensure_ascii=False)}\n'.encode())
        self._file.flush()
        self._take(entry)

    def _take(self, entry: dict) -> None:
        if entry.get('forget'):
            self._by_source[entry['source']] = []
        else:
            self._by_source.setdefault(entry['source'], []).append(entry)

    def _read(self) -> list[dict]:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b'\n') + 1
        if whole < len(content):
            os.ftruncate(self._file.fileno(), whole)
        entries = []
        for line, text in enumerate(content[:whole].splitlines(), start=1):
            try:
                entry = json.loads(text)
                if not (_is_entry(entry) if line > 1 else _is_settings(entry)):
                    raise ValueError('no entry of a log')
            except (ValueError, RecursionError) as error:
                raise ValueError(f'{self.path}, line {line}: must be JSON that crop_people wrote ({error})') from error
            entries.append(entry)
        return entries

    def _check(self, settings: dict) -> None:
        self._by_source: dict[str, list[dict]] = {}
        if not self._entries:
            self._file.write(f'{json.dumps(dict(settings=settings))}\n'.encode())
            self._file.flush()
            return
        made = self._entries[0]['settings']
        if made != json.loads(json.dumps(settings)):
            different = {key: made.get(key) for key in {**settings, **made} if made.get(key) != settings.get(key)}
            raise ValueError(
                f'{self.folder} holds crops made with other settings ({different}): give another folder, or delete it'
            )
        for entry in self._entries[1:]:
            self._take(entry)


def _is_settings(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get('settings'), dict)


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get('source'), str):
        return False
    if entry.get('forget'):
        return True
    crops = entry.get('crops', [])
    told = isinstance(entry.get('stamp'), str) and isinstance(entry.get('picture'), int) and isinstance(crops, list)
    return told and all(isinstance(crop, dict) and _is_inner(crop.get('path')) for crop in crops)


def _is_inner(path: Any) -> bool:
    """Crops of an earlier version are deleted: nothing outside of the folder may be named here."""
    parts = PurePosixPath(path) if isinstance(path, str) else PurePosixPath('/')
    return bool(parts.parts) and not parts.is_absolute() and '..' not in parts.parts
