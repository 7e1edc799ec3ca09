"""Where the pictures of a gallery's crops lie, and that nothing else is ever opened."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from mmt2ireid.apis.search.pictures import BadPictureError, PictureLimits
from mmt2ireid.compat import write_atomically
from mmt2ireid.gallery import Crop

HIDDEN = '.mmt2ireid'
"""Folder for what belongs to a gallery; :func:`~mmt2ireid.io.folder_scan.scan_folder` passes it over."""
KEPT = f'{HIDDEN}/pictures'


class StoredPictures:
    """Files below one folder, or, without it, files by their full paths.

    Args:
        root: the folder.
        limits: of pictures; kept ones are within them.

    Raises:
        NotADirectoryError: it is no folder.
    """

    def __init__(self, root: str | Path | None, limits: PictureLimits) -> None:
        self.limits = limits
        self.root = None if root is None else Path(root).resolve()
        if self.root is not None and not self.root.is_dir():
            raise NotADirectoryError(f'image_root {root} must be a folder, but there is none')

    def prefix(self, folder: Path) -> str:
        """How ids of crops of a folder begin.

        Args:
            folder: resolved.

        Raises:
            ValueError: it lies outside the root.
        """
        if self.root is None:
            return f'{folder.as_posix().rstrip("/")}/'
        if not folder.is_relative_to(self.root):
            raise ValueError(f'folder must lie in image_root {self.root}, but got {folder}')
        inner = folder.relative_to(self.root).as_posix()
        return '' if inner == '.' else f'{inner}/'

    def find(self, crop: Crop) -> Path:
        """Where the picture of a crop lies.

        Args:
            crop: as the gallery has it.

        Raises:
            BadPictureError: it has none, or not where it may lie.
        """
        name = crop.id.rsplit('/', 1)[-1]
        if not crop.path:
            raise BadPictureError(name, 'was not kept')
        path = Path(crop.path) if self.root is None else self.root / crop.path
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise BadPictureError(name, 'is not there') from error
        # Links made since the crop was added lead nowhere else.
        allowed = path.is_absolute() and real == path if self.root is None else real.is_relative_to(self.root)
        if not allowed:
            raise BadPictureError(name, 'lies outside of the gallery')
        return real

    def keep(self, name: str, picture: np.ndarray) -> str:
        """Writes a picture as PNG.

        Args:
            name: id of the crop.
            picture: uint8 RGB (H, W, 3).

        Returns:
            Its path, relative to the root.
        """
        assert self.root is not None, 'the caller has asked'
        path = f'{KEPT}/{hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]}.png'
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, format='PNG')
        write_atomically(self.root / path, stream.getbuffer())
        return path

    def forget(self, path: str) -> None:
        """Deletes a picture that was kept; others stay.

        Args:
            path: of a crop.
        """
        if self.root is not None and PurePosixPath(path).parent.as_posix() == KEPT:
            (self.root / path).unlink(missing_ok=True)
