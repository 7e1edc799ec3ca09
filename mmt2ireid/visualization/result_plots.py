"""Plots of an evaluation: CMC curves and the similarities of right and wrong pairs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.visualization.figure import DPI, render_figure
from mmt2ireid.visualization.picture_file import save_picture

SIZE = (1800, 1000)
_LINES = (('#2166ac', '-'), ('#d7301f', (0, (5, 2))), ('#1b9e4b', (0, (1, 1.5))), ('#7a4a8c', (0, (6, 2, 1, 2))))
_MATCHING, _OTHER = '#2166ac', '#d7301f'
_MOST_BARS = 100


def draw_cmc(curves: Mapping[str, np.ndarray], path: str | Path) -> Path:
    """Draws CMC curves; of several runs their mean, and a band from the lowest to the highest.

    Args:
        curves: for each name in the legend, percent (K,) or, of several runs, (runs, K) at the ranks 1 to K; at most
            four names.
        path: picture to write.

    Returns:
        ``path``.

    Raises:
        ValueError: no curves, more than four, or curves of unlike length.
    """
    tables = {name: np.atleast_2d(np.asarray(curve, dtype=np.float64)) for name, curve in curves.items()}
    lengths = {table.shape[1] for table in tables.values()}
    if not 1 <= len(tables) <= len(_LINES) or len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f'curves must be one to {len(_LINES)} of equal length, but got {len(tables)} of {sorted(lengths)}'
        )
    ranks = np.arange(1, lengths.pop() + 1)

    def plot(axes: Any) -> None:
        for (name, table), (colour, dashes) in zip(tables.items(), _LINES, strict=False):
            at_once = (
                f'{table[0, 0]:.2f}' if len(table) == 1 else f'{table[:, 0].mean():.1f} ± {table[:, 0].std(ddof=1):.1f}'
            )
            label = f'{name}: {at_once} % at rank 1'
            marker = dict(marker='o', markersize=5) if len(ranks) == 1 else {}
            axes.plot(ranks, table.mean(0), color=colour, linestyle=dashes, linewidth=2.2, label=label, **marker)
            if len(table) > 1:
                axes.fill_between(ranks, table.min(0), table.max(0), color=colour, alpha=0.18, linewidth=0)
        lowest = min(table.min() for table in tables.values())
        axes.set_ylim(max(0.0, 10 * np.floor(lowest / 10)), 100.8)
        axes.set_xlim(0.5, ranks[-1] + 0.5)
        axes.set_xticks(_ticks(int(ranks[-1])))
        axes.set_xlabel('rank k')
        axes.set_ylabel('queries with a hit among the first k (%)')
        axes.grid(color='#e4e4e4', linewidth=0.8)
        axes.set_axisbelow(True)
        axes.legend(loc='lower right', frameon=False)

    return save_picture(render_figure(plot, SIZE), path, dpi=DPI)


def draw_similarity_histogram(edges: np.ndarray, matching: np.ndarray, other: np.ndarray, path: str | Path) -> Path:
    """Draws how similar pairs of one person and of two persons are, each kind as shares of its own pairs.

    Args:
        edges: (bins + 1,), ascending edges of bins of equal width.
        matching: (bins,), pairs of one person.
        other: (bins,), pairs of two persons.
        path: picture to write.

    Returns:
        ``path``.

    Raises:
        ValueError: no pairs, or lengths that do not fit.
    """
    edges, kinds = np.asarray(edges, dtype=np.float64), [np.asarray(matching), np.asarray(other)]
    if any(counts.shape != (len(edges) - 1,) for counts in kinds):
        raise ValueError(f'matching and other must have {len(edges) - 1} entries, but got {[k.shape for k in kinds]}')
    if not sum(int(counts.sum()) for counts in kinds):
        raise ValueError('matching or other must count at least one pair, but got none')
    occupied = np.flatnonzero(kinds[0] + kinds[1])
    first, last = occupied[0], occupied[-1] + 1
    step = -(-(last - first) // _MOST_BARS)
    last = first + step * -(-(last - first) // step)

    def plot(axes: Any) -> None:
        width = edges[1] - edges[0]
        places = edges[0] + width * np.arange(first, last + 1, step)
        styles = ((_MATCHING, 'the same person'), (_OTHER, 'another person'))
        for layer, (counts, (colour, name)) in enumerate(zip(kinds, styles, strict=True)):
            total = int(counts.sum())
            if not total:
                continue
            padded = np.concatenate([counts, np.zeros(max(0, last - len(counts)), dtype=counts.dtype)])
            shares = 100 * padded[first:last].reshape(-1, step).sum(1) / total
            mean = float((counts * (edges[:-1] + width / 2)).sum() / total)
            label = f'{name} ({total:,} pairs, mean {mean:.2f})'
            axes.stairs(shares, places, color=colour, alpha=0.22, fill=True, linewidth=0, zorder=1)
            axes.stairs(shares, places, color=colour, linewidth=2, label=label, zorder=3 + layer)
            axes.axvline(mean, color=colour, linestyle=(0, (4, 3)), linewidth=1.4, zorder=2)
        axes.set_xlim(places[0], places[-1])
        axes.set_xlabel('cosine similarity of caption and picture')
        axes.set_ylabel(f'share of pairs per {step * width:.2g} (%)')
        above = dict(loc='lower center', bbox_to_anchor=(0.5, 1.0))  # curves and means have all the room below
        axes.legend(frameon=False, handlelength=1.2, **above)  # one below the other: millions of pairs are long words

    return save_picture(render_figure(plot, SIZE), path, dpi=DPI)


def _ticks(last: int) -> list[int]:
    """1, then round numbers, as many as can be read."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if last / step <= 11)
    return sorted({1, *range(step, last + 1, step)})
