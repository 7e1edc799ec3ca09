"""From the file that ``RetrievalMetric(out_file=...)`` writes to a picture of ranked strips."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmt2ireid.io.images import read_image
from mmt2ireid.visualization.ranked_strip import StripRow, StripStyle, draw_ranked_strips

_HEADER = 'mmt2ireid.retrieval_features'
# So many queries are looked at to find right and wrong ones; more would not make a better picture.
_MAX_CANDIDATES = 2000
_CHUNK = 256


@dataclass(frozen=True)
class SavedFeatures:
    """Features of an evaluated split.

    Attributes:
        img_feats: float32 (N, D).
        txt_feats: float32 (M, D).
        pids: int64 (N,), identities of the images.
        txt_image: int64 (M,), the image that a caption describes.
        img_paths: N paths.
        captions: M captions.
    """

    img_feats: np.ndarray
    txt_feats: np.ndarray
    pids: np.ndarray
    txt_image: np.ndarray
    img_paths: Sequence[str]
    captions: Sequence[str]

    @classmethod
    def load(cls, path: str | Path) -> SavedFeatures:
        """Reads the file that ``RetrievalMetric(out_file=...)`` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file holds something else.
        """
        from safetensors import SafetensorError, safe_open

        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: there is no such file; RetrievalMetric(out_file=...) writes it')
        names = ('img_feats', 'txt_feats', 'pids', 'txt_image')
        try:
            with safe_open(path, framework='numpy') as file:
                words = json.loads((file.metadata() or {})[_HEADER])
                arrays = {name: file.get_tensor(name) for name in names}
            return cls(**arrays, img_paths=words['img_paths'], captions=words['captions'])
        except (SafetensorError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f'{path}: expected the out_file of RetrievalMetric, but got {error!r}') from error


def select_rows(
    first_is_hit: Sequence[bool] | np.ndarray,
    num_rows: int,
    *,
    pids: Sequence[int] | np.ndarray | None = None,
    seed: int = 0,
) -> list[int]:
    """Draws queries for a picture: half of them with a right first answer, half with a wrong one.

    Where one kind is short, the other fills up. No identity is shown twice while others are left.

    Args:
        first_is_hit: (Q,), whether the best answer to a query is right.
        num_rows: how many to draw.
        pids: (Q,), identities of the queries; None takes all as different.
        seed: of the draw; the same seed draws the same queries.

    Returns:
        At most ``num_rows`` query numbers: right ones first, then wrong ones, each in ascending order.

    Raises:
        ValueError: ``num_rows`` below 1, or lengths that do not fit.
    """
    hits = np.asarray(first_is_hit, dtype=bool)
    identities = np.arange(len(hits)) if pids is None else np.asarray(pids)
    if num_rows < 1:
        raise ValueError(f'num_rows must be at least 1, but got {num_rows}')
    if identities.shape != hits.shape:
        raise ValueError(f'pids must have {len(hits)} entries, but got {identities.shape}')
    order = np.random.default_rng(seed).permutation(len(hits))
    # A query whose identity came earlier in the draw moves behind all first queries of identities.
    _, first = np.unique(identities[order], return_index=True)
    repeated = np.ones(len(hits), dtype=bool)
    repeated[first] = False
    order = order[np.argsort(repeated, kind='stable')]
    right, wrong = order[hits[order]], order[~hits[order]]
    num_wrong = min(len(wrong), max(num_rows // 2, num_rows - len(right)))
    return sorted(right[: num_rows - num_wrong].tolist()) + sorted(wrong[:num_wrong].tolist())


def ranked_strip_from_features(
    features: str | Path | SavedFeatures,
    out_file: str | Path,
    *,
    num_queries: int = 6,
    topk: int = 10,
    seed: int = 0,
    data_root: str | Path | None = None,
    load_image: Callable[[str], Image.Image] | None = None,
    style: StripStyle | None = None,
) -> Path:
    """Draws some queries of an evaluated split with the best crops of its gallery.

    Args:
        features: the metric's ``out_file``, or its content.
        out_file: picture to write.
        num_queries: rows of the picture.
        topk: crops per row.
        seed: of the choice of queries (:func:`select_rows`).
        data_root: folder that relative image paths start from; None is the working folder.
        load_image: turns an image path into a picture, for images that are not files; None opens files.
        style: sizes and colours.

    Returns:
        ``out_file``.

    Raises:
        FileNotFoundError: an image is not where its path says.
        ValueError: a split without captions.
    """
    split = features if isinstance(features, SavedFeatures) else SavedFeatures.load(features)
    if not len(split.txt_feats):
        raise ValueError('features must hold captions to draw, but got none')
    gallery = unit_rows(split.img_feats)
    candidates = np.random.default_rng(seed).permutation(len(split.txt_feats))[:_MAX_CANDIDATES]
    query_pids = split.pids[split.txt_image[candidates]]
    best = [
        (split.txt_feats[candidates[start : start + _CHUNK]] @ gallery.T).argmax(1)
        for start in range(0, len(candidates), _CHUNK)
    ]
    chosen = select_rows(split.pids[np.concatenate(best)] == query_pids, num_queries, pids=query_pids, seed=seed)
    root = Path(data_root or '.')
    open_image = load_image or (lambda path: open_picture(root / path))
    rows = []
    for number in chosen:
        caption = int(candidates[number])
        scores = gallery @ unit_rows(split.txt_feats[caption][None])[0]
        order = np.argsort(-scores, kind='stable')[:topk]
        rows.append(make_row(split, caption, order, scores[order], open_image))
    return draw_ranked_strips(rows, out_file, style=style)


def make_row(
    split: SavedFeatures,
    caption: int,
    order: np.ndarray,
    scores: np.ndarray,
    open_image: Callable[[str], Image.Image],
) -> StripRow:
    """A caption with its best crops.

    Args:
        split: features.
        caption: the query, by its row.
        order: int64 (k,), its best images, the best first.
        scores: (k,), their cosine similarities.
        open_image: turns an image path into a picture.
    """
    target = int(split.txt_image[caption])
    return StripRow(
        query_text=split.captions[caption],
        images=[open_image(split.img_paths[item]) for item in order],
        scores=scores.tolist(),
        hits=(split.pids[order] == split.pids[target]).tolist(),
        query_image=open_image(split.img_paths[target]),
    )


def unit_rows(feats: np.ndarray) -> np.ndarray:
    """Rows brought to unit length; a row of zeros stays one."""
    return feats / np.maximum(np.linalg.norm(feats, axis=1, keepdims=True), 1e-12)


def open_picture(path: Path) -> Image.Image:
    """Reads an image file, or raises FileNotFoundError that says what to do."""
    if not path.is_file():
        raise FileNotFoundError(f'{path}: the image is not there; data_root or load_image says where images are')
    return Image.fromarray(read_image(path, name=str(path)))
