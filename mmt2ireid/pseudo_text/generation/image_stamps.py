"""What the images were that a shard was made of: images exchanged under their names are noticed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmt2ireid.compat import TEMP_FILE, write_atomically
from mmt2ireid.io.counts import counted
from mmt2ireid.io.image_files import BadImageError
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles
from mmt2ireid.pseudo_text.sources.image_source import ImageSource

FOLDER = '.image_stamps'
"""Hidden folder beside the shards, with a file of stamps for each."""
_THREADS = 16  # looking up a file waits for the disk or a file server
_EXAMPLES = 3
_GONE = 0  # content stamp of what cannot be read


def content_stamp(content: bytes | None) -> int:
    """A number that tells contents apart.

    Args:
        content: of an image file; None if it cannot be read.

    Returns:
        64 bits of a hash, signed; 0 for None.
    """
    return _GONE if content is None else int.from_bytes(blake2b(content, digest_size=8).digest(), 'little', signed=True)


class ImageStamps:
    """Size, time of change and content stamp of every image of the shards in a folder.

    They stand beside the shards and not in them, because times of change differ where the same images were copied to.

    Args:
        folder: of the shards.
        source: the images.
        shard_size: images per shard.
    """

    def __init__(self, folder: Path, source: ImageSource, shard_size: int) -> None:
        self._files = ShardFiles(folder / FOLDER, 'images', '.npy', len(source), shard_size)
        self._source = source

    def clean(self, *, everything: bool) -> None:
        """Remove what killed processes left half-written, or all stamps."""
        for path in self._files.folder.glob('*' if everything else '.*'):
            if TEMP_FILE.match(path.name) or path.suffix == self._files.suffix:
                path.unlink()

    def write(self, shard: int, stamps: np.ndarray | None) -> None:
        """Keep the stamps of a shard.

        Args:
            shard: its number.
            stamps: int64 (N, 3): size, time of change and content stamp of its images. None if they are unknown.
        """
        path = self._files.path(shard)
        if stamps is None:
            path.unlink(missing_ok=True)
            return
        stream = io.BytesIO()
        np.save(stream, stamps, allow_pickle=False)
        write_atomically(path, stream.getbuffer())

    def read(self, shard: int) -> np.ndarray | None:
        """The stamps of a shard; None if there are none, as from earlier versions."""
        try:
            stamps = np.load(self._files.path(shard), allow_pickle=False)
        except (FileNotFoundError, ValueError, EOFError):
            return None
        return stamps if stamps.shape == (len(self._files.range_of(shard)), 3) else None

    def refuse_changed(self, shards: Sequence[int], what: str, advice: str, *, progress: bool = False) -> None:
        """Compare the images of shards with what they were; those with another time of change are read.

        Args:
            shards: their numbers.
            what: was made of the images, for the message.
            advice: what to do.
            progress: show a bar.

        Raises:
            ValueError: an image has another content. What is gone was not exchanged.
        """
        changed: list[int] = []
        total = sum(len(self._files.range_of(shard)) for shard in shards)
        with (
            ThreadPoolExecutor(_THREADS) as pool,
            tqdm(total=total, desc='images compared', unit=' images', disable=not (progress and total)) as bar,
        ):
            for shard in shards:
                changed += self._changed(shard, pool)
                bar.update(len(self._files.range_of(shard)))
        if changed:
            names = ', '.join(self._source.id_of(number) for number in changed[:_EXAMPLES])
            first = sorted({number // self._files.shard_size for number in changed})
            raise ValueError(
                f'{self._source.where}: {counted(len(changed), "image was", "images were")} exchanged under the same '
                f'name since {what} were made of the former, such as {names} '
                f'(shard {", ".join(map(str, first[:10]))}); {advice}'
            )

    def _changed(self, shard: int, pool: ThreadPoolExecutor) -> list[int]:
        stamps = self.read(shard)
        if stamps is None:
            return []
        numbers = np.array(self._files.range_of(shard))
        parts = pool.map(self._now, np.array_split(numbers, _THREADS))
        now = np.array([row for part in parts for row in part], dtype=np.int64)
        others = np.flatnonzero((now != stamps[:, :2]).any(1) & now.any(1))  # (0, 0): the source knows none
        contents = np.array([self._content(int(numbers[row])) for row in others], dtype=np.int64)
        same = others[contents == stamps[others, 2]]
        if len(same):  # they need not be read the next time
            stamps[same, :2] = now[same]
            self.write(shard, stamps)
        # What is gone was not exchanged: captions and features stay good without their images.
        return numbers[others[(contents != stamps[others, 2]) & (contents != _GONE)]].tolist()

    def _now(self, numbers: np.ndarray) -> list[tuple[int, int]]:
        return [self._source.stamp(int(number)) for number in numbers]

    def _content(self, number: int) -> int:
        try:
            return content_stamp(self._source.read(number))
        except BadImageError:
            return _GONE
