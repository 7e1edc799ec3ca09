"""The marks of templates.

A template is text with marks:

``{upper clothes}``
    a blank for an attribute; ``{action.finite}`` for another form of it; ``{bare upper clothes}`` without its article.
``{person}``, ``{noun}``
    the person, with and without the age; ``{a person}`` with the article that fits; ``{he}``, ``{his}``, ``{him}``.
``{upper clothes:is|are}``
    one of two words, by whether the phrase is a singular or a plural.
``{wearing}``
    a class of the synonym table.
``[, carrying {bag}]``
    vanishes whole unless everything directly in it can be said.
``<{glasses} | wears {hat}>``
    a list of what can be said: commas, and "and" before the last.

A blank for an optional attribute stands in brackets or in a list. An attribute that has been said is not said again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r'\{([^{}]*)\}|([\[\]<>|])|([^{}\[\]<>|]+)|(.)', re.DOTALL)


@dataclass(frozen=True)
class Blank:
    """A mark in braces.

    Attributes:
        name: attribute, ``person``, ``noun``, a pronoun or a class of synonyms.
        form: ``finite`` of ``{action.finite}``; empty for the usual one.
        article: ``a``, ``bare`` or empty.
        singular, plural: the two words of ``{upper clothes:is|are}``; empty elsewhere.
    """

    name: str
    form: str = ''
    article: str = ''
    singular: str = ''
    plural: str = ''


@dataclass(frozen=True)
class Bracket:
    """A segment in brackets."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Listing:
    """A list of segments."""

    items: tuple[tuple[Node, ...], ...]


Node = str | Blank | Bracket | Listing


def parse_template(text: str) -> tuple[Node, ...]:
    """The nodes of a template.

    Raises:
        ValueError: its marks are not balanced, or one is empty; the message names the template.
    """
    tokens = [match for match in _TOKEN.finditer(text)]
    nodes, end = _parse_nodes(text, tokens, 0, closing='')
    if end < len(tokens):
        raise ValueError(f'template {text!r}: {tokens[end][0]!r} at {tokens[end].start()} must have its partner')
    return nodes


def _parse_nodes(text: str, tokens: Sequence[re.Match[str]], start: int, closing: str) -> tuple[tuple[Node, ...], int]:
    """Nodes from a token on, up to one of the closing marks; and the position of that mark."""
    nodes: list[Node] = []
    position = start
    while position < len(tokens):
        token = tokens[position]
        if token[0] in closing or token[0] in '|]>':
            break
        if token[1] is not None:
            nodes.append(_parse_blank(token[1], text))
        elif token[3]:
            nodes.append(token[3])
        elif token[0] == '[':
            inner, position = _parse_nodes(text, tokens, position + 1, ']')
            _expect(text, tokens, position, ']')
            nodes.append(Bracket(inner))
        elif token[0] == '<':
            listing, position = _parse_listing(text, tokens, position)
            nodes.append(listing)
        else:
            raise ValueError(f'template {text!r}: {token[0]!r} at {token.start()} must have its partner')
        position += 1
    return tuple(nodes), position


def _parse_listing(text: str, tokens: Sequence[re.Match[str]], start: int) -> tuple[Listing, int]:
    items: list[tuple[Node, ...]] = []
    position = start
    while not items or tokens[position][0] == '|':
        nodes, position = _parse_nodes(text, tokens, position + 1, '|>')
        _expect(text, tokens, position, '|>')
        items.append(_stripped(nodes))
        if not items[-1]:
            raise ValueError(f'template {text!r}: each item of a list < | > must hold something')
    return Listing(tuple(items)), position


def _stripped(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """An item of a list without the blanks beside ``|``."""
    found = list(nodes)
    if found and isinstance(found[0], str):
        found[0] = found[0].lstrip()
    if found and isinstance(found[-1], str):
        found[-1] = found[-1].rstrip()
    return tuple(node for node in found if node != '')


def _expect(text: str, tokens: Sequence[re.Match[str]], position: int, marks: str) -> None:
    if position >= len(tokens) or tokens[position][0] not in marks:
        raise ValueError(f'template {text!r}: must close each [ with ] and each < with >')


def _parse_blank(mark: str, text: str) -> Blank:
    name, article, form, singular, plural = mark.strip(), '', '', '', ''
    if ':' in name:
        name, _, words = name.partition(':')
        singular, bar, plural = words.partition('|')
        if not (bar and singular.strip() and plural.strip()) or '|' in plural:
            raise ValueError(f'template {text!r}: {{{mark}}} must be like {{upper clothes:is|are}}')
    if '.' in name:
        name, _, form = name.partition('.')
    for word in ('a', 'bare'):
        if name.startswith(f'{word} '):
            name, article = name.removeprefix(f'{word} '), word
    if not name.strip():
        raise ValueError(f'template {text!r}: {{{mark}}} must have a name')
    return Blank(name.strip(), form.strip(), article, singular.strip(), plural.strip())


def blanks_in(nodes: Sequence[Node]) -> Iterator[Blank]:
    """All blanks of a template, from the left."""
    for node in nodes:
        if isinstance(node, Blank):
            yield node
        elif isinstance(node, Bracket):
            yield from blanks_in(node.nodes)
        elif isinstance(node, Listing):
            for item in node.items:
                yield from blanks_in(item)
