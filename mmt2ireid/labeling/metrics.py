"""How good pseudo labels are, where identities happen to be known, and how the clusters look where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mmt2ireid.labeling.groups import UNCLUSTERED, as_labels


def label_quality(labels: Any, pids: Any) -> dict[str, float]:
    """Agreement of pseudo labels with identities.

    Instances whose identity is unknown (-1) are left out. An un-clustered instance counts as a cluster of its own. A
    pair is two instances: precision is the share of pairs in one cluster that have one identity, recall the share of
    pairs of one identity that are in one cluster. Both are counted from cluster sizes, not from pairs.

    Args:
        labels: integers (N,), -1 = un-clustered.
        pids: integers (N,), -1 = unknown.

    Returns:
        'nmi' (arithmetic mean) and 'ari', as scikit-learn defines them, 'pair_precision' and 'pair_recall'. A precision
        without a pair in a cluster, or a recall without a pair of one identity, is NaN; all four are NaN where no
        identity is known.

    Raises:
        ValueError: vectors that are no labels, or of different lengths.
    """
    labels = as_labels(labels, 'labels')
    pids = as_labels(pids, 'pids', len(labels))
    known = pids >= 0
    if not known.any():
        return dict.fromkeys(('nmi', 'ari', 'pair_precision', 'pair_recall'), float('nan'))
    found, true = labels[known], pids[known]
    alone = found == UNCLUSTERED
    found[alone] = found.max() + 1 + np.arange(alone.sum())
    together = _pairs(np.unique(np.stack([found, true]), axis=1, return_counts=True)[1])
    return {
        'nmi': float(normalized_mutual_info_score(true, found)),
        'ari': float(adjusted_rand_score(true, found)),
        'pair_precision': _ratio(together, _pairs(np.unique(found, return_counts=True)[1])),
        'pair_recall': _ratio(together, _pairs(np.unique(true, return_counts=True)[1])),
    }


def cluster_statistics(labels: Any) -> dict[str, float]:
    """Number and sizes of clusters, which need no identities.

    Args:
        labels: integers (N,), -1 = un-clustered.

    Returns:
        'clusters', 'unclustered_share' (of all instances), and 'mean_size', 'median_size', 'max_size' of the clusters,
        0 where there is none.

    Raises:
        ValueError: not a vector of labels.
    """
    labels = as_labels(labels, 'labels')
    sizes = np.unique(labels[labels >= 0], return_counts=True)[1]
    statistics = {
        'clusters': len(sizes),
        'unclustered_share': float(np.mean(labels < 0)) if len(labels) else 0.0,
        'mean_size': float(sizes.mean()) if len(sizes) else 0.0,
        'median_size': float(np.median(sizes)) if len(sizes) else 0.0,
        'max_size': int(sizes.max(initial=0)),
    }
    return statistics


def cross_modal_agreement(img_labels: Any, txt_labels: Any, image_of: Any) -> dict[str, float]:
    """Whether images and captions fall into the same clusters, before they refine each other: needs no identities.

    k1, k2 and eps can be chosen by it where nobody knows who is who. Clusters of either modality alone can be right or
    wrong; that both make the same mistakes is unlikely. After refinement it tells nothing: each has copied the other.

    Args:
        img_labels: integers (I,), -1 = un-clustered.
        txt_labels: integers (T,), -1 = un-clustered.
        image_of: integers (T,), the image of each caption.

    Returns:
        'agreement', the adjusted Rand index of the captions' clusters and their images', over the captions that both
        have clustered; NaN where there are none, and where both have put all of them into one cluster, or each into a
        cluster of its own: chance would agree as well. 'clustered_in_both', their share of all captions.

    Raises:
        ValueError: vectors that are no labels, of different lengths, or images that do not exist.
    """
    img, txt = as_labels(img_labels, 'img_labels'), as_labels(txt_labels, 'txt_labels')
    owners = np.asarray(image_of)
    whole = owners.dtype.kind in 'iu' or not owners.size
    if owners.shape != txt.shape or not whole or (len(owners) and not 0 <= owners.min() <= owners.max() < len(img)):
        raise ValueError(f'image_of must be {len(txt)} numbers of the {len(img)} images, but it is not')
    by_image = img[owners.astype(np.int64)]
    both = (by_image != UNCLUSTERED) & (txt != UNCLUSTERED)
    one, two = by_image[both], txt[both]
    counts = {len(np.unique(one)), len(np.unique(two))}
    trivial = counts <= {0, 1} or counts == {len(one)}
    return {
        'agreement': float('nan') if trivial else float(adjusted_rand_score(one, two)),
        'clustered_in_both': float(both.mean()) if len(both) else 0.0,
    }


def _pairs(sizes: np.ndarray) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float('nan')
