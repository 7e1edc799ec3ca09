"""JSON lists that are too long for memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PIECE = 2**20  # letters of a file that are read at one time
_LONGEST = 2**24  # letters of an item; a longer one is a broken file


def json_items(file: Path) -> Iterator[Any]:
    """Reads a JSON list item by item; memory does not grow with it.

    Args:
        file: in UTF-8.

    Yields:
        The items.

    Raises:
        ValueError: it is no such list.
    """
    decoder, text, place, opened = json.JSONDecoder(), '', 0, False
    with open(file, encoding='utf-8-sig') as stream:
        while True:
            try:
                piece = stream.read(_PIECE)
            except UnicodeDecodeError as error:
                raise ValueError(f'{file}: expected UTF-8, but {error}') from error
            text, place = text[place:] + piece, 0
            if not opened:
                text = text.lstrip()
                if text[:1] != '[':
                    raise ValueError(f'{file}: expected a JSON list of records, but it starts with {text[:20]!r}')
                opened, place = True, 1
            while True:
                place = _skip(text, place)
                if text[place : place + 1] == ']':
                    rest = (text[place + 1 :] + stream.read(_PIECE)).strip()
                    if rest:
                        raise ValueError(f'{file}: expected nothing behind the JSON list, but got {rest[:20]!r}')
                    return
                try:
                    item, place = decoder.raw_decode(text, place)
                except json.JSONDecodeError as error:
                    if not piece or len(text) - place > _LONGEST:
                        raise ValueError(f'{file}: expected a JSON list of records, but {error}') from error
                    break  # the rest of this item has not been read yet
                except RecursionError as error:
                    raise ValueError(f'{file}: expected a JSON list of records, but {error}') from error
                yield item


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in ' \t\r\n,':
        place += 1
    return place
