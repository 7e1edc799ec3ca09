"""How far an exported model is from the one it was made of, and how fast both are."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mmt2ireid.apis.export.graphs import TextGraph
from mmt2ireid.apis.search.encoder import Encoder, TextWarning
from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder
from mmt2ireid.apis.search.torch_encoder import TorchEncoder

BATCHES = (1, 2, 7, 33)
TIMED_BATCHES = (1, 32)
CAPTIONS = (
    'man',
    'A woman in a red coat.',
    'The boy has short black hair and wears a grey t-shirt, blue jeans and white sneakers.',
    'An elderly man with a walking stick; he is wearing a brown hat, a long beige coat and dark trousers.',
    'She carries a green handbag on her left shoulder and holds a phone to her ear.',
    'Young girl, pony tail, yellow dress with white dots, pink backpack',
    "A man's side view: he's pushing a bicycle, his jacket is unzipped & his shoes are orange (or red?).",
    'This person walks away from the camera in a hooded sweater, ripped shorts and flip-flops, with a shopping bag in '
    'each hand. The sweater is striped in navy and white, the shorts are light denim, and the hair is tied up in a bun '
    'that is held by a blue ribbon. A thin gold chain can be seen at the neck, and a watch at the right wrist.',
    'Frau mit Regenschirm, 穿着红色外套的女人, café 🙂',
)
_TIMED_SIZE = (256, 128)


@dataclass(frozen=True)
class Difference:
    """Between two lots of feature vectors.

    Attributes:
        largest: of the differences of two numbers.
        cosine: of all pairs of vectors the smallest cosine similarity.
        count: how many vectors were compared.
    """

    largest: float
    cosine: float
    count: int


@dataclass(frozen=True)
class Parity:
    """Differences of an exported model from its origin."""

    images: Difference
    texts: Difference

    @property
    def largest(self) -> float:
        """The larger one of both modalities; not a number if one of them is not."""
        return float(np.maximum(self.images.largest, self.texts.largest))


@dataclass(frozen=True)
class Timing:
    """Items per second, resizing and tokenising included.

    Attributes:
        what: 'images' or 'texts'.
        batch: how many at a time.
        torch: by the model.
        onnx: by onnxruntime.
    """

    what: str
    batch: int
    torch: float
    onnx: float


def compare_encoders(model: TorchEncoder, exported: OnnxEncoder, *, seed: int = 0) -> Parity:
    """Compares both encoders on random pictures and on captions, in batches of several sizes.

    Texts are compared by their words and, for lengths from a single token up to what the model reads, by their ids.

    Args:
        model: the origin, on the CPU.
        exported: what was made of it.
        seed: of the pictures.
    """
    generator = np.random.default_rng(seed)
    images, texts = [], []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TextWarning)  # the captions are meant to be too long for some
        for batch in BATCHES:
            pictures = [draw_picture(generator) for _ in range(batch)]
            images.append((model.encode_images(pictures), exported.encode_images(pictures)))
            captions = [CAPTIONS[(batch + number) % len(CAPTIONS)] for number in range(batch)]
            texts.append((model.encode_texts(captions), exported.encode_texts(captions)))
    return Parity(_difference(images), _difference([*texts, *_compare_lengths(model, exported)]))


def draw_picture(generator: np.random.Generator) -> np.ndarray:
    """A random picture of a random size: large fields of colour under noise, uint8 RGB (H, W, 3)."""
    height, width = (int(side) for side in generator.integers(1, 400, size=2))
    fields = generator.integers(0, 256, size=(6, 3, 3))
    picture = fields[np.arange(height)[:, None] * 6 // height, np.arange(width) * 3 // width]
    return np.clip(picture + generator.integers(-40, 41, size=picture.shape), 0, 255).astype(np.uint8)


def measure(model: TorchEncoder, exported: OnnxEncoder, *, seconds: float = 0.6) -> list[Timing]:
    """Times both encoders, one after the other.

    Args:
        model: the origin.
        exported: what was made of it; both should have as many threads.
        seconds: for each figure.
    """
    generator = np.random.default_rng(0)
    found = []
    captions = [caption for caption in CAPTIONS if caption.isascii() and 15 < len(caption) < 120]
    for batch in TIMED_BATCHES:
        pictures = [generator.integers(0, 256, (*_TIMED_SIZE, 3), dtype=np.uint8) for _ in range(batch)]
        texts = [captions[number % len(captions)] for number in range(batch)]

        def images(encoder: Encoder, pictures: Sequence[np.ndarray] = pictures) -> Any:
            return encoder.encode_images(pictures)

        def words(encoder: Encoder, texts: Sequence[str] = texts) -> Any:
            return encoder.encode_texts(texts)

        for what, run in (('images', images), ('texts', words)):
            rates = [batch / _median_seconds(run, encoder, seconds) for encoder in (model, exported)]
            found.append(Timing(what, batch, *rates))
    return found


def _compare_lengths(model: TorchEncoder, exported: OnnxEncoder) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of one length in tokens: 1, 2, 3, and so on, doubled, up to the longest."""
    if exported.meta['text']['pad_to']:
        return []  # there is one length
    (longest,) = model.tokenizer([' '.join(CAPTIONS) * 10])
    graph = TextGraph(model.model).eval()
    lengths = sorted({*(size for size in (1, 2, 3, 6, 12, 24, 48, 96) if size < len(longest)), len(longest)})
    found = []
    for length in lengths:
        ids = [longest[-length:], longest[:length], longest[: max(length // 2, 1)]]
        padded = torch.full((len(ids), length), exported.meta['text']['pad_id'], dtype=torch.int64)
        for row, line in zip(padded, ids, strict=True):
            row[: len(line)] = torch.tensor(line)
        with torch.inference_mode():
            wanted = graph(padded, torch.tensor([len(line) for line in ids])).numpy()
        found.append((wanted, exported.encode_ids(ids)))
    return found


def _difference(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Difference:
    wanted, got = (np.concatenate(part).astype(np.float64) for part in zip(*pairs, strict=True))
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(got, axis=1)
    cosines = (wanted * got).sum(axis=1) / lengths
    return Difference(float(np.abs(wanted - got).max()), float(cosines.min()), len(wanted))


def _median_seconds(run: Callable[[Encoder], Any], encoder: Encoder, seconds: float) -> float:
    run(encoder)  # the first call allocates
    took: list[float] = []
    end = time.perf_counter() + seconds
    while len(took) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run(encoder)
        took.append(time.perf_counter() - start)
    return statistics.median(took)
