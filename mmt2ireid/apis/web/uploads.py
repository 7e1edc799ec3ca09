"""Crops that visitors add: kept in the gallery's own folder, each picture once."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from mmt2ireid.compat import write_atomically

FOLDER = 'uploads'
_HEADER = b'%d x %d RGB:'


class UploadFolder:
    """Pictures by the hash of their pixels: the same picture has one name, whatever it was called.

    They are written anew as PNG, so that nothing that a file carries beside its pixels (places, comments, programs) is
    kept.

    Args:
        root: of the gallery; pictures lie in its folder ``uploads``.
        max_files: that it may hold.
    """

    def __init__(self, root: Path, max_files: int) -> None:
        self.folder, self.max_files = root / FOLDER, max_files

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob('*.png')) if self.folder.is_dir() else 0

    def name(self, picture: np.ndarray) -> str:
        """The file name of a picture.

        Args:
            picture: uint8 RGB (H, W, 3).
        """
        height, width = picture.shape[:2]
        return f'{hashlib.sha256(_HEADER % (width, height) + picture.tobytes()).hexdigest()[:40]}.png'

    def has(self, name: str) -> bool:
        """Whether there is a picture of this name."""
        return (self.folder / name).is_file()

    def write(self, name: str, picture: np.ndarray) -> None:
        """Writes a picture, whole or not at all.

        Args:
            name: of :meth:`name`.
            picture: uint8 RGB (H, W, 3).
        """
        if self.folder.is_symlink():
            raise OSError(f'{FOLDER} must be a folder of the gallery itself, but is a link')
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, format='PNG')
        write_atomically(self.folder / name, stream.getbuffer())

    def remove(self, name: str) -> None:
        """Deletes a picture."""
        (self.folder / name).unlink(missing_ok=True)
