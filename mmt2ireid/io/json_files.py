"""Reading JSON: UTF-8 only, and no key twice in one object, of which Python would silently keep the last."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmt2ireid.io.text_files import open_text, read_text

_PIECE = 2**20  # letters of a file that are read at one time
_LONGEST = 2**24  # letters of an item; a longer one is a broken file
_SHOWN = 80  # letters of an object that has a key twice


class JSONFileError(ValueError):
    """A file is not the JSON that it should be. The message names the file and, where it is known, the record."""


class DuplicateKeyError(ValueError):
    """An object of JSON has a key twice."""


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Args:
        text: what to parse.

    Returns:
        Its content.

    Raises:
        DuplicateKeyError: an object has a key twice.
        ValueError: it is no JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error


def read_json(path: str | os.PathLike[str], expected: str = 'JSON') -> Any:
    """Read a JSON file as a whole.

    Args:
        path: the file.
        expected: what it should be, for messages.

    Returns:
        Its content.

    Raises:
        TextFileError: it is not UTF-8.
        JSONFileError: it is no JSON, or an object in it has a key twice.
        OSError: it cannot be read.
    """
    text = read_text(path)
    try:
        return parse_json(text)
    except DuplicateKeyError as error:
        raise JSONFileError(f'{os.fspath(path)}{_record_of(text)}: {error}') from error
    except ValueError as error:
        raise JSONFileError(f'{os.fspath(path)}: expected {expected}, but it is no JSON: {error}') from error


def json_items(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Read a JSON list item by item; memory does not grow with it.

    Args:
        path: the file.

    Yields:
        The items.

    Raises:
        TextFileError: it is not UTF-8.
        JSONFileError: it is no such list, or an object in it has a key twice.
    """
    name = os.fspath(path)
    decoder, text, place, opened, number = json.JSONDecoder(object_pairs_hook=_unique), '', 0, False, 0
    with open_text(path) as stream:
        while True:
            piece = stream.read(_PIECE)
            text, place = text[place:] + piece, 0
            if not opened:
                text = text.lstrip()
                if text[:1] != '[':
                    raise JSONFileError(f'{name}: expected a JSON list of records, but it starts with {text[:20]!r}')
                opened, place = True, 1
            while True:
                place = _skip(text, place)
                if text[place : place + 1] == ']':
                    rest = (text[place + 1 :] + stream.read(_PIECE)).strip()
                    if rest:
                        raise JSONFileError(f'{name}: expected nothing behind the JSON list, but got {rest[:20]!r}')
                    return
                try:
                    item, place = decoder.raw_decode(text, place)
                except DuplicateKeyError as error:
                    raise JSONFileError(f'{name}, record {number}: {error}') from error
                except json.JSONDecodeError as error:
                    if not piece or len(text) - place > _LONGEST:
                        raise JSONFileError(f'{name}: expected a JSON list of records, but {error}') from error
                    break  # the rest of this item has not been read yet
                except (RecursionError, ValueError) as error:  # an integer of thousands of digits
                    raise JSONFileError(f'{name}, record {number}: expected JSON, but {error}') from error
                yield item
                number += 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        shown = str(dict(itertools.islice(found.items(), _SHOWN)))
        raise DuplicateKeyError(f'the key {twice!r} must be in an object once, but is twice in {shown:.{_SHOWN}}...')
    return found


def _record_of(text: str) -> str:
    """', record 7', the first item of a list that has a key twice; '' where the text is no list."""
    decoder, number, place = json.JSONDecoder(object_pairs_hook=_unique), 0, _skip(text, 0)
    if text[place : place + 1] != '[':
        return ''
    place += 1
    while True:
        try:
            _, place = decoder.raw_decode(text, _skip(text, place))
        except ValueError:
            return f', record {number}'
        number += 1


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in ' \t\r\n,':
        place += 1
    return place
