"""What the page does when somebody clicks: form in, HTML out; every error becomes words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.apis.web import cards
from mmt2ireid.apis.web.filters import Filter, where_of
from mmt2ireid.apis.web.service import SearchService, picture_address
from mmt2ireid.gallery import Where
from mmt2ireid.io.counts import counted

LOGGER = logging.getLogger('mmt2ireid.web')
SAMPLES = 24


@dataclass(frozen=True)
class Answer:
    """What changes on the page; where there are neither results nor a chosen crop, what stands there stays.

    Attributes:
        message: words to the visitor.
        results: crops.
        chosen: a crop with its neighbours.
    """

    message: str = ''
    results: str | None = None
    chosen: str | None = None


@dataclass(frozen=True)
class QueryPicture:
    """An uploaded picture to search with.

    Attributes:
        pixels: uint8 RGB (H, W, 3).
        name: of its file.
    """

    pixels: np.ndarray
    name: str


class Handlers:
    """Answers of the page.

    Args:
        service: what it can do.
        filters: of the form.
    """

    def __init__(self, service: SearchService, filters: Sequence[Filter]) -> None:
        self.service, self.filters = service, list(filters)

    def start(self) -> str:
        """The gallery before the first search."""
        return cards.samples(self.service.samples(SAMPLES), len(self.service), self.service.thumbnail)

    def search(
        self, text: str | None, picture: QueryPicture | None, text_weight: float, top_k: float, *entries: Any
    ) -> Answer:
        """Searches by what the form holds.

        Args:
            text: a description; may be empty beside a picture.
            picture: may be None beside a text.
            text_weight: of the text beside a picture.
            top_k: how many crops.
            *entries: of the filters.
        """

        def answer() -> Answer:
            words = (text or '').strip()
            if not words and picture is None:
                return Answer(cards.message('error', ['Describe the person in the field, or give a picture.']))
            where = where_of(self.filters, entries)
            hits = self.service.search(
                words or None,
                None if picture is None else picture.pixels,
                top_k=int(top_k),
                where=where,
                text_weight=text_weight,
            )
            notes = self.service.searcher.notes(words) if words else []
            asked = ' and '.join(
                part
                for part in (
                    words and f'“{words[:200]}”',
                    '' if picture is None else f'the picture {picture.name[:80]}',
                )
                if part
            )
            found = cards.results(asked, hits, len(self.service), told(where), self.service.thumbnail)
            return Answer(cards.message('note', notes), found)

        return in_words(answer)

    def neighbours(self, crop_id: Any, top_k: float, *entries: Any) -> Answer:
        """Shows a crop and those most like it.

        Args:
            crop_id: of the crop.
            top_k: how many.
            *entries: of the filters.
        """

        def answer() -> Answer:
            where = where_of(self.filters, entries)
            crop, hits = self.service.neighbours(str(crop_id), int(top_k), where)
            return Answer(chosen=cards.neighbours(crop, hits, told(where), self.service.thumbnail))

        return in_words(answer)

    def take_picture(self, path: str | None) -> tuple[QueryPicture | None, str, str]:
        """Reads a picture to search with.

        Args:
            path: of the uploaded file.

        Returns:
            The picture, its HTML, and words if it cannot be read.
        """
        taken: list[QueryPicture] = []

        def answer() -> Answer:
            if path:
                name = Path(path).name
                taken.append(QueryPicture(self.service.read_upload(path, name), name))
            return Answer()

        words = in_words(answer).message
        if not taken:
            return None, '', words
        return taken[0], cards.query_picture(picture_address(taken[0].pixels), taken[0].name), ''

    def add(self, paths: Sequence[str] | None) -> Answer:
        """Adds uploaded crops to the gallery and shows them.

        Args:
            paths: of the uploaded files.
        """

        def answer() -> Answer:
            done = self.service.add([(path, Path(path).name) for path in paths or ()])
            lines = []
            if done.added:
                lines.append(f'{counted(len(done.added), "crop")} added, to be found from now on.')
            if done.known:
                lines.append(f'{counted(len(done.known), "crop")} known already: {_names(done.known)}.')
            lines += [f'Not added: {name} {reason}.' for name, reason in done.refused]
            kind = 'done' if not done.refused else 'note' if done.added else 'error'
            found = cards.added(done.added, len(self.service), self.service.thumbnail) if done.added else None
            return Answer(cards.message(kind, lines), found)

        return in_words(answer)


def in_words(answer: Callable[[], Answer]) -> Answer:
    """An answer, or what is wrong in words.

    Args:
        answer: may raise.
    """
    try:
        return answer()
    except ValueError as error:  # wrong input, in words that were written to be read
        return Answer(cards.message('error', [_sentence(str(error))]))
    except OSError as error:
        LOGGER.exception('a file of the page could not be used')
        return Answer(cards.message('error', [f'The server cannot use a file: {error.strerror or "it is gone"}.']))
    except Exception:
        LOGGER.exception('an answer of the page failed')
        words = 'Something went wrong on the server; its log says what. Try something else.'
        return Answer(cards.message('error', [words]))


def told(where: Where | None) -> str:
    """A filter in words."""
    if not where:
        return ''
    words = {'=': '', '>=': 'from ', '<=': 'to '}
    return ', '.join(
        f'{part.field} {words.get(part.op, part.op)}{" or ".join(part.values)}' for part in where.conditions
    )


def _sentence(text: str) -> str:
    """A message as a sentence; the name of a file at its beginning stays as it is."""
    text = text.strip() or 'this cannot be answered'
    text = text if '.' in text.split()[0] else f'{text[0].upper()}{text[1:]}'
    return text if text.endswith(('.', '!', '?')) else f'{text}.'


def _names(names: Sequence[str]) -> str:
    rest = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return f'{", ".join(names[:3])}{rest}'
