"""Shards: contiguous ranges of images, each a file of its own that is written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mmt2ireid.compat import TEMP_FILE


@dataclass(frozen=True)
class ShardFiles:
    """Names and ranges of the shards in a folder.

    Attributes:
        folder: where they are.
        stem: what their names begin with.
        suffix: their ending, with its dot.
        num_images: images of the source.
        shard_size: images per shard; the last one may have fewer.
    """

    folder: Path
    stem: str
    suffix: str
    num_images: int
    shard_size: int

    def __len__(self) -> int:
        return -(-self.num_images // self.shard_size)

    def range_of(self, shard: int) -> range:
        """Numbers of the images of a shard."""
        start = shard * self.shard_size
        return range(start, min(start + self.shard_size, self.num_images))

    def path(self, shard: int) -> Path:
        """``stem-00002-of-00313.suffix``: sorted by name they are in order."""
        digits = max(5, len(str(len(self))))
        return self.folder / f'{self.stem}-{shard:0{digits}}-of-{len(self):0{digits}}{self.suffix}'

    def missing(self) -> list[int]:
        """Shards that are not there yet; one listing of the folder, however many there are."""
        present = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        return [shard for shard in range(len(self)) if self.path(shard).name not in present]


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write piece by piece that gets its name only when it is complete and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(temp, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def is_temporary(name: str, wanted: re.Pattern[str]) -> bool:
    """Whether a file is what a killed process left of one whose name matches."""
    return bool(TEMP_FILE.match(name)) and bool(wanted.match(name[1:].rsplit('.', 2)[0]))
