"""Which checkpoint a killed run continues from."""

from __future__ import annotations

import logging
import os
import re
import zipfile
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmt2ireid.compat import load_from_local

_NAME = re.compile(r'^(epoch|iter)_(\d+)\.pth$')


def find_latest_checkpoint(work_dir: str, out_dir: str | None = None) -> str | None:
    """Finds the checkpoint to resume.

    That is the one whose name ``last_checkpoint`` holds, within the run's own folder. Where that file, or what it
    names, is missing or damaged, it is the newest complete ``epoch_N.pth`` or ``iter_N.pth`` (by time of writing: a
    higher number may be left from an earlier run in the same folder).

    Args:
        work_dir: working directory of the run.
        out_dir: ``out_dir`` of the checkpoint hook. Default: checkpoints are in ``work_dir``.

    Returns:
        Path of a complete checkpoint, or None.
    """
    folder = Path(work_dir if out_dir is None else Path(out_dir, Path(work_dir).name))
    pointer = Path(work_dir, 'last_checkpoint')
    # Older versions wrote a path. The folder may have been moved or copied since: only the name counts.
    name = re.split(r'[\\/]', pointer.read_text(errors='replace').strip())[-1] if pointer.is_file() else ''
    named = folder / name
    if name and named.is_file() and is_complete(named):
        return str(named)
    for path in _numbered(folder):
        if is_complete(path):
            print_log(f'{pointer} names no complete checkpoint ({name}): falling back on {path}', level=logging.WARNING)
            return str(path)
    return None


def is_complete(path: str | Path) -> bool:
    """Reads a checkpoint file and says whether a run can be resumed from it.

    Args:
        path: a file.

    Returns:
        False if it is truncated or damaged, is no file of ``torch.save`` or holds no training state.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return False
        checkpoint = load_from_local(str(path), map_location='cpu', mmap=True)
    except (ValueError, OSError, zipfile.BadZipFile):
        return False
    return isinstance(checkpoint, dict) and has_training_state(checkpoint)


def has_training_state(checkpoint: dict) -> bool:
    """Says whether a checkpoint holds what a run is resumed with, beside weights.

    Args:
        checkpoint: what a file holds.

    Returns:
        True if the counters and the log of a run and the state of its optimizer are there.
    """
    return _has_counters(checkpoint) and 'optimizer' in checkpoint


def check_resumable(path: str, checkpoint: Any) -> None:
    """Refuses what a run cannot be resumed from.

    Args:
        path: of the checkpoint.
        checkpoint: what it holds.

    Raises:
        ValueError: weights only, or the best checkpoint of a run, which has no state of the optimizer.
    """
    if not isinstance(checkpoint, dict) or not _has_counters(checkpoint):
        raise ValueError(
            f'checkpoint {path} must hold the state of a run to be resumed, but holds weights only; to start '
            'from them, give them as load_from'
        )
    if 'optimizer' in checkpoint:
        return
    other = find_latest_checkpoint(os.path.dirname(path))
    advice = f'resume from {other}' if other else 'there is no other beside it to resume from'
    raise ValueError(
        f'checkpoint {path} must hold the state of the optimizer to be resumed, but holds none, as every best one: '
        f'{advice}; to start a new run from its weights, give it as load_from'
    )


def _has_counters(checkpoint: dict) -> bool:
    meta = checkpoint.get('meta')
    return isinstance(meta, dict) and 'iter' in meta and 'message_hub' in checkpoint


def _numbered(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir() if folder.is_dir() else []:
        match = _NAME.match(path.name)
        if match:
            found.append((path.stat().st_mtime, int(match[2]), path))
    return [path for _, _, path in sorted(found, reverse=True)]
