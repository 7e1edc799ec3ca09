"""Where annotation files are, or what is there in their place."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

_ENDINGS = ('.json', '.arrow')


def find_file(path: str, dataset: str) -> str:
    """An annotation file.

    Args:
        path: where it should be.
        dataset: name of the dataset, for messages.

    Raises:
        FileNotFoundError: it is not there; the message says what was expected and what is there instead.
    """
    if os.path.isfile(path):
        return path
    folder = os.path.dirname(path)
    if not os.path.isdir(folder or '.'):
        raise FileNotFoundError(
            f'no folder {folder}: expected {dataset} there. Ask its authors for it and set data_root to where it is'
        )
    problem = ' (it is a folder)' if os.path.isdir(path) else ''
    raise FileNotFoundError(
        f'no annotation file {path} of {dataset}{problem}. The folder holds '
        f'{annotation_files(folder) or "no annotation file at all"}; set ann_file to the right one'
    )


def annotation_files(folder: str) -> list[str]:
    """Names of the files in a folder that may be annotations, sorted."""
    entries = os.scandir(folder or '.')
    return sorted(entry.name for entry in entries if entry.is_file() and entry.name.endswith(_ENDINGS))


def find_spelling(path: str) -> str | None:
    """The file as it is called or, in its name, with the other of hyphen and underscore; None if neither is there."""
    folder, name = os.path.split(path)
    for spelling in (name, name.replace('-', '_'), name.replace('_', '-')):
        if os.path.isfile(os.path.join(folder, spelling)):
            return os.path.join(folder, spelling)
    return None


def find_files(patterns: Sequence[str], what: str) -> list[str]:
    """All files of several names or glob patterns, each once, in the order of the patterns, sorted within one.

    Args:
        patterns: paths.
        what: what they should be, for messages.

    Raises:
        FileNotFoundError: nothing is there for one of them.
    """
    files: list[str] = []
    for pattern in patterns:
        found = sorted(glob.glob(pattern)) if not os.path.isfile(pattern) else [pattern]
        if not found:
            raise FileNotFoundError(
                f'no file {pattern}: expected {what}. Get them from its authors and set data_root to where they are'
            )
        files += [file for file in found if file not in files]
    return files
