"""The settings in a checkpoint's config, read without running it: MMEngine keeps it as Python text."""

from __future__ import annotations

import ast
from typing import Any

MAX_CHARACTERS = 10_000_000


def read_config_text(text: Any) -> dict[str, Any]:
    """Reads the plain values of a config as ``Config.pretty_text`` writes it.

    Args:
        text: Python text of assignments, as it is in ``meta['cfg']`` of a checkpoint.

    Returns:
        The settings by name: numbers, strings, None, lists, tuples and dicts; what is none of these is None. Empty for
        anything that is no such text.

    Example:
        >>> read_config_text("model = dict(img_size=(96, 48))")
        {'model': {'img_size': (96, 48)}}
    """
    if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
        return {}
    try:
        found = {}
        for line in ast.parse(text).body:
            if isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
                found[line.targets[0].id] = _value(line.value)
        return found
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _value(node: ast.expr | None) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        values = [_value(item) for item in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        return -number if isinstance(number, (int, float)) else None
    if isinstance(node, ast.Dict):
        return _entries(zip(node.keys, node.values, strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        return _entries((word.arg, word.value) for word in node.keywords)
    return None


def _entries(pairs: Any) -> dict[Any, Any]:
    """Of ``dict(a=1, **{'b.c': 2})`` and of ``{'a': 1}``; what ``**`` stands before has no name, or no key."""
    found: dict[Any, Any] = {}
    for key, node in pairs:
        value = _value(node)
        if key is None:
            found.update(value if isinstance(value, dict) else {})
            continue
        name = key if isinstance(key, str) else _value(key)
        if isinstance(name, (str, int, float)):
            found[name] = value
    return found
