"""Picture files to vectors: decoded by threads while the model computes, in bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmt2ireid.apis.search.encoder import Encoder
from mmt2ireid.apis.search.pictures import BadPictureError, PictureLimits, UnreadPictureError, read_picture

_AHEAD = 2  # pictures per thread that may be decoded before they are asked for
_MAX_BATCH_BYTES = 2**27  # of decoded pictures
_BATCH = 64


class FileEncoder:
    """Encodes files.

    Args:
        encoder: the model.
        limits: of the pictures.
        workers: threads that read and decode.
        turn: held while the model computes, where others use it, too.

    Raises:
        ValueError: there is not at least one thread.
    """

    def __init__(
        self, encoder: Encoder, limits: PictureLimits, workers: int = 4, turn: threading.Lock | None = None
    ) -> None:
        if workers < 1:
            raise ValueError(f'workers must be at least 1, but got {workers}')
        self.encoder, self.limits, self.workers = encoder, limits, workers
        self._turn = turn or threading.Lock()

    def encode(self, paths: Sequence[Path], *, progress: bool = False) -> Iterator[list[tuple[int, Any]]]:
        """Encodes files in their order.

        Args:
            paths: of the pictures.
            progress: show a bar with rate and time left.

        Yields:
            Batches: number of a file with its vector, float32 (D,), or with the error that says why it has none.
        """
        size = getattr(self.encoder, 'batch_size', _BATCH)
        batch: list[tuple[int, Any]] = []
        with tqdm(total=len(paths), desc='crops', unit=' crops', disable=not (progress and paths)) as bar:
            for number, read in enumerate(self._decoded(paths)):
                batch.append((number, read))
                if len(batch) == size or sum(_size(part) for _, part in batch) > _MAX_BATCH_BYTES:
                    yield self._encoded(batch)
                    bar.update(len(batch))
                    batch = []
            if batch:
                yield self._encoded(batch)
                bar.update(len(batch))

    def _decoded(self, paths: Sequence[Path]) -> Iterator[Any]:
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix='decode')
        waiting: deque[Future] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(self._read, path))
                if len(waiting) > _AHEAD * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, path: Path) -> np.ndarray | BadPictureError:
        try:
            return read_picture(path, self.limits)
        except BadPictureError as error:
            return error.with_traceback(None)  # which would keep the file's content in memory
        except OSError as error:  # of the machine: the file was not seen
            return UnreadPictureError(path.name, f'cannot be read ({error.strerror or error})')

    def _encoded(self, batch: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
        pictures = [part for _, part in batch if not isinstance(part, BadPictureError)]
        with self._turn:
            vectors = iter(self.encoder.encode_images(pictures)) if pictures else iter(())
        return [(number, part if isinstance(part, BadPictureError) else next(vectors)) for number, part in batch]


def _size(part: np.ndarray | BadPictureError) -> int:
    return 0 if isinstance(part, BadPictureError) else part.nbytes
