"""Ranked strips of what a model finds at once and of what it finds last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mmt2ireid.visualization.ranked_strip import StripStyle, draw_ranked_strips
from mmt2ireid.visualization.saved_features import SavedFeatures, make_row, open_picture, select_rows


def choose_successes(
    first_ranks: Sequence[int] | np.ndarray, pids: Sequence[int] | np.ndarray, num_rows: int, *, seed: int = 0
) -> list[int]:
    """Draws queries whose best answer is right: by chance, not the finest, no person twice while others are left.

    Args:
        first_ranks: (Q,), the rank of each query's first right answer.
        pids: (Q,), persons of the queries.
        num_rows: how many to draw.
        seed: of the draw.

    Returns:
        At most ``num_rows`` query numbers, ascending.

    Raises:
        ValueError: ``num_rows`` below 1, or lengths that do not fit.
    """
    ranks, persons = _checked(first_ranks, pids)
    hits = np.flatnonzero(ranks == 1)
    chosen = select_rows(np.ones(len(hits), dtype=bool), num_rows, pids=persons[hits], seed=seed)
    return sorted(hits[chosen].tolist())


def worst_failures(
    first_ranks: Sequence[int] | np.ndarray, pids: Sequence[int] | np.ndarray, num_rows: int
) -> list[int]:
    """The queries whose first right answer is ranked last. Nothing is left to chance.

    Of equal ranks the query with the smaller number comes first. A person's second query comes only where the persons
    with a wrong answer do not fill the rows.

    Args:
        first_ranks: (Q,), the rank of each query's first right answer; 1 is no failure, 0 (none at all) none either.
        pids: (Q,), persons of the queries.
        num_rows: how many.

    Returns:
        At most ``num_rows`` query numbers, each person's worst ones first, by falling rank.

    Raises:
        ValueError: ``num_rows`` below 1, or lengths that do not fit.
    """
    ranks, persons = _checked(first_ranks, pids)
    if num_rows < 1:
        raise ValueError(f'num_rows must be at least 1, but got {num_rows}')
    order = np.argsort(-ranks, kind='stable')
    order = order[ranks[order] > 1]
    _, first = np.unique(persons[order], return_index=True)
    repeated = np.ones(len(order), dtype=bool)
    repeated[first] = False
    return order[np.argsort(repeated, kind='stable')][:num_rows].tolist()


def draw_result_strips(
    split: SavedFeatures,
    captions: Sequence[int],
    first_ranks: Sequence[int] | np.ndarray,
    found: tuple[np.ndarray, np.ndarray],
    path: str | Path,
    *,
    data_root: str | Path | None = None,
    load_image: Callable[[str], Image.Image] | None = None,
    style: StripStyle | None = None,
) -> Path:
    """Draws some captions with their own picture, where the first right one stands, and the best crops.

    Args:
        split: features.
        captions: queries, by their rows.
        first_ranks: (M,), the rank of the first right picture of every caption.
        found: similarities (n, k) of the best pictures of the n captions, and those pictures, int64 (n, k), as
            :func:`~mmt2ireid.evaluation.rank_gallery` gives them: strips then agree with the ranks, ties included.
        path: picture to write, whole or not at all.
        data_root: folder that relative image paths start from; None is the working folder.
        load_image: turns an image path into a picture; None opens files.
        style: sizes and colours.

    Returns:
        ``path``.

    Raises:
        FileNotFoundError: an image is not where its path says.
        ValueError: no captions, or ``found`` is of others.
    """
    root = Path(data_root or '.')
    open_image = load_image or (lambda name: open_picture(root / name))
    rows = [
        replace(
            make_row(split, caption, order, scores, open_image),
            query_note='' if first_ranks[caption] == 1 else f'hit at {first_ranks[caption]}',
        )
        for caption, scores, order in zip(captions, *found, strict=True)
    ]
    return draw_ranked_strips(rows, path, style=style)


def _checked(
    first_ranks: Sequence[int] | np.ndarray, pids: Sequence[int] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    ranks, persons = np.asarray(first_ranks), np.asarray(pids)
    if ranks.ndim != 1 or persons.shape != ranks.shape:
        raise ValueError(f'pids must have {len(ranks)} entries, one per rank, but got {persons.shape}')
    return ranks, persons
