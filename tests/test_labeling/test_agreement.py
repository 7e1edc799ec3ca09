"""Agreement of the two modalities' clusters against a loop over pairs of captions."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from mmt2ireid.labeling import cross_modal_agreement


def naive_agreement(img, txt, image_of):
    """Adjusted Rand index from its definition: pairs that both, one or neither put together."""
    usable = [t for t in range(len(txt)) if txt[t] >= 0 and img[image_of[t]] >= 0]
    both = one = other = pairs = 0
    for s, t in combinations(usable, 2):
        by_image, by_text = img[image_of[s]] == img[image_of[t]], txt[s] == txt[t]
        both, one, other, pairs = both + (by_image and by_text), one + by_image, other + by_text, pairs + 1
    expected = one * other / pairs
    return (both - expected) / ((one + other) / 2 - expected), len(usable) / len(txt)


@pytest.mark.parametrize('seed', range(5))
def test_against_pairs(seed):
    rng = np.random.default_rng(seed)
    image_of = np.sort(rng.integers(0, 30, 70))
    img, true = rng.integers(-1, 6, 30), rng.integers(-1, 6, 70)
    txt = np.where(rng.random(70) < 0.6, img[image_of], true)
    agreement, share = naive_agreement(img, txt, image_of)
    found = cross_modal_agreement(img, txt, image_of)
    assert found['agreement'] == pytest.approx(agreement, abs=1e-12)
    assert found['clustered_in_both'] == pytest.approx(share)


def test_names_of_clusters_do_not_matter():
    found = cross_modal_agreement([0, 0, 1, -1], [5, 5, 5, 2, -1, 3], [0, 0, 1, 2, 2, 3])
    assert found == {'agreement': 1.0, 'clustered_in_both': pytest.approx(4 / 6)}


def test_nothing_clustered_in_both():
    found = cross_modal_agreement([0, -1], [-1, 3], [0, 1])
    assert math.isnan(found['agreement']) and found['clustered_in_both'] == 0
    assert cross_modal_agreement([], [], [])['clustered_in_both'] == 0


@pytest.mark.parametrize('image_of', [[0, 1], [0, 1, 2], [0, -1, 1], [0.0, 1.0, 1.0]])
def test_images_that_do_not_exist(image_of):
    with pytest.raises(ValueError, match='image_of must be 3 numbers of the 2 images'):
        cross_modal_agreement([0, 1], [0, 1, 1], image_of)
