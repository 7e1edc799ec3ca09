"""Reading the word lists and tables that come as YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mmt2ireid.io.text_files import read_text

MAX_REPEATED = 100_000
"""Entries that the aliases of a file may stand for."""


class _Loader(yaml.SafeLoader):
    """Plain data only, no key twice (YAML would silently keep the last one), and aliases that stand for little.

    Ten aliases to a list of ten aliases, ten levels deep, make ten thousand million entries of a few lines.
    """

    def get_single_node(self) -> yaml.Node | None:
        """The document, refused when its aliases stand for too much."""
        node = super().get_single_node()
        sizes: dict[int, int] = {}
        if node is not None and _entries(node, sizes) - len(sizes) > MAX_REPEATED:
            raise yaml.composer.ComposerError(
                None, None, f'its aliases (*name) must stand for at most {MAX_REPEATED:,} entries, but stand for more'
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, refused when a key stands in it twice."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused below
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key {key!r} stands there twice', key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _entries(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many nodes a document has with its aliases written out; ``sizes`` gets the number below each node."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = 0  # of one that holds itself, which is refused when it is read
    parts = [] if isinstance(node, yaml.ScalarNode) else node.value
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    sizes[id(node)] = 1 + sum(_entries(part, sizes) for part in parts)
    return sizes[id(node)]


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not UTF-8 or no YAML, has a key twice or aliases that stand for too much, is no mapping, or
            holds what is neither text nor number (a date, a set, itself).
    """
    text = read_text(path)
    try:
        # A subclass of SafeLoader: it makes plain data, never objects.
        content = yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise ValueError(f'{path}: must be a YAML file, but: {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path}: must hold a mapping, but got {type(content).__name__}')
    try:
        json.dumps(content)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{path}: must hold texts, numbers, lists and mappings (quote dates), but: {error}') from error
    return content


def digest_of(content: Any) -> str:
    """SHA-256 of plain data, as hex; comments and layout of its file do not matter, order does."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
