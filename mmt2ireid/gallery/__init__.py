"""Galleries: crops of persons with their vectors, to be searched, filtered, added to, deleted from and opened again.

Needs numpy and safetensors only; Milvus is imported by those who ask for it.
"""

from mmt2ireid.gallery.base import Gallery, GalleryError, GalleryMismatchError
from mmt2ireid.gallery.exact import exact_search
from mmt2ireid.gallery.memory import MemoryGallery
from mmt2ireid.gallery.milvus import MilvusGallery
from mmt2ireid.gallery.opening import open_gallery
from mmt2ireid.gallery.records import AddCount, Crop, Hit, Value
from mmt2ireid.gallery.where import Condition, Where

__all__ = [
    'AddCount',
    'Condition',
    'Crop',
    'Gallery',
    'GalleryError',
    'GalleryMismatchError',
    'Hit',
    'MemoryGallery',
    'MilvusGallery',
    'Value',
    'Where',
    'exact_search',
    'open_gallery',
]
