"""Boxes around people: which of them count, and what is cut out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class BoxRules:
    """Which boxes become crops.

    Attributes:
        min_score: lowest score that counts.
        max_overlap: of two boxes that overlap by more (intersection over union), the one with the lower score is
            dropped.
        min_height, min_width: in pixels; smaller people are dropped.
        padding: added on each side, as a share of the box's width and height.
    """

    min_score: float
    max_overlap: float = 0.5
    min_height: int = 48
    min_width: int = 16
    padding: float = 0.05

    def __post_init__(self) -> None:
        if math.isnan(self.min_score):
            raise ValueError(f'min_score must be a number, but got {self.min_score}')
        if not 0 <= self.max_overlap <= 1:
            raise ValueError(f'max_overlap must be from 0 to 1, but got {self.max_overlap}')
        if self.min_height < 1 or self.min_width < 1:
            raise ValueError(
                f'min_height and min_width must be at least 1, but got {self.min_height}, {self.min_width}'
            )
        if not 0 <= self.padding <= 1:
            raise ValueError(f'padding must be from 0 to 1, but got {self.padding}')


@dataclass(frozen=True)
class Person:
    """A person found.

    Attributes:
        box: x0, y0, x1, y1 in whole pixels, within the picture; x1 and y1 are the first beyond.
        score: of the detector.
    """

    box: tuple[int, int, int, int]
    score: float


def choose_people(boxes: Any, scores: Any, size: tuple[int, int], rules: BoxRules) -> tuple[list[Person], int, int]:
    """Applies the rules.

    Args:
        boxes: (n, 4), x0, y0, x1, y1 in pixels.
        scores: (n,).
        size: height and width of the picture.
        rules: which count.

    Returns:
        The people, best first; how many boxes were too small, and how many were dropped for another one.

    Raises:
        ValueError: the detector gave something else.
    """
    boxes, scores = np.asarray(boxes, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if boxes.size == 0 and scores.size == 0:
        return [], 0, 0
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise ValueError(
            f'a detector must give boxes (n, 4) and scores (n,), but gave {boxes.shape} and {scores.shape}'
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise ValueError('a detector must give finite boxes and scores, but some are not')
    order = np.argsort(-scores, kind='stable')
    boxes, scores = boxes[order], scores[order]
    boxes, scores = boxes[scores >= rules.min_score], scores[scores >= rules.min_score]
    kept = non_maximum_suppression(boxes, rules.max_overlap)
    people, small = [], 0
    for row in kept:
        left, top, right, bottom = _clipped(boxes[row], size)
        if bottom - top < rules.min_height or right - left < rules.min_width:
            small += 1
            continue
        people.append(Person(_pixels(boxes[row], size, rules.padding), float(scores[row])))
    return people, small, len(boxes) - len(kept)


def non_maximum_suppression(boxes: np.ndarray, max_overlap: float) -> list[int]:
    """Rows of boxes (n, 4), best first, that overlap no earlier kept one by more than ``max_overlap``."""
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)
    kept: list[int] = []
    for row, box in enumerate(boxes):
        others = boxes[kept]
        corners = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
        common = np.clip(corners, 0, None).prod(1)
        union = areas[row] + areas[kept] - common
        if not (common > max_overlap * union).any():
            kept.append(row)
    return kept


def _clipped(box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    limits = np.array([size[1], size[0], size[1], size[0]])
    return np.clip(box, 0, limits)


def _pixels(box: np.ndarray, size: tuple[int, int], padding: float) -> tuple[int, int, int, int]:
    width, height = box[2:] - box[:2]
    margin = padding * np.array([-width, -height, width, height])
    left, top, right, bottom = _clipped(box + margin, size)
    return int(np.floor(left)), int(np.floor(top)), int(np.ceil(right)), int(np.ceil(bottom))
