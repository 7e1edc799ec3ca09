"""Reading the word lists and tables that come as YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mmt2ireid.io.text_files import read_text


class _Loader(yaml.SafeLoader):
    """Plain data only, no key twice (YAML would silently keep the last one), and no aliases.

    Ten aliases to a list of ten aliases, ten levels deep, make ten thousand million entries of a few lines.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node, refused where it stands for another one."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None,
                None,
                f'aliases such as *{event.anchor} are not read: write out what it stands for',
                event.start_mark,
            )
        return super().compose_node(parent, index)

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


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not UTF-8 or no YAML, has a key twice or an alias, is no mapping, or holds what is neither
            text nor number (a date, a set).
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
