"""An exported model as an encoder for searches: numpy, OpenCV, onnxruntime and tokenizers, without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmt2ireid.apis.search.encoder import TextReading, check_pictures
from mmt2ireid.apis.search.exported_folder import IMAGE, META, TEXT, read_meta
from mmt2ireid.apis.search.exported_tokenizers import ExportedTokenizer, open_tokenizer
from mmt2ireid.apis.search.text_side import TextSide

INTERPOLATIONS = {
    'nearest': cv2.INTER_NEAREST,
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'lanczos': cv2.INTER_LANCZOS4,
}
"""mmcv's names of OpenCV's ways to resize."""


class OnnxEncoder(TextSide):
    """What ``tools/export.py`` wrote, run by onnxruntime; the same vectors as the model it was exported from.

    Safe to call from several threads.

    Args:
        folder: of the exported model.
        threads: of onnxruntime; None leaves it to onnxruntime, which takes all cores.
        batch_size: pictures or texts that are encoded at a time.
        providers: onnxruntime's execution providers, the CPU's by default.

    Attributes:
        dim: D, width of the vectors.
        fingerprint: of the model, that of :class:`~mmt2ireid.apis.search.torch_encoder.TorchEncoder`.
        meta: what ``meta.json`` says.
        tokenizer: of the texts.

    Raises:
        ImportError: onnxruntime is not installed.
        FileNotFoundError: the folder or a file of it is missing.
        ValueError: a file is broken or of a later format, or an argument does not fit.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        threads: int | None = None,
        batch_size: int = 64,
        providers: Sequence[str] = ('CPUExecutionProvider',),
    ) -> None:
        super().__init__()
        for name, value in dict(threads=threads, batch_size=batch_size).items():
            if value is not None and value < 1:
                raise ValueError(f'{name} must be at least 1, but got {value}')
        place = Path(folder)
        self.meta = read_meta(place)
        self.batch_size = batch_size
        self.dim: int = self.meta['dim']
        self.fingerprint: str = self.meta['fingerprint']
        self.tokenizer: ExportedTokenizer = open_tokenizer(self.meta['tokenizer'], place)
        image, text = self.meta['image'], self.meta['text']
        if image['interpolation'] not in INTERPOLATIONS:
            raise ValueError(
                f'{place / META}: image.interpolation must be one of {sorted(INTERPOLATIONS)}, but got '
                f'{image["interpolation"]!r}'
            )
        self._size = (image['width'], image['height'])
        self._interpolation = INTERPOLATIONS[image['interpolation']]
        self._pad_id: int = text['pad_id']
        self._pad_to: int | None = text['pad_to']
        self._image = _session(place / IMAGE, threads, providers)
        self._text = _session(place / TEXT, threads, providers)
        shape = (image['height'], image['width'], 3)
        _check_graph(self._image, place / IMAGE, {'pictures': shape}, self.dim)
        _check_graph(self._text, place / TEXT, {'token_ids': None, 'lengths': None}, self.dim)

    def encode_images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encodes pictures.

        Args:
            pictures: N arrays, uint8 RGB (H, W, 3), of any sizes.

        Returns:
            float32 (N, D), rows of unit length.

        Raises:
            ValueError: a picture is of another kind.
        """
        check_pictures(pictures)
        features = np.zeros((len(pictures), self.dim), dtype=np.float32)
        for start in range(0, len(pictures), self.batch_size):
            batch = [self._resize(picture) for picture in pictures[start : start + self.batch_size]]
            features[start : start + len(batch)] = _run(self._image, {'pictures': np.stack(batch)})
        return features

    def _read(self, text: str) -> tuple[list[int], TextReading]:
        return self.tokenizer.read(text)

    def _encode_batch(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        padded = np.full((len(ids), self._pad_to or lengths.max()), self._pad_id, dtype=np.int64)
        for line, row in enumerate(ids):
            padded[line, : len(row)] = row
        return _run(self._text, {'token_ids': padded, 'lengths': lengths})

    def _resize(self, picture: np.ndarray) -> np.ndarray:
        return cv2.resize(np.ascontiguousarray(picture), self._size, interpolation=self._interpolation)


def _session(path: Path, threads: int | None, providers: Sequence[str]) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("OnnxEncoder needs onnxruntime: pip install 'mmt2ireid[export]'") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors come as exceptions
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # onnxruntime has error classes of its own for each of its status codes
        reason = str(error).strip().split('\n', 1)[0]
        raise ValueError(f'{path} cannot be opened by onnxruntime {onnxruntime.__version__}: {reason}') from error


def _check_graph(session: Any, path: Path, inputs: dict[str, tuple[int, ...] | None], dim: int) -> None:
    """Raises ValueError where a graph does not take and give what ``meta.json`` says; None lets any shape pass."""
    found = {part.name: tuple(part.shape[1:]) for part in session.get_inputs()}
    fits = found.keys() == inputs.keys() and all(shape in (None, found[name]) for name, shape in inputs.items())
    widths = [part.shape[-1] for part in session.get_outputs() if part.name == 'features']
    if not fits or len(widths) != 1 or (isinstance(widths[0], int) and widths[0] != dim):
        raise ValueError(
            f'{path} must take {inputs} and give features of {dim} numbers, as {META} says, but takes {found} and '
            f'gives {widths}; export the model again'
        )


def _run(session: Any, inputs: dict[str, np.ndarray]) -> np.ndarray:
    try:
        return session.run(['features'], inputs)[0]
    except Exception as error:
        reason = str(error).strip().split('\n', 1)[0]
        raise RuntimeError(f'onnxruntime cannot run the exported model: {reason}') from error
