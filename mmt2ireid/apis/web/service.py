"""What the page can do, without the page: searches, neighbours, thumbnails, additions. Safe to call from threads."""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from mmt2ireid.apis.search import BadPictureError, PersonSearcher, read_picture
from mmt2ireid.apis.web.limits import PageLimits
from mmt2ireid.apis.web.uploads import FOLDER, UploadFolder
from mmt2ireid.gallery import Crop, Hit, Where

THUMBNAIL = (256, 384)
"""Largest width and height of the pictures that leave the server."""
_QUERY_SIDE = 768  # longer sides of uploaded pictures are scaled down to this: they are kept while a visitor is there
_KEPT_THUMBNAILS = 4000
_SAMPLED = 20_000  # crops that the samples of the first screen are taken from


@dataclass
class Added:
    """What became of uploaded crops.

    Attributes:
        added: crops that are new in the gallery.
        known: names of files whose picture was there already.
        refused: names of files, and why they were not taken.
    """

    added: list[Crop] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


class SearchService:
    """A searcher as the page uses it.

    Args:
        searcher: with its gallery; its ``image_root`` must be given if crops may be added.
        limits: of uploads and results.
        allow_add: whether visitors may add crops.

    Raises:
        ValueError: crops cannot be added, since there is no ``image_root``.
    """

    def __init__(self, searcher: PersonSearcher, *, limits: PageLimits | None = None, allow_add: bool = False) -> None:
        if allow_add and searcher.image_root is None:
            raise ValueError('image_root of the searcher must be given to add crops, but is None')
        self.searcher, self.allow_add = searcher, allow_add
        self.limits = limits or PageLimits()
        root = searcher.image_root
        self._uploads = None if root is None else UploadFolder(root, self.limits.max_added)
        self._adding = threading.Lock()
        self._thumbnails: OrderedDict[str, str] = OrderedDict()
        self._thumbnails_lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.searcher)

    def search(
        self,
        text: str | None = None,
        image: np.ndarray | None = None,
        *,
        top_k: int = 12,
        where: Where | None = None,
        text_weight: float = 0.5,
    ) -> list[Hit]:
        """See :meth:`mmt2ireid.apis.PersonSearcher.search`; ``top_k`` is held within the limits."""
        return self.searcher.search(text, image, top_k=self._top_k(top_k), where=where, text_weight=float(text_weight))

    def neighbours(self, crop_id: str, top_k: int = 12, where: Where | None = None) -> tuple[Crop, list[Hit]]:
        """A crop, and those that are most like it.

        Raises:
            ValueError: there is no such crop.
        """
        try:
            (crop,) = self.searcher.get([crop_id])
            return crop, self.searcher.neighbours(crop_id, self._top_k(top_k), where)
        except KeyError as error:
            raise ValueError('This crop is not in the gallery any more.') from error

    def samples(self, number: int) -> list[Crop]:
        """Some crops of the gallery, evenly spread over it.

        Args:
            number: how many at most.
        """
        known = [name for name, _ in zip(self.searcher.gallery.ids(), range(_SAMPLED), strict=False)]
        rows = np.unique(np.linspace(0, len(known) - 1, min(number, len(known))).round().astype(int))
        return self.searcher.get([known[row] for row in rows])

    def read_upload(self, path: str | Path, name: str) -> np.ndarray:
        """A picture to search with.

        Args:
            path: of the uploaded file.
            name: what the visitor calls it.

        Returns:
            uint8 RGB (H, W, 3).

        Raises:
            BadPictureError: it cannot be read, or is beyond the limits.
        """
        picture = read_picture(path, self.limits.pictures, name=name)
        if max(picture.shape[:2]) <= _QUERY_SIDE:
            return picture
        image = Image.fromarray(picture)
        image.thumbnail((_QUERY_SIDE, _QUERY_SIDE), Image.Resampling.LANCZOS)
        return np.asarray(image)

    def add(self, files: Sequence[tuple[str | Path, str]]) -> Added:
        """Puts uploaded pictures into the gallery: they can be found at once, and after a restart.

        Args:
            files: path and the visitor's name of each.

        Raises:
            ValueError: crops may not be added here, or these are too many.
        """
        if not self.allow_add or self._uploads is None:
            raise ValueError('Adding crops is switched off on this page.')
        if not files:
            raise ValueError('Choose one or more pictures first.')
        if len(files) > self.limits.max_uploads:
            raise ValueError(f'At most {self.limits.max_uploads} pictures at once, but these are {len(files)}.')
        with self._adding:
            return self._add(self._uploads, files)

    def _add(self, uploads: UploadFolder, files: Sequence[tuple[str | Path, str]]) -> Added:
        done = Added()
        room = uploads.max_files - len(uploads)
        new: list[str] = []
        for path, name in files:
            try:
                picture = read_picture(path, self.limits.pictures, name=name)
            except BadPictureError as error:
                done.refused.append((name, error.reason))
                continue
            stored = uploads.name(picture)
            if uploads.has(stored):
                done.known.append(name)
            elif len(new) >= room:
                done.refused.append((name, f'is one too many: visitors may add {uploads.max_files} crops in all'))
            else:
                uploads.write(stored, picture)
                new.append(stored)
        if new:
            try:
                self.searcher.add_folder(uploads.folder, metadata={}, progress=False)
                done.added = self.searcher.get([f'{FOLDER}/{name}' for name in new])
            except BaseException:  # what cannot be searched is not kept
                for name in new:
                    uploads.remove(name)
                raise
        return done

    def thumbnail(self, crop: Crop) -> str:
        """A small picture of a crop of the gallery as a ``data:`` address, encoded anew; '' where there is none."""
        with self._thumbnails_lock:
            if crop.id in self._thumbnails:
                self._thumbnails.move_to_end(crop.id)
                return self._thumbnails[crop.id]
        try:
            address = picture_address(self.searcher.picture(crop.id))
        except (BadPictureError, KeyError):
            return ''
        with self._thumbnails_lock:
            self._thumbnails[crop.id] = address
            while len(self._thumbnails) > _KEPT_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return address

    def _top_k(self, top_k: float) -> int:
        return min(max(1, int(top_k)), self.limits.max_results)


def picture_address(picture: np.ndarray) -> str:
    """A picture as a ``data:`` address: scaled down, JPEG, nothing but pixels.

    Args:
        picture: uint8 RGB (H, W, 3).
    """
    image = Image.fromarray(picture)
    image.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, format='JPEG', quality=88, subsampling=0)
    return f'data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}'
