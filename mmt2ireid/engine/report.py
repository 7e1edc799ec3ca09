"""Metrics for people and for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmt2ireid.compat import write_atomically


def markdown_table(metrics: Mapping[str, float]) -> str:
    """Lays metrics out as one Markdown table.

    Args:
        metrics: values by ``direction/name``, such as ``t2i/R1``; without a direction, by name.

    Returns:
        A table with a row per direction and a column per name, two digits after the point.
    """
    rows: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        direction, _, name = key.rpartition('/')
        rows.setdefault(direction, {})[name] = value
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [['direction', *names], ['---', *('---:' for _ in names)]]
    lines += [
        [direction, *(f'{row[name]:.2f}' if name in row else '' for name in names)] for direction, row in rows.items()
    ]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


def mean_and_spread(values: Sequence[float]) -> str:
    """A cell of a table.

    Args:
        values: at least one.

    Returns:
        '12.3' of one value, '12.3 ± 0.4', mean and sample standard deviation, of several.
    """
    mean = f'{statistics.fmean(values):.1f}'
    return mean if len(values) == 1 else f'{mean} ± {statistics.stdev(values):.1f}'


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Writes a JSON file, whole or not at all.

    Args:
        path: where.
        content: what; numpy and torch scalars become numbers.
    """
    text = json.dumps(content, indent=2, default=lambda value: value.item())
    write_atomically(path, f'{text}\n'.encode())
