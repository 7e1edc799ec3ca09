"""A 2-D map of pictures and captions in the common space, coloured by pseudo label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from mmt2ireid.visualization.clustered_pairs import ClusteredPairs
from mmt2ireid.visualization.figure import FAINT, INK, render_figure
from mmt2ireid.visualization.saved_features import unit_rows

METHODS = ('tsne', 'pca')
COLOURS = (
    '#1f77b4', '#e6550d', '#2ca02c', '#d62728', '#7b4fa3', '#8c564b',
    '#e377c2', '#17becf', '#bcae00', '#0b3d91', '#66a61e', '#c51b7d',
)  # fmt: skip
"""As many as can be told apart; a map shows no more clusters."""
SIZE = (1800, 1320)
OTHER, UNCLUSTERED = -2, -1
_LEAST = 3  # pictures of a cluster, where there are enough such clusters
_PERPLEXITY = 30
_DIRECTIONS = (
    *((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1.3, 0), (-1.3, 0)),
    *((2, 2), (-2, 2), (2, -2), (-2, -2)),
)  # of a number from the middle of its cluster


@dataclass(frozen=True)
class MapPoints:
    """What a map shows, P points.

    Attributes:
        feats: float32 (P, D), unit rows.
        is_image: bool (P,), pictures; the others are captions.
        colours: int64 (P,), place in ``clusters``; -1 is un-clustered, -2 in another cluster.
        clusters: labels of the picture clusters that have a colour.
        num_clusters: picture clusters that there are.
        num_points: pictures and captions that there are.
    """

    feats: np.ndarray
    is_image: np.ndarray
    colours: np.ndarray
    clusters: Sequence[int]
    num_clusters: int
    num_points: int


def choose_points(
    pairs: ClusteredPairs, *, num_clusters: int = len(COLOURS), max_points: int = 5000, seed: int = 0
) -> MapPoints:
    """Chooses clusters that get a colour, and points.

    Picture clusters are drawn at random, of those with three pictures or more if they suffice. A caption cluster has
    the colour of the picture cluster that most of its captions' pictures are in, the smaller label among equals: the
    two modalities are clustered each for itself. All points of these clusters are shown, and of the others as many as
    there is room for, drawn at random.

    Args:
        pairs: the training set; its labels after the refinement are used.
        num_clusters: how many clusters get a colour.
        max_points: most points; those of the coloured clusters are shown even if they are more.
        seed: of the draws.

    Returns:
        The points.

    Raises:
        ValueError: more clusters than colours, or none.
    """
    if not 1 <= num_clusters <= len(COLOURS):
        raise ValueError(f'num_clusters must be from 1 to {len(COLOURS)}, but got {num_clusters}')
    rng, (img, txt) = np.random.default_rng(seed), pairs.after
    sizes = np.bincount(img[img >= 0], minlength=1 if len(img) else 0)
    order = rng.permutation(np.flatnonzero(sizes))
    clusters = order[np.argsort(sizes[order] < _LEAST, kind='stable')][:num_clusters]
    colour_of = np.full(len(sizes) + 1, OTHER)  # the last entry is that of caption clusters without pictures in any
    colour_of[clusters] = np.arange(len(clusters))
    partner = np.append(_partners(txt, img[pairs.image_of]), -1)
    colours = np.concatenate(
        [
            np.where(img < 0, UNCLUSTERED, colour_of[img]),
            np.where(txt < 0, UNCLUSTERED, colour_of[partner[txt]]),
        ]
    )
    rest = rng.permutation(np.flatnonzero(colours < 0))
    shown = np.flatnonzero(colours >= 0)
    chosen = np.sort(np.concatenate([shown, rest[: max(0, max_points - len(shown))]]))
    images = chosen < len(img)
    feats = np.concatenate([pairs.img_feats[chosen[images]], pairs.txt_feats[chosen[~images] - len(img)]])
    return MapPoints(
        unit_rows(feats.astype(np.float32)), images, colours[chosen], clusters.tolist(), len(order), len(colours)
    )


def _partners(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each cluster the label that most of its members have in the other modality; -1 where none has any."""
    partner = np.full(labels.max(initial=-1) + 1, -1)
    known = (labels >= 0) & (others >= 0)
    pairs, counts = np.unique(np.stack([labels[known], others[known]]), axis=1, return_counts=True)
    order = np.lexsort((-pairs[1], counts))  # the last one written is the most frequent
    partner[pairs[0][order]] = pairs[1][order]
    return partner


def project(feats: np.ndarray, method: str = 'tsne', *, seed: int = 0) -> np.ndarray:
    """Lays features out on a plane.

    Args:
        feats: float32 (P, D).
        method: 'tsne', or 'pca', which takes a moment only and keeps large distances.
        seed: of t-SNE.

    Returns:
        float64 (P, 2).

    Raises:
        ValueError: an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, but got {method!r}')
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if min(feats.shape) < 2:
        return np.pad(feats.astype(np.float64), ((0, 0), (0, 2)))[:, :2]
    if method == 'pca' or len(feats) < 4:
        return PCA(2, svd_solver='full').fit_transform(feats).astype(np.float64)
    perplexity = min(_PERPLEXITY, (len(feats) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init='pca', random_state=seed).fit_transform(feats).astype(np.float64)


def render_cluster_map(points: MapPoints, places: np.ndarray, *, size: tuple[int, int] = SIZE) -> Image.Image:
    """Draws a map: discs are pictures, triangles captions.

    Args:
        points: what to show.
        places: (P, 2), where.
        size: width and height in pixels.

    Returns:
        An RGB picture on white.

    Raises:
        ValueError: places that are not (P, 2).
    """
    if places.shape != (len(points.feats), 2):
        raise ValueError(f'places must be ({len(points.feats)}, 2), but got {places.shape}')

    def plot(axes: Any) -> None:
        from matplotlib.legend_handler import HandlerTuple
        from matplotlib.patheffects import withStroke

        middles = _middles(points, places)
        for number, middle in enumerate(middles):
            for place in places[points.colours == number]:
                axes.plot(*zip(middle, place, strict=True), color=COLOURS[number], linewidth=0.9, alpha=0.5, zorder=1)
        for _, _, select, style in _layers(points):
            for marker, modality in (('o', points.is_image), ('^', ~points.is_image)):
                where = places[select & modality]
                axes.scatter(where[:, 0], where[:, 1], marker=marker, **style)
        outline = [withStroke(linewidth=3, foreground='white')]
        for number, place in enumerate(_label_places(points, places, middles)):
            axes.text(
                *place, str(points.clusters[number]), fontsize=12, weight='bold', color=COLOURS[number], zorder=4,
                ha='center', va='center', path_effects=outline,
            )  # fmt: skip
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.margins(0.02)
        axes.figure.legend(
            handles=_handles(points), loc='outside lower center', ncols=3, frameon=False, fontsize=12,
            columnspacing=1.8, handletextpad=0.5, handler_map={tuple: HandlerTuple(ndivide=None, pad=0.3)},
        )  # fmt: skip

    return render_figure(plot, size)


def _middles(points: MapPoints, places: np.ndarray) -> np.ndarray:
    """The middle of each coloured cluster's pictures, (K, 2)."""
    middles = [np.median(places[(points.colours == n) & points.is_image], axis=0) for n in range(len(points.clusters))]
    return np.array(middles).reshape(-1, 2)


def _label_places(points: MapPoints, places: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """Puts each cluster's number beside its middle, where fewest coloured points and numbers are, (K, 2)."""
    low = places.min(0)
    extent = np.maximum(places.max(0) - low, 1e-9)
    shares, taken, found = (places - low) / extent, [], []
    for number, middle in enumerate((middles - low) / extent):
        members = shares[points.colours == number]
        taken += [*members, *(0.5 * (members + middle)), *(0.25 * members + 0.75 * middle)]  # also along its lines
    for label, middle in zip(points.clusters, (middles - low) / extent, strict=True):
        box = np.array([0.003 + 0.0048 * len(str(label)), 0.016])  # half its size, as a share of the map
        corners = [(x * (box[0] + 0.008), y * (box[1] + 0.011)) for x, y in _DIRECTIONS]
        crowds = [sum((abs(point - middle - corner) < box + 0.008).all() for point in taken) for corner in corners]
        found.append(middle + corners[int(np.argmin(crowds))])
        taken += [found[-1] + (share * box[0], 0) for share in (-1, 0, 1)]
    return np.array(found).reshape(-1, 2) * extent + low


def _layers(points: MapPoints) -> list[tuple[str, str, np.ndarray, dict[str, Any]]]:
    """Name, colour of the legend, points and style, from the bottom to the top."""
    light, grey = '#dedede', '#8c8c8c'
    layers = [
        ('in another cluster', light, points.colours == OTHER, dict(s=13, color=light, linewidths=0, zorder=0)),
        ('un-clustered', grey, points.colours == UNCLUSTERED, dict(s=13, color=grey, linewidths=0, zorder=0)),
    ]
    for number, colour in enumerate(COLOURS[: len(points.clusters)]):
        style = dict(s=48, color=colour, linewidths=0.6, edgecolors='white', zorder=3)
        layers.append(('', colour, points.colours == number, style))
    return layers


def _handles(points: MapPoints) -> list[Any]:
    from matplotlib.lines import Line2D

    def entry(marker: str, colour: str, words: str) -> Line2D:
        return Line2D([], [], linestyle='none', marker=marker, color=colour, markersize=8, label=words)

    images, captions = points.is_image.sum(), (~points.is_image).sum()
    handles: list[Any] = [entry('o', INK, f'picture ({images:,})'), entry('^', INK, f'caption ({captions:,})')]
    if points.clusters:
        words = f'{len(points.clusters)} of {points.num_clusters:,} picture clusters'
        handles.append(_Several(entry('s', colour, words) for colour in COLOURS[: min(4, len(points.clusters))]))
    for name, colour, select, _ in _layers(points)[:2][::-1]:
        if select.any():
            handles.append(entry('s', colour, f'{name} ({select.sum():,})'))
    if len(points.feats) < points.num_points:
        handles.append(entry('', FAINT, f'{len(points.feats):,} of {points.num_points:,} points shown'))
    return handles


class _Several(tuple):
    """Signs that stand for one thing in a legend."""

    def get_label(self) -> str:
        return self[0].get_label()
