"""What can be wrong with data, by name."""

from __future__ import annotations


class AnnotationError(ValueError):
    """An annotation file is not what it should be. The message names file, record and field."""


class BadImageError(ValueError):
    """An image cannot be read.

    Args:
        path: the image; for a picture inside an Arrow file ``file.arrow#row``.
        reason: what is wrong with it.
    """

    # The second argument is optional because a DataLoader re-raises a worker's error with one: the message.
    def __init__(self, path: str, reason: str = '') -> None:
        super().__init__(f'{path}: {reason}' if reason else path)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple:
        return type(self), (self.path, self.reason)
