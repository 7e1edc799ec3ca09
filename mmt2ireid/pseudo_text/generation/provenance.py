"""What a folder of results was made from: written before the first result, compared before any more are added."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.io.locks import take_lock
from mmt2ireid.pseudo_text.generation.shard_files import is_temporary

PROVENANCE, LOCK = 'provenance.json', '.lock'
_PATIENCE = 10.0  # seconds until the workers of a killed run have ended
RECORDED = 'recorded'
"""Key of what is only recorded: a version or path may change between the halves of a run."""


class ResultFolder:
    """A folder that belongs to one set of results.

    Args:
        folder: its path; made when it is missing.
        kind: what the results are; tells our folders from others.
        names: matches the names of all files that a run writes, but for the provenance.
        advice: what to do when the results there were made from something else.
        meanings: what stands behind keys that are digests, for messages.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        names: re.Pattern[str],
        *,
        advice: str,
        meanings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self._kind, self._names, self._advice = folder, kind, names, advice
        self._meanings = dict(meanings or {})

    def prepare(self, wanted: Mapping[str, Any], recorded: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Makes the folder ready to be written, or to be written further.

        Args:
            wanted: what the results depend on, JSON-able.
            recorded: what is written down but may differ when a run is resumed.
            fresh: remove earlier results, whatever they were made from.

        Raises:
            FileExistsError: there is something else in the folder; folders in it, such as that of the images, may be.
            NotADirectoryError: it is a file.
            ValueError: the results in it were made from something else; the message says what differs.
        """
        self.examine(wanted, fresh=fresh)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove(everything=fresh)
        if fresh or self.read() is None:
            content = {'kind': self._kind, **wanted, RECORDED: dict(recorded)}
            write_atomically(self.folder / PROVENANCE, (json.dumps(content, indent=1) + '\n').encode())

    def examine(self, wanted: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Raises what :meth:`prepare` would raise, and touches nothing."""
        if self.read() is None:
            self._refuse_strangers()
        elif not fresh:
            self.check(wanted)

    def check(self, wanted: Mapping[str, Any]) -> None:
        """Raises ValueError where the results were, or would be, made from something else."""
        found = {self._named(key): value for key, value in (self.read() or {}).items() if key not in ('kind', RECORDED)}
        changes = _changes(found, {self._named(key): value for key, value in wanted.items()})
        if changes:
            raise ValueError(f'{self.folder}: made with other options ({"; ".join(changes)}); {self._advice}')

    def lock(self, *, shared: bool = False) -> IO[str]:
        """Take the lock of the folder, which is made when it is missing.

        Args:
            shared: take it beside other processes of the same run.

        Returns:
            The open file of the lock; closing it gives the lock back.

        Raises:
            LockedError: a process of another run is writing there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        return take_lock(self.folder / LOCK, self.folder, shared=shared, patience=_PATIENCE)

    def _named(self, key: str) -> str:
        return f'{key} ({self._meanings[key]})' if key in self._meanings else key

    def read(self) -> dict[str, Any] | None:
        """The provenance; None where there is none of ours."""
        try:
            found = json.loads((self.folder / PROVENANCE).read_text(encoding='utf-8'))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get('kind') == self._kind else None

    def _refuse_strangers(self) -> None:
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise NotADirectoryError(f'{self.folder}: must be a folder, but is a file')
        provenance = re.compile(re.escape(PROVENANCE))
        others = [
            path.name
            for path in self.folder.iterdir()
            if path.name != LOCK and not is_temporary(path.name, provenance) and not self._is_beside_results(path)
        ]
        if others:
            raise FileExistsError(f'{self.folder}: holds files and was not made by this tool (no {PROVENANCE} of '
                                  f'{self._kind}, but {sorted(others)[0]}); choose another folder')  # fmt: skip

    def _is_beside_results(self, path: Path) -> bool:
        """A folder, such as that of the images, is neither written nor removed: it may stand beside the results."""
        return path.is_dir() and not self._names.fullmatch(path.name) and path.name != PROVENANCE

    def _remove(self, *, everything: bool) -> None:
        """Removes what killed processes left half-written, and, for a fresh start, all results."""
        half_written = re.compile(f'{self._names.pattern}|{re.escape(PROVENANCE)}')
        for path in list(self.folder.iterdir()):
            is_ours = everything and self._names.fullmatch(path.name)
            if (is_ours or is_temporary(path.name, half_written)) and path.is_file():
                path.unlink()


def _changes(found: Any, wanted: Any, name: str = '') -> list[str]:
    """Where two JSON values differ: ``['threshold: 0.9 there, 0.8 now']``."""
    wanted = json.loads(json.dumps(wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = [*wanted, *(key for key in found if key not in wanted)]
        return [
            change
            for key in keys
            for change in _changes(found.get(key), wanted.get(key), f'{name}.{key}' if name else key)
        ]
    return [] if found == wanted else [f'{name}: {_shown(found)} there, {_shown(wanted)} now']


def _shown(value: Any) -> str:
    text = 'nothing' if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + '...'
