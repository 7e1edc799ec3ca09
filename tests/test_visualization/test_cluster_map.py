"""The map of both modalities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cluster_parts import colours_of, labelled
from PIL import ImageColor

from mmt2ireid.visualization import cluster_map
from mmt2ireid.visualization.clustered_pairs import ClusteredPairs


def test_colours_of_the_map():
    pairs = labelled()
    points = cluster_map.choose_points(pairs, num_clusters=4, seed=3)
    assert len(points.feats) == 72 == points.num_points and points.num_clusters == 6 and len(points.clusters) == 4
    np.testing.assert_allclose(np.linalg.norm(points.feats, axis=1), 1, atol=1e-5)
    assert points.is_image.tolist() == [True] * 24 + [False] * 48
    for labels, colours in ((pairs.after[0], points.colours[:24]), (pairs.after[1], points.colours[24:])):
        place = {label: number for number, label in enumerate(points.clusters)} | {-1: -1}
        assert colours.tolist() == [place.get(label, -2) for label in labels.tolist()]


def test_caption_clusters_take_the_colour_of_most_of_their_pictures():
    img, txt = np.array([0, 0, 1, 1, -1, 1]), np.array([0, 0, 0, 1, 1, 2, -1, 0])
    pairs = ClusteredPairs(
        np.eye(6), np.ones((8, 6)), np.array([2, 3, 0, 1, 2, 4, 0, 4]), np.full(6, -1), [''] * 8, (img, txt), (img, txt)
    )
    points = cluster_map.choose_points(pairs, num_clusters=2)
    zero, one = points.clusters.index(0), points.clusters.index(1)
    # 0: two of cluster 1, one of 0, one of none; 1: one of each, so the smaller; 2: only a picture without a cluster.
    assert points.colours[6:].tolist() == [one, one, one, zero, zero, -2, -1, one]


def test_points_are_limited_but_not_those_of_coloured_clusters():
    pairs = labelled()
    points = cluster_map.choose_points(pairs, num_clusters=2, max_points=40, seed=1)
    whole = cluster_map.choose_points(pairs, num_clusters=2, seed=1)
    assert len(points.feats) == 40 and points.num_points == 72
    assert points.clusters == whole.clusters
    assert (points.colours >= 0).sum() == (whole.colours >= 0).sum()
    least = cluster_map.choose_points(pairs, num_clusters=2, max_points=1, seed=1)
    assert len(least.feats) == (whole.colours >= 0).sum() and (least.colours >= 0).all()
    for number in (0, len(cluster_map.COLOURS) + 1):
        with pytest.raises(ValueError, match='num_clusters must be from 1 to'):
            cluster_map.choose_points(pairs, num_clusters=number)


def test_map_of_nothing_clustered():
    pairs = labelled()
    nothing = np.full(24, -1), np.full(48, -1)
    points = cluster_map.choose_points(replace(pairs, before=nothing, after=nothing))
    assert points.clusters == [] and (points.colours == -1).all() and points.num_clusters == 0
    picture = cluster_map.render_cluster_map(points, cluster_map.project(points.feats, 'pca'))
    assert picture.size == cluster_map.SIZE
    assert not colours_of(picture) & {ImageColor.getrgb(colour) for colour in cluster_map.COLOURS}


def test_map_has_the_colours_where_the_points_are():
    points = cluster_map.choose_points(labelled(), num_clusters=3)
    places = np.stack([np.arange(72.0), np.zeros(72)], 1)
    picture = cluster_map.render_cluster_map(points, places, size=(1500, 700))
    assert picture.size == (1500, 700)
    assert picture.tobytes() == cluster_map.render_cluster_map(points, places, size=(1500, 700)).tobytes()
    pixels = np.asarray(picture)[:400]
    for number, colour in enumerate(cluster_map.COLOURS[:3]):
        columns = np.flatnonzero((pixels == ImageColor.getrgb(colour)).all(-1).any(0))
        where = np.flatnonzero(points.colours == number)
        share = (columns - columns.min()) / (columns.max() - columns.min())
        wanted = (where - where.min()) / (where.max() - where.min())
        assert abs(wanted[:, None] - share).min(1).max() < 0.03, 'a point is not where it should be'
    with pytest.raises(ValueError, match=r'places must be \(72, 2\), but got \(3, 2\)'):
        cluster_map.render_cluster_map(points, places[:3])


@pytest.mark.parametrize('method', cluster_map.METHODS)
def test_projection(method):
    feats = labelled().img_feats
    places = cluster_map.project(feats, method, seed=1)
    assert places.shape == (24, 2) and np.isfinite(places).all()
    assert (places == cluster_map.project(feats, method, seed=1)).all()
    for few in (feats[:1], feats[:2], feats[:3], feats[:4], feats[:, :1]):
        assert cluster_map.project(few, method).shape == (len(few), 2)
    persons = np.arange(24) % 6
    distances = np.linalg.norm(places[:, None] - places, axis=-1)
    same = persons[:, None] == persons
    assert distances[same & ~np.eye(24, dtype=bool)].mean() < distances[~same].mean()
    with pytest.raises(ValueError, match=r"method must be one of .*, but got 'umap'"):
        cluster_map.project(feats, 'umap')


def test_pca_keeps_the_two_widest_directions():
    feats = np.random.default_rng(0).normal(size=(50, 5)) * [9, 5, 0.1, 0.1, 0.1]
    places = cluster_map.project(feats.astype(np.float32), 'pca')
    wanted = feats[:, :2] - feats[:, :2].mean(0)
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), np.linalg.norm(wanted, axis=1), atol=0.3)
