"""The reader of images, :mod:`mmt2ireid.io.images`, under the names that searches give it."""

from __future__ import annotations

from mmt2ireid.io.image_files import BadImageError as BadPictureError
from mmt2ireid.io.image_files import ImageLimits as PictureLimits
from mmt2ireid.io.image_files import UnreadImageError as UnreadPictureError
from mmt2ireid.io.images import Source
from mmt2ireid.io.images import read_image as read_picture

__all__ = ['BadPictureError', 'PictureLimits', 'Source', 'UnreadPictureError', 'read_picture']
