"""Draws rows of a caption file at random, in one pass."""

from __future__ import annotations

import hashlib
import heapq

from mmt2ireid.pseudo_text.analysis.caption_rows import CaptionRow


class RowSample:
    """Keeps some rows of any number, each with the same chance.

    The rows with the smallest seeded hashes of image id and captions are kept: the same ones in whatever order, shards
    or file format they come, and what is kept does not grow with their number.

    Args:
        size: how many rows to keep.
        seed: of the draw.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        if size < 0:
            raise ValueError(f'size must be at least 0, but got {size}')
        self._size, self._key = size, f'rows {seed}'.encode()[:64]
        self._heap: list[tuple[int, int, CaptionRow]] = []
        self._count = 0

    def add(self, row: CaptionRow) -> None:
        """Takes one row."""
        self._count += 1
        text = '\0'.join((row.image_id, *row.captions)).encode('utf-8', 'surrogatepass')
        place = int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), 'big')
        entry = (-place, -self._count, row)  # largest hash first; the count parts rows that are the same
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def rows(self) -> list[CaptionRow]:
        """The rows drawn, in the order of the draw."""
        return [row for _, _, row in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]
