"""Reading text files: UTF-8 only, and an error names the file, the line and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_ADVICE = 'Save it as UTF-8 (an editor\'s "Save with encoding", or iconv -f ENCODING -t UTF-8)'
_BYTE_ORDER_MARKS = (b'\xff\xfe', b'\xfe\xff')
_SHOWN = 30  # bytes of a line that is no UTF-8


class TextFileError(ValueError):
    """A file is not the text that it should be. The message names file and line."""


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a text file as a whole.

    Line ends are read as ``\\n``; a byte order mark before UTF-8, as some editors write it, is left out.

    Args:
        path: the file.

    Returns:
        Its text.

    Raises:
        TextFileError: it is not UTF-8, or holds null characters, as UTF-16 and binary files do.
        OSError: it cannot be read.
    """
    with open_text(path) as stream:
        text = stream.read()
    if '\0' in text:
        raise TextFileError(_null_character(path, text.count('\n', 0, text.index('\0')) + 1))
    return text


@contextmanager
def open_text(path: str | os.PathLike[str], newline: str | None = None) -> Iterator[TextIO]:
    """Open a text file, to be read piece by piece within the ``with`` statement.

    Args:
        path: the file.
        newline: as in :func:`open`; None reads all line ends as ``\\n``.

    Yields:
        The open file.

    Raises:
        TextFileError: what is read is not UTF-8.
        OSError: it cannot be read.

    Example:
        >>> with open_text('captions.txt') as stream:
        ...     captions = [line.rstrip() for line in stream]
    """
    with open(path, encoding='utf-8-sig', newline=newline) as stream:
        try:
            yield stream
        except UnicodeDecodeError as error:
            raise TextFileError(_describe(path, error)) from error


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Read a text file line by line; memory does not grow with it.

    Args:
        path: the file.

    Yields:
        Number of the line, from 1, and its text without the line end.

    Raises:
        TextFileError: a line is not UTF-8, or holds null characters.
        OSError: it cannot be read.
    """
    with open_text(path) as stream:
        for number, line in enumerate(stream, 1):
            if '\0' in line:
                raise TextFileError(_null_character(path, number))
            yield number, line.rstrip('\n')


def _null_character(path: str | os.PathLike[str], line: int) -> str:
    return (
        f'{os.fspath(path)}, line {line}: must be text in UTF-8, but holds null characters: it is UTF-16 or binary. '
        f'{_ADVICE}'
    )


def _describe(path: str | os.PathLike[str], error: UnicodeDecodeError) -> str:
    """The first line that is no UTF-8: the error itself counts from the piece that was being read."""
    name = os.fspath(path)
    with Path(path).open('rb') as stream:
        if stream.read(2) in _BYTE_ORDER_MARKS:
            return f'{name}: must be text in UTF-8, but is UTF-16. {_ADVICE}'
        stream.seek(0)
        for number, line in enumerate(stream, 1):
            if b'\0' in line:
                return _null_character(path, number)
            try:
                line.decode()
            except UnicodeDecodeError as first:
                found = line[first.start : first.start + _SHOWN].rstrip()
                return f'{name}, line {number}: must be text in UTF-8, but is not, from {found!r} on. {_ADVICE}'
    return f'{name}: must be text in UTF-8, but {error}. {_ADVICE}'
