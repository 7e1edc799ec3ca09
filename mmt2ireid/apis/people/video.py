"""Pictures out of videos."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.ts', '.wmv')
_DEFAULT_RATE = 25.0  # where a file does not tell its own
_SHORT = 0.9  # of the frames that a file promises


class BadVideoError(ValueError):
    """A video cannot be read, or not to its end.

    Args:
        name: of the file.
        reason: what is wrong with it, to be read behind the name.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f'{name} {reason}')
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple:
        return type(self), (self.name, self.reason)


class Frame(NamedTuple):
    """A picture of a video.

    Attributes:
        number: of the frame, from 0.
        time: seconds from the start, at the video's nominal rate.
        picture: uint8 RGB (H, W, 3).
    """

    number: int
    time: float
    picture: np.ndarray


def count_frames(path: str | Path, every: float) -> int:
    """How many pictures :func:`video_frames` will give, as far as the file tells; at least 1."""
    capture = _opened(Path(path))
    try:
        rate, total = _rate(capture), _promised(capture)
        return max(1, math.ceil(total / rate / every)) if total else 1
    finally:
        capture.release()


def video_frames(path: str | Path, every: float, *, after: int = -1) -> Iterator[Frame]:
    """Pictures of a video, one per ``every`` seconds, from its first.

    Frames are stepped through one by one, since seeking is not exact in many files. A video without a constant rate is
    taken at its mean rate.

    Args:
        path: of the video.
        every: seconds from one picture to the next.
        after: number of a frame; only later ones are given.

    Yields:
        The pictures.

    Raises:
        BadVideoError: OpenCV cannot read it, or it ends long before the end that it promises.
    """
    path = Path(path)
    capture = _opened(path)
    try:
        rate, total = _rate(capture), _promised(capture)
        number = due = 0
        while capture.grab():
            if number >= due * every * rate - 1e-6:
                due += 1
                if number > after:
                    yield Frame(number, number / rate, _retrieved(capture, path, number))
            number += 1
        if not number:
            raise BadVideoError(path.name, 'has no frame that can be read')
        if number < _SHORT * total:
            raise BadVideoError(path.name, f'ends after {number} of {total} frames: it is damaged or cut short')
    finally:
        capture.release()


def _opened(path: Path) -> Any:
    import cv2

    if not path.is_file():
        raise BadVideoError(path.name, 'is not there')
    if not path.stat().st_size:
        raise BadVideoError(path.name, 'is empty')
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise BadVideoError(path.name, 'is no video that OpenCV can read, or is damaged')
    return capture


def _retrieved(capture: Any, path: Path, number: int) -> np.ndarray:
    done, picture = capture.retrieve()
    if not done or picture is None or picture.ndim != 3:
        raise BadVideoError(path.name, f'is damaged: frame {number} cannot be decoded')
    return np.ascontiguousarray(picture[..., ::-1])


def _rate(capture: Any) -> float:
    import cv2

    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0.01 < rate < 1000 else _DEFAULT_RATE


def _promised(capture: Any) -> int:
    import cv2

    total = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(total) if math.isfinite(total) and 0 < total < 1e9 else 0
