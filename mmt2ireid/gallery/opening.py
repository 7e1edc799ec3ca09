"""From a place to a gallery."""

from __future__ import annotations

import re
from pathlib import Path

from mmt2ireid.gallery.base import Gallery
from mmt2ireid.gallery.memory import MemoryGallery
from mmt2ireid.gallery.milvus import MilvusGallery
from mmt2ireid.gallery.milvus_client import is_file_place

_ADDRESS = re.compile(r'[a-zA-Z][a-zA-Z0-9+.-]*://')


def open_gallery(place: str | Path | None, *, model: str, dim: int, read_only: bool = False) -> Gallery:
    """Opens the gallery at a place, or makes a new one there.

    Args:
        place: None for memory only; ``NAME.db`` for a file of milvus-lite; ``http://host:19530`` (or ``https``), with
            the name of a collection behind ``#`` where it is not ``mmt2ireid``, for a Milvus server, its token in the
            environment variable ``MILVUS_TOKEN``; anything else is a folder, held in memory.
        model: fingerprint of the model that makes the vectors.
        dim: their width.
        read_only: nothing can be added or deleted, and nothing is made; a folder can be read beside its writer.

    Raises:
        GalleryMismatchError: the gallery was made with another model.
        GalleryError: the gallery cannot be opened.
        ImportError: a Milvus gallery without ``mmt2ireid[gallery]``.
    """
    if place is None:
        return MemoryGallery(model=model, dim=dim, read_only=read_only)
    if (isinstance(place, str) and _ADDRESS.match(place)) or is_file_place(place):
        return MilvusGallery(place, model=model, dim=dim, read_only=read_only)
    return MemoryGallery(place, model=model, dim=dim, read_only=read_only)
