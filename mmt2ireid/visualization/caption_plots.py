"""Plots of a caption file: words, lengths and attributes (Figure 3 of UniPT), in the letters of the ranked strips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmt2ireid.visualization.figure import DPI, render_figure
from mmt2ireid.visualization.lettering import SERIF, load_font
from mmt2ireid.visualization.picture_file import save_picture

SIZE = (1800, 900)
"""Pixels of a plot: twice as many as it is wide in a README."""
_BAR, _MARK = '#3b6ea5', '#d7301f'
_CLOUD = ('#1f3b5c', '#3b6ea5', '#1b7f79', '#7a4a8c', '#a3532a')
_MAX_BARS = 90
_LONGEST_NAME = 28


def draw_word_cloud(
    frequencies: Mapping[str, int],
    path: str | Path,
    *,
    seed: int = 0,
    max_words: int = 150,
    size: tuple[int, int] = SIZE,
) -> Path:
    """Draws words as large as they are frequent (Figure 3, left).

    Args:
        frequencies: counts per word; stop words are the caller's to leave out.
        path: picture to write.
        seed: of the places and colours; the same seed draws the same cloud.
        max_words: most words drawn.
        size: width and height in pixels.

    Returns:
        ``path``.

    Raises:
        ValueError: no words.
        ImportError: the package ``wordcloud`` is not there.
    """
    if not frequencies:
        raise ValueError('frequencies must hold at least one word, but got none')
    cloud = _word_cloud_class()(
        width=size[0],
        height=size[1],
        background_color='white',
        font_path=load_font(SERIF, 10).path,
        max_words=max_words,
        max_font_size=size[1] // 4,
        min_font_size=18,
        relative_scaling=0.45,
        prefer_horizontal=0.92,
        margin=6,
        random_state=seed,
        color_func=lambda word, random_state, **_: random_state.choice(_CLOUD),
    )
    picture = cloud.generate_from_frequencies(dict(frequencies)).to_image()
    # A palette, as there are few colours: a fourth of the size.
    return save_picture(picture.quantize(64, dither=Image.Dither.NONE), path, dpi=DPI)


def _word_cloud_class() -> Any:
    try:
        from wordcloud import WordCloud
    except ImportError as error:
        raise ImportError("the word cloud needs wordcloud: pip install 'mmt2ireid[analysis]'") from error
    return WordCloud


def check_word_cloud() -> None:
    """Raises the ImportError of :func:`draw_word_cloud` before the work is done and not after."""
    _word_cloud_class()


def draw_attribute_frequency(counts: Mapping[str, int], num_images: int, path: str | Path) -> Path:
    """Draws in how many images each attribute was found, most frequent first (Figure 3, right).

    Args:
        counts: images per attribute.
        num_images: images looked at.
        path: picture to write.

    Returns:
        ``path``.

    Raises:
        ValueError: no attributes.
    """
    if not counts:
        raise ValueError('counts must hold at least one attribute, but got none')
    names = sorted(counts, key=lambda name: -counts[name])
    values = [counts[name] for name in names]
    size = SIZE[0], max(500, 220 + 85 * len(names))

    def plot(axes: Any) -> None:
        places = np.arange(len(names))
        axes.barh(places, values, height=0.66, color=_BAR)
        top = max(max(values), 1)
        for place, value in zip(places, values, strict=True):
            share = f'  ({100 * value / num_images:.1f} %)' if num_images else ''
            axes.text(value + 0.01 * top, place, f'{value:,}{share}', va='center')
        axes.set_yticks(places, [_shorten(name) for name in names])
        axes.invert_yaxis()
        axes.set_xlim(0, 1.24 * top)  # the longest bar's label has room
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.tick_params(axis='y', length=0)
        axes.set_xlabel(f'images in which it was found, of {num_images:,}')
        _whole_numbers(axes.xaxis)

    return _draw(plot, path, size)


def draw_length_distribution(lengths: Mapping[int, int], path: str | Path) -> Path:
    """Draws how many captions have how many words.

    Args:
        lengths: captions per length in words.
        path: picture to write.

    Returns:
        ``path``.

    Raises:
        ValueError: no captions.
    """
    total = sum(lengths.values())
    if not total:
        raise ValueError('lengths must hold at least one caption, but got none')
    shortest, longest = min(lengths), max(lengths)
    width = math.ceil((longest - shortest + 1) / _MAX_BARS)
    bars = np.zeros((longest - shortest) // width + 1, dtype=np.int64)
    for length, count in lengths.items():
        bars[(length - shortest) // width] += count
    mean = sum(length * count for length, count in lengths.items()) / total

    def plot(axes: Any) -> None:
        # A bar stands over the lengths it counts: over the middle of one, or from the first to the last of several.
        lefts = shortest - 0.5 + width * (np.arange(len(bars)) + 0.06)
        axes.bar(lefts, bars, width=0.88 * width, align='edge', color=_BAR)
        axes.axvline(mean, color=_MARK, linewidth=2, linestyle=(0, (4, 3)))
        top = 1.16 * bars.max()
        axes.set_ylim(0, top)
        middle = (shortest + longest) / 2
        side, space = ('left', '  ') if mean <= middle else ('right', '')
        text = f'{space}mean {mean:.1f}, {shortest} to {longest} words' + ('' if space else '  ')
        axes.text(mean, 0.98 * top, text, color=_MARK, ha=side, va='top')
        margin = max(1.5, 0.01 * (longest - shortest))
        axes.set_xlim(shortest - margin, longest + margin)
        axes.set_xlabel('words per caption' + (f' (bars of {width})' if width > 1 else ''))
        axes.set_ylabel('captions')
        _whole_numbers(axes.xaxis)
        _whole_numbers(axes.yaxis)

    return _draw(plot, path, SIZE)


def _draw(plot: Any, path: str | Path, size: tuple[int, int]) -> Path:
    return save_picture(render_figure(plot, size), path, dpi=DPI)


def _whole_numbers(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:,.0f}'))


def _shorten(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    head = name[:_LONGEST_NAME]
    return f'{head.rpartition(" ")[0] or head[:-1]} …'
