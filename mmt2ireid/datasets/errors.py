"""What can be wrong with data, by name."""

from __future__ import annotations

from mmt2ireid.io.image_files import BadImageError

__all__ = ['AnnotationError', 'BadImageError']


class AnnotationError(ValueError):
    """An annotation file is not what it should be. The message names file, record and field."""
