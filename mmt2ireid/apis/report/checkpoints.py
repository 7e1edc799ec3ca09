"""Which checkpoint a figure is of: its name, its hash, and what it says about itself."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mmt2ireid.compat import load_from_local

_BLOCK = 2**22


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a report.

    Attributes:
        path: as it was given.
        sha256: hash of the file, 64 hexadecimal digits; None of one that is fetched from elsewhere.
        epoch: after which it was written; None where it does not say.
        seed: of the run; None where it does not say.
    """

    path: str
    sha256: str | None
    epoch: int | None = None
    seed: int | None = None

    @property
    def folder(self) -> str:
        """Where it lies: the run that it belongs to."""
        return str(Path(self.path).parent)

    def facts(self) -> dict[str, Any]:
        """For metrics.json."""
        return dict(checkpoint=self.path, sha256=self.sha256, epoch=self.epoch, seed=self.seed)


def identify(paths: Sequence[str], *, progress: bool = True) -> list[Checkpoint]:
    """Reads hashes, epochs and seeds, before anything is evaluated.

    Args:
        paths: files, or names with ``://`` that MMEngine fetches.
        progress: show a progress bar of the hashing, on a terminal.

    Returns:
        One per path.

    Raises:
        ValueError: no paths, or the same content twice, which would count one run as two; a file that is none of
            ``torch.save``.
        FileNotFoundError: a file is not there.
    """
    if not paths:
        raise ValueError('checkpoints must be at least one, but got none')
    missing = [path for path in paths if '://' not in path and not Path(path).is_file()]
    if missing:
        raise FileNotFoundError(f'checkpoint {missing[0]} must be a file, but there is none')
    total = sum(Path(path).stat().st_size for path in paths if '://' not in path)
    hidden = None if progress else True  # None: where there is no terminal
    with tqdm(total=total, desc='hashing', unit='B', unit_scale=True, disable=hidden, file=sys.stderr) as bar:
        found = [_identify(path, bar) for path in paths]
    known: dict[str, str] = {}
    for checkpoint in found:
        content = checkpoint.sha256 or checkpoint.path
        if content in known:
            raise ValueError(
                f'checkpoints must differ, but {known[content]} and {checkpoint.path} have the same content'
            )
        known[content] = checkpoint.path
    return found


def _identify(path: str, bar: tqdm) -> Checkpoint:
    if '://' in path:
        return Checkpoint(path, None)
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            bar.update(len(block))
    meta: Any = {}
    if not path.endswith('.safetensors'):
        content = load_from_local(path, 'cpu', mmap=_can_be_mapped(path))
        meta = content.get('meta') if isinstance(content, Mapping) else None
    meta = meta if isinstance(meta, Mapping) else {}
    return Checkpoint(path, digest.hexdigest(), _whole(meta.get('epoch')), _whole(meta.get('seed')))


def _can_be_mapped(path: str) -> bool:
    """Whether the file is a zip archive, as torch.save writes them since 1.6; only such can be left on disk."""
    with open(path, 'rb') as file:
        return file.read(2) == b'PK'


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
