"""Reading a picture, or saying what is wrong with it."""

from __future__ import annotations

import io

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmt2ireid.datasets.errors import BadImageError
from mmt2ireid.registry import TRANSFORMS

# How a format begins -> the mark at its end.
_END_MARKS = {b'\xff\xd8': b'\xff\xd9', b'\x89PNG': b'IEND'}
_TAIL = 16  # bytes in which the mark is looked for: a thumbnail in the header has one too


@TRANSFORMS.register_module()
class LoadPersonImage(BaseTransform):
    """Decodes ``img_bytes``, or the file ``img_path``, once, as uint8 BGR of shape (H, W, 3).

    Grey pictures get three equal channels, an alpha channel is dropped. Sets ``img``, ``img_shape`` and ``ori_shape``
    (height, width) and takes ``img_bytes`` out.

    Raises:
        BadImageError: the file is missing, empty, cut short or no picture.
    """

    def transform(self, results: dict) -> dict:
        """Adds the picture to the item."""
        path = results['img_path']
        content = results.pop('img_bytes', None)
        img = _decode(_read(path) if content is None else content, path)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def _read(path: str) -> bytes:
    try:
        with open(path, 'rb') as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise BadImageError(path, f'cannot be read ({getattr(error, "strerror", None) or error})') from error


def _decode(content: bytes, path: str) -> np.ndarray:
    if not content:
        raise BadImageError(path, 'is empty')
    try:
        img = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadImageError(path, f'cannot be decoded ({error.err})') from error
    if img is None or img.size == 0:
        raise BadImageError(path, f'is no picture that OpenCV can decode ({len(content)} bytes)')
    _check_complete(content, path)
    return img


def _check_complete(content: bytes, path: str) -> None:
    # OpenCV 4 fills the rest of a picture that was cut short with grey. Pillow says so, but is asked only on suspicion.
    for start, end in _END_MARKS.items():
        if content.startswith(start) and end not in content[-_TAIL:]:
            from PIL import Image

            try:
                Image.open(io.BytesIO(content)).load()
            except (OSError, SyntaxError, ValueError) as error:
                raise BadImageError(path, f'is cut short ({error})') from error
