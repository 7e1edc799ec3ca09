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
    """Plain data only, and no key twice: YAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, refused when a key stands in it twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key {key!r} stands there twice', node.value[position][0].start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not UTF-8 or no YAML, has a key twice, is no mapping, or holds what is neither text nor number
            (a date, a set, itself).
    """
    try:
        # A subclass of SafeLoader: it makes plain data, never objects.
        content = yaml.load(read_text(path), _Loader)
    except (yaml.YAMLError, RecursionError) as error:
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
