from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from naive_labeling import naive_refine

from mmt2ireid.labeling import refine, refine_labels


def make_case(seed, images=40, captions=70, clusters=6, unclustered=0.4):
    rng = np.random.default_rng(seed)
    img_labels = np.where(rng.random(images) < unclustered, -1, rng.integers(clusters, size=images))
    txt_labels = np.where(rng.random(captions) < unclustered, -1, rng.integers(clusters, size=captions))
    image_of = rng.integers(images, size=captions)
    return img_labels, txt_labels, image_of, rng.normal(size=(images, 8)), rng.normal(size=(captions, 6))


def assert_equals_naive(case, **options):
    found, expected = refine_labels(*case, **options), naive_refine(*case, **options)
    for one, two, name in zip(found, expected, ('images', 'captions'), strict=True):
        assert one.dtype == np.int64 and one.tolist() == two, name


@pytest.mark.parametrize('seed', range(15))
@pytest.mark.parametrize('unclustered', [0.3, 0.7, 0.95])
def test_equals_walks(seed, unclustered):
    case = make_case(seed, unclustered=unclustered)
    assert len(set(case[2])) < 40, 'some image should have no caption'
    assert_equals_naive(case)
    assert_equals_naive(case, caption_mode=False)
    assert_equals_naive(case, directions=['v2t'])
    assert_equals_naive(case, directions=['t2v'])


@pytest.mark.parametrize('seed', range(5))
def test_one_caption_per_image(seed):
    img_labels, _, _, img_feats, _ = make_case(seed, images=60)
    _, txt_labels, _, _, txt_feats = make_case(seed + 50, captions=60)
    case = (img_labels, txt_labels, np.random.default_rng(seed).permutation(60), img_feats, txt_feats)
    assert_equals_naive(case)
    both = [refine_labels(*case, caption_mode=mode) for mode in (True, False)]
    assert all(np.array_equal(one, two) for one, two in zip(*both, strict=True))


@pytest.mark.parametrize('seed', range(4))
def test_batches_may_be_cut_anywhere(seed, monkeypatch):
    monkeypatch.setattr(refine, '_BATCH_COSINES', 13)
    assert_equals_naive(make_case(seed))


@pytest.mark.parametrize('seed', range(6))
def test_equal_similarities(seed):
    """Many rows that equal others but for their length."""
    rng = np.random.default_rng(seed)
    img_labels, txt_labels, image_of, img_feats, txt_feats = make_case(seed, unclustered=0.5)
    img_feats, txt_feats = (
        feats[rng.integers(5, size=len(feats))] * rng.uniform(0.5, 2, size=(len(feats), 1))
        for feats in (img_feats, txt_feats)
    )
    assert_equals_naive((img_labels, txt_labels, image_of, img_feats, txt_feats))


@pytest.mark.parametrize(
    ('img', 'txt'), [('all', 'some'), ('some', 'all'), ('all', 'all'), ('one', 'all'), ('all', 'one')]
)
def test_all_unclustered_or_one_cluster(img, txt):
    case = list(make_case(3))
    for index, kind in enumerate((img, txt)):
        if kind != 'some':
            case[index] = np.full(len(case[index]), -1 if kind == 'all' else 0)
    assert_equals_naive(case)


def line(*angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_by_hand_image_to_text():
    # Images 0, 1, 2 are one cluster, 3 is in none; 2 is nearer to 0 than 1 is.
    feats = line(0.0, 0.5, 0.2, 0.1), line(0.0, 0.1, 0.2, 0.3)
    one_each = np.arange(4)
    images = [0, 0, 0, -1]
    assert refine_labels(images, [-1, 4, 7, -1], one_each, *feats, directions=['v2t'])[1].tolist() == [1, 0, 1, -1]
    # The nearest is not clustered: the next one's label. Without any, a new cluster with the nearest.
    assert refine_labels(images, [-1, 4, -1, 4], one_each, *feats, directions=['v2t'])[1].tolist() == [0, 0, 0, 0]
    assert refine_labels(images, [-1] * 4, one_each, *feats, directions=['v2t'])[1].tolist() == [0, 0, 0, -1]
    assert refine_labels([0, -1, 0, -1], [-1, 3, -1, -1], one_each, *feats)[1].tolist() == [1, 0, 1, -1]


def test_siblings_go_first_in_caption_mode():
    feats = line(0.0, 0.1), line(0.0, 1.0, 0.1)
    labels = [0, 0], [-1, 5, 6]
    assert refine_labels(*labels, [0, 0, 1], *feats)[1].tolist() == [0, 0, 1]
    assert refine_labels(*labels, [0, 0, 1], *feats, caption_mode=False)[1].tolist() == [1, 0, 1]
    # The captions of an image that is in no cluster stay as they are.
    assert refine_labels([-1, 0], [-1, 5, 6], [0, 0, 1], *feats)[1].tolist() == [-1, 0, 1]


def test_images_without_captions():
    feats = line(0.0, 0.1, 0.2), line(0.0)
    assert [part.tolist() for part in refine_labels([0, 0, -1], [-1], [0], *feats)] == [[0, 0, -1], [-1]]
    # The nearest image has none, the next one opens the cluster.
    feats = line(0.0, 0.1, 0.2), line(0.0, 0.1)
    assert refine_labels([0, 0, 0], [-1, -1], [0, 2], *feats)[1].tolist() == [0, 0]


def test_each_direction_reads_the_labels_as_they_came():
    feats = line(0.0, 0.1), line(0.0, 0.1)
    # Text is refined through the images; the text cluster that this opens must not act on images.
    assert [part.tolist() for part in refine_labels([0, 0], [-1, -1], [0, 1], *feats)] == [[0, 0], [0, 0]]
    feats = line(0.0, 0.1, 0.2), line(0.0, 0.1, 0.2)
    found = refine_labels([0, 0, -1], [-1, 0, 0], [0, 1, 2], *feats)
    assert [part.tolist() for part in found] == [[0, 0, 0], [0, 0, 0]]
    found = refine_labels([0, 0, -1], [-1, -1, -1], [0, 1, 2], *feats)
    assert [part.tolist() for part in found] == [[0, 0, -1], [0, 0, -1]]


def test_inputs_are_left_alone_and_tensors_are_taken():
    case = make_case(0)
    copies = [part.copy() for part in case]
    expected = refine_labels(*case)
    assert all(np.array_equal(one, two) for one, two in zip(case, copies, strict=True))
    tensors = [torch.from_numpy(part) for part in case]
    assert all(np.array_equal(one, two) for one, two in zip(refine_labels(*tensors), expected, strict=True))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({0: [0]}, 'img_labels must have 40'),
        ({1: [0]}, 'txt_labels must have 70'),
        ({2: [0]}, 'image_of must have 70'),
        ({2: np.full(70, 40)}, 'indices of 40 images'),
        ({2: np.full(70, -1)}, 'indices of 40 images'),
        ({3: np.full((40, 2), np.nan)}, 'img_feats must be finite, but row 0'),
        ({4: np.full((70, 2), np.inf)}, 'txt_feats must be finite'),
        ({4: np.zeros(70)}, 'txt_feats must be a matrix'),
    ],
)
def test_bad_input(change, message):
    case = list(make_case(0))
    for index, value in change.items():
        case[index] = value
    with pytest.raises(ValueError, match=message):
        refine_labels(*case)


@pytest.mark.parametrize('directions', ['v2t', ['v2v']])
def test_bad_directions(directions):
    with pytest.raises(ValueError, match='directions must be'):
        refine_labels(*make_case(0), directions=directions)


def test_many_captions_take_seconds():
    rng = np.random.default_rng(0)
    image_of = np.arange(68_000) // 2
    img_labels = np.where(rng.random(34_000) < 0.3, -1, rng.integers(9_000, size=34_000))
    txt_labels = np.where(rng.random(68_000) < 0.5, -1, rng.integers(9_000, size=68_000))
    feats = [rng.normal(size=(count, 32)).astype(np.float32) for count in (34_000, 68_000)]
    start = time.perf_counter()
    img, txt = refine_labels(img_labels, txt_labels, image_of, *feats)
    assert time.perf_counter() - start < 60
    assert (img < 0).sum() < (img_labels < 0).sum() and (txt < 0).sum() < (txt_labels < 0).sum()
