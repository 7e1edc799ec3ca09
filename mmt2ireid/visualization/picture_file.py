"""Pictures on the disk: written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from mmt2ireid.compat import write_atomically
from mmt2ireid.visualization.ranked_strip import picture_format

_QUALITIES = (92, 88, 84, 80, 75, 70, 62, 54, 45)
_SMALLEST = 120  # pixels across


def save_picture(picture: Image.Image, path: str | Path, *, dpi: int = 200, max_bytes: int | None = None) -> Path:
    """Writes a picture.

    Args:
        picture: what to write.
        path: where; its ending says the format (.png, .jpg, ...).
        dpi: noted in the file.
        max_bytes: the file gets no larger: JPEG and WebP first lose quality, then, as all formats, pixels.

    Returns:
        ``path``.

    Raises:
        ValueError: an ending that Pillow does not know, or ``max_bytes`` is too few for any picture.
    """
    path = Path(path)
    file_format = picture_format(path)
    while True:
        for quality in _QUALITIES if file_format in ('JPEG', 'WEBP') else _QUALITIES[:1]:
            stream = io.BytesIO()
            picture.save(stream, format=file_format, dpi=(dpi, dpi), resolution=dpi, quality=quality, optimize=True)
            if max_bytes is None or stream.tell() <= max_bytes:
                write_atomically(path, stream.getbuffer())
                return path
        if picture.width < _SMALLEST:
            raise ValueError(f'max_bytes must leave room for {path}, but got {max_bytes}')
        size = round(0.8 * picture.width), max(1, round(0.8 * picture.height))
        picture = (picture.convert('RGB') if picture.mode == 'P' else picture).resize(size, Image.Resampling.LANCZOS)
