"""Mutual pseudo label refinement (MPLR): what one modality could not cluster, the other one's clusters place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmt2ireid.labeling.features import TIE_DECIMALS, UnitFeatures, full_precision
from mmt2ireid.labeling.groups import Groups, as_labels, contiguous

DIRECTIONS = ('v2t', 't2v')
# Cosines that are held at a time.
_BATCH_COSINES = 2**24
# Float32 cosines closer than this to the best are compared in float64.
_CLOSE = 2e-6


def refine_labels(
    img_labels: Any,
    txt_labels: Any,
    image_of: Any,
    img_feats: Any,
    txt_feats: Any,
    *,
    directions: Sequence[str] = DIRECTIONS,
    caption_mode: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Gives un-clustered instances labels through the clusters of the instances they are paired with.

    Zhao et al., "Weakly Supervised Text-based Person Re-Identification", ICCV 2021, section 3.3.

    Image to text, for each caption t that is un-clustered, and still so when its turn comes, in ascending order: let v
    be its image. Where v is un-clustered, t stays so. Else the images of v's cluster are gone through by decreasing
    similarity to v, and the captions of each by decreasing similarity to t; the first clustered one gives t its label.
    Where there is none, t and the captions of the nearest image that has any make a new cluster; if no image of the
    cluster but v has any, t stays un-clustered.

    Text to image is the mirror, for each un-clustered image v: the captions of the clusters of v's clustered captions
    are gone through by decreasing similarity to the one of v's captions that led to them, and the first one whose image
    is clustered gives v that image's label. Where there is none, v and the image of the nearest of these captions that
    is not v's own make a new cluster.

    Labels given earlier count, but each direction reads the other modality's labels as they came. Of equal
    similarities (cosines, to 12 decimals) the smaller index goes first. Similarities are computed within clusters only.

    Args:
        img_labels: integers (I,), one per image; -1 = un-clustered.
        txt_labels: integers (T,), one per caption.
        image_of: integers (T,), the image of each caption; an image may have any number of captions, also none.
        img_feats: (I, D), tensor or array.
        txt_feats: (T, D').
        directions: which to run: 'v2t' refines captions, 't2v' images.
        caption_mode: v's own other captions go before those of the other images of its cluster. It makes no difference
            where an image has one caption.

    Returns:
        image labels int64 (I,) and caption labels int64 (T,). Both are contiguous: clusters in the order of their
        numbers, then new ones in the order in which they were opened.

    Raises:
        ValueError: lengths that do not fit, images that do not exist, an unknown direction, or features as in
            :class:`UnitFeatures`.
    """
    unknown = set(directions) - set(DIRECTIONS)
    if isinstance(directions, str) or unknown:
        raise ValueError(f'directions must be a sequence of {DIRECTIONS}, but got {directions!r}')
    images, captions = UnitFeatures(img_feats, 'img_feats'), UnitFeatures(txt_feats, 'txt_feats')
    y_v = as_labels(img_labels, 'img_labels', len(images))
    y_t = as_labels(txt_labels, 'txt_labels', len(captions))
    pairs = as_labels(image_of, 'image_of', len(captions))
    if pairs.min() < 0 or pairs.max() >= len(images):
        raise ValueError(f'image_of must be indices of {len(images)} images, but got {pairs.min()} to {pairs.max()}')
    refined_v, refined_t = y_v.copy(), y_t.copy()
    if 'v2t' in directions:
        _refine_captions(refined_t, y_v, pairs, images, captions, caption_mode)
    if 't2v' in directions:
        _refine_images(refined_v, y_t, pairs, captions)
    return contiguous(refined_v), contiguous(refined_t)


def _refine_captions(
    labels: np.ndarray,
    y_v: np.ndarray,
    image_of: np.ndarray,
    images: UnitFeatures,
    captions: UnitFeatures,
    caption_mode: bool,
) -> None:
    """Image to text, in place."""
    captions_of = Groups(image_of, len(y_v))
    has_captions = captions_of.sizes > 0
    clustered = np.bincount(image_of[labels >= 0], minlength=len(y_v))  # captions of each image
    opened = labels.max(initial=-1) + 1

    def give(items: np.ndarray, label: int) -> None:
        labels[items] = label
        np.add.at(clustered, image_of[items], 1)

    todo = np.flatnonzero((labels < 0) & (y_v[image_of] >= 0))
    for t, (members, cosines) in zip(todo, _within_clusters(images, y_v, image_of[todo]), strict=True):
        if labels[t] >= 0:
            continue
        v = image_of[t]
        others = has_captions[members] & (members != v)
        reaching = others & (clustered[members] > 0)
        if caption_mode and clustered[v]:
            source = v
        elif reaching.any():
            source = members[reaching][_nearest(images, v, members[reaching], cosines[reaching])]
        elif others.any():
            nearest = members[others][_nearest(images, v, members[others], cosines[others])]
            give(np.append(captions_of[nearest], t), opened)
            opened += 1
            continue
        else:
            continue
        choice = captions_of[source]
        choice = choice[labels[choice] >= 0]
        give(np.array([t]), labels[choice[_nearest(captions, t, choice)]])


def _refine_images(labels: np.ndarray, y_t: np.ndarray, image_of: np.ndarray, captions: UnitFeatures) -> None:
    """Text to image, in place."""
    opened = labels.max(initial=-1) + 1
    todo = np.flatnonzero((labels[image_of] < 0) & (y_t >= 0))
    todo = todo[np.argsort(image_of[todo], kind='stable')]
    owner = image_of[todo]
    last = np.append(owner[1:] != owner[:-1], True)[: len(owner)]
    lists: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for t, is_last, (members, cosines) in zip(todo, last, _within_clusters(captions, y_t, todo), strict=True):
        lists.append((np.full(len(members), t), members, cosines))
        if not is_last:
            continue
        v = image_of[t]
        sources, members, cosines = (np.concatenate(column) for column in zip(*lists, strict=True))
        lists = []
        if labels[v] >= 0:
            continue
        others = image_of[members] != v
        reaching = others & (labels[image_of[members]] >= 0)
        chosen = reaching if reaching.any() else others
        if not chosen.any():
            continue
        best = members[chosen][_nearest(captions, sources[chosen], members[chosen], cosines[chosen])]
        if reaching.any():
            labels[v] = labels[image_of[best]]
        else:
            labels[[v, image_of[best]]] = opened
            opened += 1


def _nearest(feats: UnitFeatures, query: Any, items: np.ndarray, cosines: np.ndarray | None = None) -> int:
    """Position of the item that is most similar to its query, the one of smallest index among equals.

    Args:
        feats: of queries and items.
        query: a row, or int (n,) the row that each item is compared with.
        items: int (n,), n >= 1.
        cosines: float32 (n,), if at hand.
    """
    close = np.arange(len(items)) if cosines is None else np.flatnonzero(cosines >= cosines.max() - _CLOSE)
    if len(close) > 1:
        exact = feats.cosines(np.broadcast_to(query, items.shape)[close], items[close]).round(TIE_DECIMALS)
        close = close[np.lexsort((items[close], -exact))]
    return int(close[0])


def _within_clusters(
    feats: UnitFeatures, labels: np.ndarray, queries: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the members (n,) of each query's cluster, ascending, and their float32 cosines (n,) to the query.

    Queries go in batches, and those of a batch that share a cluster through one matrix product.
    """
    groups, unit = Groups(labels), feats.normalised()
    work = np.cumsum(groups.sizes[labels[queries]]) if len(queries) else queries
    start = 0
    while start < len(queries):
        done = work[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(work, done + _BATCH_COSINES, side='right')))
        batch = queries[start:stop]
        rows: list[Any] = [None] * len(batch)
        by_cluster = np.argsort(labels[batch], kind='stable')
        for positions in np.split(by_cluster, np.flatnonzero(np.diff(labels[batch][by_cluster])) + 1):
            members = groups[labels[batch[positions[0]]]]
            cosines = _cosines(unit, batch[positions], members)
            for position, row in zip(positions, cosines, strict=True):
                rows[position] = (members, row)
        yield from rows
        start = stop


def _cosines(unit: Tensor, queries: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Float32 cosines (q, n) of queries that may repeat with members."""
    distinct, inverse = np.unique(queries, return_inverse=True)
    with full_precision(), torch.autocast(unit.device.type, enabled=False):
        product = unit[torch.from_numpy(distinct)] @ unit[torch.from_numpy(members)].T
    return product.cpu().numpy()[inverse]
