"""An exported model as an encoder for searches: numpy, OpenCV, onnxruntime and tokenizers, without torch."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmt2ireid.apis.search.encoder import TextReading, TextWarning, check_pictures, clean_text
from mmt2ireid.apis.search.exported_folder import IMAGE, META, TEXT, read_meta
from mmt2ireid.apis.search.exported_tokenizers import ExportedTokenizer, open_tokenizer

INTERPOLATIONS = {
    'nearest': cv2.INTER_NEAREST,
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'area': cv2.INTER_AREA,
    'lanczos': cv2.INTER_LANCZOS4,
}
"""mmcv's names of OpenCV's ways to resize."""


class OnnxEncoder:
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
        self._warned: set[str] = set()
        self._warning = threading.Lock()

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

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Encodes texts; see :class:`~mmt2ireid.apis.search.encoder.Encoder`.

        Args:
            texts: M texts.

        Returns:
            float32 (M, D), rows of unit length.

        Raises:
            ValueError: a text holds no word, or is far too long.
        """
        if isinstance(texts, str):
            raise ValueError(f'texts must be a list of str, but got one str: {texts[:60]!r}')
        readings = [self.tokenizer.read(clean_text(text)) for text in texts]
        for _, reading in readings:
            self._warn_once(reading)
        return self.encode_ids([ids for ids, _ in readings])

    def read_text(self, text: str) -> TextReading:
        """How much of a text the model understands.

        Args:
            text: what a user wrote.

        Raises:
            ValueError: it holds no word, or is far too long.
        """
        return self.tokenizer.read(clean_text(text))[1]

    def encode_ids(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Encodes texts by their token ids.

        Args:
            ids: per text at least one, special tokens included.

        Returns:
            float32 (M, D), rows of unit length.
        """
        features = np.zeros((len(ids), self.dim), dtype=np.float32)
        # Texts of like length together: less padding.
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for start in range(0, len(ids), self.batch_size):
            rows = order[start : start + self.batch_size]
            lengths = np.array([len(ids[row]) for row in rows], dtype=np.int64)
            padded = np.full((len(rows), self._pad_to or lengths.max()), self._pad_id, dtype=np.int64)
            for line, row in enumerate(rows):
                padded[line, : len(ids[row])] = ids[row]
            features[rows] = _run(self._text, {'token_ids': padded, 'lengths': lengths})
        return features

    def _resize(self, picture: np.ndarray) -> np.ndarray:
        return cv2.resize(np.ascontiguousarray(picture), self._size, interpolation=self._interpolation)

    def _warn_once(self, reading: TextReading) -> None:
        kinds = dict(truncated=reading.truncated, unknown=reading.num_unknown >= reading.num_words)
        with self._warning:
            new = {kind for kind, holds in kinds.items() if holds} - self._warned
            self._warned |= new
        if new:
            warnings.warn(' '.join(reading.notes), TextWarning, stacklevel=3)


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
