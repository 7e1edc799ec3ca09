"""Numbers of things in words."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Give a number the form of its noun, and of the verb with it.

    Args:
        number: how many.
        one: what follows a single one.
        many: what follows any other number; None (default) for ``one`` with an s.

    Returns:
        The number, with commas between thousands, and the words.

    Example:
        >>> counted(1, 'error'), counted(0, 'error'), counted(1200, 'error')
        ('1 error', '0 errors', '1,200 errors')
        >>> counted(1, 'image is', 'images are')
        '1 image is'
    """
    return f'{number:,} {one if number == 1 else many if many is not None else f"{one}s"}'
