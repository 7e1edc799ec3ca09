"""Ranked strips that tell a caption's own picture from others of the same person (Figure 5 of CMMT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from mmt2ireid.visualization.lettering import SANS, SERIF, SERIF_BOLD, load_font
from mmt2ireid.visualization.ranked_strip import (
    PAIRED_SIGN,
    UNPAIRED_SIGN,
    StripRow,
    StripStyle,
    render_ranked_strips,
)
from mmt2ireid.visualization.saved_features import SavedFeatures, unit_rows

STYLE = StripStyle(text_width=400, text_sizes=(36, 25), label_size=29, header_size=34, gap=14, margin=32)
"""Two of such columns are as wide as a README is at a third of their size."""
LEGEND = ('the picture that the caption was written for', 'another picture of the same person', 'another person')

Group = tuple[str, Sequence[StripRow]]


def render_paired_strips(
    groups: Sequence[Group], *, style: StripStyle = STYLE, legend: tuple[str, str, str] = LEGEND
) -> Image.Image:
    """Draws groups of queries side by side, a legend below.

    Zhao et al., "Weakly Supervised Text-based Person Re-Identification", ICCV 2021, Figure 5: a right crop is framed
    red where it is the one that the caption is paired with, blue where it is not. Wrong ones have a thin grey frame.

    Args:
        groups: title and rows of each column; the rows have :attr:`StripRow.paired`.
        style: sizes and colours.
        legend: what red, blue and grey frames mean.

    Returns:
        An RGB picture on white.

    Raises:
        ValueError: no groups, a group without rows, or rows that do not say which crop is the paired one.
    """
    if not groups or not all(rows for _, rows in groups):
        raise ValueError('groups must hold at least one row each, but there is none')
    if any(row.paired is None for _, rows in groups for row in rows):
        raise ValueError('rows must say which crop is the paired one, but one has paired=None')
    columns = [render_ranked_strips(rows, style=style) for _, rows in groups]
    top, foot = style.margin + round(1.6 * style.header_size), round(2.2 * style.header_size)
    width = sum(column.width for column in columns)
    height = top + max(column.height for column in columns) + foot
    picture = Image.new('RGB', (max(width, _legend_width(legend, style)), height), 'white')
    canvas, left = ImageDraw.Draw(picture), 0
    for (title, _), column in zip(groups, columns, strict=True):
        right = left + column.width - style.margin
        font = load_font(SERIF_BOLD, style.header_size)
        place = left + style.margin, style.margin + style.header_size
        canvas.text(place, title, font=font, fill=style.ink, anchor='ls')
        canvas.line((left + style.margin, top, right, top), fill=style.ink, width=3)
        picture.paste(column, (left, top + 3))
        left += column.width
    _draw_legend(canvas, legend, height - style.margin, style)
    return picture


def choose_queries(
    pids: np.ndarray, txt_image: np.ndarray, num_queries: int, *, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Draws captions as Figure 5 has them: some of one person, and as many of different other ones.

    Args:
        pids: integers (N,), persons that the images show.
        txt_image: integers (M,), the image that a caption describes.
        num_queries: captions in all.
        seed: of the draw; nothing but chance and the number of captions of a person decides.

    Returns:
        Captions of one person, and captions of others; fewer than asked for where there are no more.

    Raises:
        ValueError: ``num_queries`` below 1, or no captions.
    """
    if num_queries < 1 or not len(txt_image):
        raise ValueError(f'num_queries must be at least 1, of some captions, but got {num_queries} of {len(txt_image)}')
    rng, persons = np.random.default_rng(seed), pids[txt_image]
    together = -(-num_queries // 2)
    names, counts = np.unique(persons, return_counts=True)
    order = rng.permutation(names[counts >= min(together, counts.max())])
    one = np.flatnonzero(persons == order[0])
    others = rng.permutation(names[names != order[0]])[: num_queries - together]
    return (
        sorted(rng.permutation(one)[:together].tolist()),
        [int(rng.choice(np.flatnonzero(persons == name))) for name in others],
    )


def paired_rows(
    split: SavedFeatures, captions: Sequence[int], *, topk: int = 5, load_image: Callable[[int], Image.Image]
) -> list[StripRow]:
    """Ranks the images of a split for some of its captions.

    Args:
        split: features; ``pids`` says what counts as right.
        captions: queries, by their rows.
        topk: crops per query.
        load_image: the picture of an image, by its row.

    Returns:
        A row per caption.
    """
    gallery, rows = unit_rows(split.img_feats), []
    for caption in captions:
        scores = gallery @ unit_rows(split.txt_feats[caption][None])[0]
        best, own = np.argsort(-scores, kind='stable')[:topk], int(split.txt_image[caption])
        rows.append(
            StripRow(
                query_text=split.captions[caption],
                images=[load_image(int(image)) for image in best],
                scores=scores[best].tolist(),
                hits=(split.pids[best] == split.pids[own]).tolist(),
                paired=(best == own).tolist(),
            )
        )
    return rows


def _legend_width(legend: Sequence[str], style: StripStyle) -> int:
    plain = load_font(SERIF, style.header_size - 3)
    return round(2 * style.margin + sum(plain.getlength(words) + 3.5 * style.header_size for words in legend))


def _draw_legend(canvas: ImageDraw.ImageDraw, legend: Sequence[str], base: int, style: StripStyle) -> None:
    plain, sign_font = load_font(SERIF, style.header_size - 3), load_font(SANS, style.header_size - 8)
    left, side = float(style.margin), round(0.68 * style.header_size)
    signs, colours = (PAIRED_SIGN, UNPAIRED_SIGN, ''), (style.paired, style.unpaired, style.faint)
    for words, sign, colour in zip(legend, signs, colours, strict=True):
        canvas.rectangle((left, base - side, left + side, base), outline=colour, width=6 if sign else 2)
        left += 1.4 * side
        if sign:
            canvas.text((left, base), sign, font=sign_font, fill=colour, anchor='ls')
            left += sign_font.getlength(sign) + 0.4 * side
        canvas.text((left, base), words, font=plain, fill=style.ink, anchor='ls')
        left += plain.getlength(words) + 1.4 * style.header_size
