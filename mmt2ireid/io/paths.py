"""Paths as annotation files and lists write them: relative to a folder, with forward slashes."""

from __future__ import annotations

import posixpath


def plain_path(path: str) -> str:
    """One spelling of a path, so that an image has one name.

    Args:
        path: such as ``cam/./a.png`` or ``cam//a.png``.

    Returns:
        Without what means nothing, such as ``cam/a.png``.
    """
    # Most paths are plain: they are told apart cheaply.
    is_plain = '//' not in path and '/.' not in path and not path.startswith('.')
    return path if is_plain else posixpath.normpath(path)


def leads_out(path: str) -> bool:
    """Whether a path leads out of the folder that it is relative to: it is absolute, or climbs above it.

    Args:
        path: a plain one, see :func:`plain_path`.
    """
    return path.startswith('/') or path == '..' or path.startswith('../')
