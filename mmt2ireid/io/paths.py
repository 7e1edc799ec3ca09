"""Paths as annotation files and lists write them: relative to a folder, with forward slashes."""

from __future__ import annotations

import posixpath

NOT_TEXT = 'has a name that is not UTF-8: rename it'
"""Why a file is left out whose name cannot be written down, see :func:`is_text`."""


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


def is_text(name: str) -> bool:
    """Whether a name can be written down: a file name that is not UTF-8 has lone surrogates.

    Args:
        name: of a file.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown_path(name: str) -> str:
    """A name that any output can take: bytes that are not UTF-8 are escaped (``caf\\udce9.png``).

    Args:
        name: of a file, as Python gives it.
    """
    return name.encode(errors='backslashreplace').decode()
