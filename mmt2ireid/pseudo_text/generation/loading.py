"""Images read and transformed by worker processes, in batches whose borders depend on nothing but the shards."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from mmt2ireid.compat import end_with_parent
from mmt2ireid.io.image_files import BadImageError
from mmt2ireid.io.images import read_image
from mmt2ireid.pseudo_text.generation.image_stamps import content_stamp
from mmt2ireid.pseudo_text.sources.image_source import ImageSource


class Unreadable(NamedTuple):
    """An image that could not be read.

    Attributes:
        number: its place in the source.
        image_id: its name.
        reason: what is wrong with it.
    """

    number: int
    image_id: str
    reason: str


class _Read(NamedTuple):
    number: int
    image: Any
    content: bytes | None
    stamp: tuple[int, int, int]


class _Unread(NamedTuple):
    number: int
    unreadable: Unreadable
    stamp: tuple[int, int, int]


@dataclass
class ImageBatch:
    """Images that follow each other in the source.

    Attributes:
        bounds: number of the first image, and of the first after the batch.
        indices: numbers of those that could be read.
        images: these, transformed; stacked (B, ...) if they are tensors.
        contents: these, encoded, where they are to be embedded.
        unreadable: the others.
        stamps: int64 (N, 3), of all images in their order: size, time of change and content stamp
            (:mod:`~mmt2ireid.pseudo_text.generation.image_stamps`).
    """

    bounds: range
    indices: list[int]
    images: Tensor | list[Any]
    contents: list[bytes] | None
    unreadable: list[Unreadable]
    stamps: np.ndarray

    def pin_memory(self) -> ImageBatch:
        """Called by the DataLoader: lets the transfer to a GPU run beside it."""
        if isinstance(self.images, Tensor):
            self.images = self.images.pin_memory()
        return self


class ImageDataset(Dataset):
    """What a worker does for one image; see :func:`image_batches`."""

    def __init__(self, source: ImageSource, transform: Callable[[Any], Any] | None, keep_contents: bool) -> None:
        self.source, self.transform, self.keep_contents = source, transform, keep_contents

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> _Read | _Unread:
        name, content = self.source.id_of(index), None
        seen = self.source.stamp(index)  # before it is read: what changes meanwhile is noticed the next time
        try:
            content = self.source.read(index)
            image: Any = Image.fromarray(read_image(content, name=name))
        except BadImageError as error:
            unreadable = Unreadable(index, name, error.reason or str(error))
            return _Unread(index, unreadable, (*seen, content_stamp(content)))
        stamp = (*seen, content_stamp(content))
        if self.transform is not None:
            try:
                image = self.transform(image)
            except Exception as error:
                # One odd image must not end a run over millions; a transform that fails always does end it, because
                # then no image of the source can be read.
                reason = f'cannot be transformed ({type(error).__name__}: {error})'
                return _Unread(index, Unreadable(index, name, reason), stamp)
        return _Read(index, image, content if self.keep_contents else None, stamp)


class _Borders(Sampler):
    """Batches as ranges, computed when they are asked for: a list of them would grow with the images."""

    def __init__(self, shards: Sequence[range], batch_size: int) -> None:
        self.shards, self.batch_size = shards, batch_size

    def __iter__(self) -> Iterator[range]:
        for shard in self.shards:
            yield from batches_of(shard, self.batch_size)

    def __len__(self) -> int:
        return sum(-(-len(shard) // self.batch_size) for shard in self.shards)


def batches_of(shard: range, batch_size: int) -> Iterator[range]:
    """The batches of a shard; the last one may be smaller, none crosses the shard's border."""
    for start in range(shard.start, shard.stop, batch_size):
        yield range(start, min(start + batch_size, shard.stop))


def image_batches(
    source: ImageSource,
    transform: Callable[[Any], Any] | None,
    shards: Sequence[range],
    *,
    batch_size: int,
    num_workers: int,
    keep_contents: bool = False,
) -> Generator[ImageBatch, None, None]:
    """Reads shards, batch by batch, in order; workers go on to the next shard while one is written.

    Args:
        source: the images.
        transform: applied to each RGB image in the workers; None leaves PIL images.
        shards: numbers of the images.
        batch_size: images in a batch, at most.
        num_workers: processes that read; 0 reads in this one. Each holds two batches ready.
        keep_contents: hand over the encoded images too.

    Raises:
        RuntimeError: a worker died; the message says what to do.
    """
    loader = DataLoader(
        ImageDataset(source, transform, keep_contents),
        batch_sampler=_Borders(shards, batch_size),
        collate_fn=_collate,
        num_workers=num_workers,
        worker_init_fn=end_with_parent,
        pin_memory=torch.cuda.is_available(),
        # Nothing here is random; without a generator of its own the loader would draw from torch's.
        generator=torch.Generator().manual_seed(0),
    )
    batches = iter(loader)
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except (RuntimeError, ConnectionError, FileNotFoundError, EOFError) as error:
            if not (num_workers and _is_death_of_worker(error)):
                raise
            raise RuntimeError(
                f'a worker that reads images died: {error}. Often memory, or shared memory (/dev/shm), ran out: try '
                'fewer workers or smaller batches. Finished shards are kept; start again to go on'
            ) from error
        yield batch


def _is_death_of_worker(error: Exception) -> bool:
    if isinstance(error, RuntimeError):
        return 'DataLoader worker' in str(error) and ('exited' in str(error) or 'killed' in str(error))
    # A batch that it had made lies in memory that only a living worker hands over. What was raised in a worker says so.
    return 'Caught' not in str(error)


def _collate(items: list[_Read | _Unread]) -> ImageBatch:
    read = [item for item in items if isinstance(item, _Read)]
    images = [item.image for item in read]
    contents = [item.content for item in read if item.content is not None]
    return ImageBatch(
        bounds=range(items[0].number, items[-1].number + 1),
        indices=[item.number for item in read],
        images=default_collate(images) if images and isinstance(images[0], Tensor) else images,
        contents=contents if len(contents) == len(read) else None,
        unreadable=[item.unreadable for item in items if isinstance(item, _Unread)],
        stamps=np.array([item.stamp for item in items], dtype=np.int64),
    )


def any_readable(source: ImageSource, transform: Callable[[Any], Any] | None, probes: int = 64) -> bool:
    """Whether at least one of some images, spread evenly over the source, can be read and transformed."""
    images, count = ImageDataset(source, transform, keep_contents=False), min(probes, len(source))
    return any(isinstance(images[number * len(source) // count], _Read) for number in range(count))
