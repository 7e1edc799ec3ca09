"""Dense float64 references, written as the definitions read: sets, loops, N x N matrices."""

from __future__ import annotations

import math

import numpy as np


def make_features(count, identities, width=32, noise=0.5, seed=0, dtype=np.float32):
    """Features around one centre per identity, not normalised, and the identities."""
    rng = np.random.default_rng(seed)
    pids = rng.integers(identities, size=count)
    centres = rng.normal(size=(identities, width))
    lengths = rng.uniform(0.5, 3.0, size=(count, 1))
    return (lengths * (centres[pids] + noise * rng.normal(size=(count, width)))).astype(dtype), pids


def dense_cosines(feats):
    feats = np.asarray(feats, dtype=np.float64)
    feats = feats / np.maximum(np.linalg.norm(feats, axis=1, keepdims=True), 1e-12)
    return (feats @ feats.T).round(12)


def naive_neighbours(cosines, k):
    """Lists of each row's k nearest rows, itself first, equal ones by index."""
    lists = []
    for i, row in enumerate(cosines):
        order = [int(j) for j in np.argsort(-row, kind='stable') if j != i]
        lists.append([i, *order[: k - 1]])
    return lists


def naive_jaccard(feats, k1=30, k2=6):
    """All distances (N, N)."""
    cosines = dense_cosines(feats)
    count = len(cosines)
    near = naive_neighbours(cosines, k1)

    def reciprocal(k):
        short = [set(row[:k]) for row in near]
        return [{j for j in short[i] if i in short[j]} for i in range(count)]

    first, second = reciprocal(k1), reciprocal(round(k1 / 2) + 1)
    weights = np.zeros((count, count))
    for i in range(count):
        members = set(first[i])
        for c in first[i]:
            if len(second[c] & first[i]) > 2 / 3 * len(second[c]):
                members |= second[c]
        members = sorted(members)
        values = np.exp(-(2 - 2 * cosines[i, members]))
        weights[i, members] = values / values.sum()
    weights = np.stack([weights[row[:k2]].mean(0) for row in near])
    distances, columns = np.empty((count, count)), weights.T.copy()
    for i in range(count):
        shown = np.flatnonzero(weights[i])
        overlap = np.minimum(weights[i, shown, None], columns[shown]).sum(0)
        distances[i] = 1 - overlap / (2 - overlap)
    np.fill_diagonal(distances, 0)
    return np.maximum(distances, 0).round(12)


def naive_dbscan(distances, eps, min_samples):
    """Textbook DBSCAN: one cluster after the other is grown from its first core row."""
    near = [np.flatnonzero(row <= eps) for row in distances]
    labels = np.full(len(distances), -1)
    number = 0
    for start in range(len(distances)):
        if labels[start] >= 0 or len(near[start]) < min_samples:
            continue
        labels[start] = number
        queue = [start]
        while queue:
            row = queue.pop(0)
            if len(near[row]) < min_samples:
                continue
            for other in near[row]:
                if labels[other] < 0:
                    labels[other] = number
                    queue.append(other)
        number += 1
    return labels


def naive_reliable(labels, tight, loose, threshold=None, independence_of_cluster=max):
    """SpCL's criterion with sets of members; a cluster is as independent as its best member."""
    items = range(len(labels))

    def cluster_of(clustering, i):
        return {j for j in items if clustering[j] == clustering[i]} if clustering[i] >= 0 else {i}

    def iou(one, two):
        return len(one & two) / len(one | two)

    clusters = sorted({label for label in labels if label >= 0})
    members = {label: [i for i in items if labels[i] == label] for label in clusters}
    independence, compactness = {}, {}
    for label in clusters:
        own = set(members[label])
        independence[label] = independence_of_cluster(iou(own, cluster_of(loose, i)) for i in own)
        compactness.update({i: iou(own, cluster_of(tight, i)) for i in own})
    if not clusters:
        return [-1] * len(labels), threshold
    if threshold is None:
        # SpCL's own arithmetic: ascending 1 - independence.
        order = sorted(1 - value for value in independence.values())
        threshold = 1 - order[min(len(order) - 1, int(np.round(len(order) * 0.9)))]
    kept = [-1] * len(labels)
    number = 0
    for label in clusters:
        if independence[label] < threshold - 1e-12:
            continue
        best = max(compactness[i] for i in members[label])
        staying = [i for i in members[label] if compactness[i] == best]
        if len(staying) > 1:
            for i in staying:
                kept[i] = number
            number += 1
    return kept, threshold


def naive_refine(img_labels, txt_labels, image_of, img_feats, txt_feats, directions=('v2t', 't2v'), caption_mode=True):
    """MPLR as it is told: full sorts and walks."""
    sim_v, sim_t = dense_cosines(img_feats), dense_cosines(txt_feats)
    images, captions = range(len(img_labels)), range(len(txt_labels))
    captions_of = [[t for t in captions if image_of[t] == v] for v in images]
    y_v, y_t = list(img_labels), list(txt_labels)

    def walk(items, similarity):
        return sorted(items, key=lambda item: (-similarity[item], item))

    if 'v2t' in directions:
        _naive_captions(y_t, img_labels, image_of, captions_of, sim_v, sim_t, walk, caption_mode)
    if 't2v' in directions:
        _naive_images(y_v, txt_labels, image_of, captions_of, sim_t)
    return _renumber(y_v), _renumber(y_t)


def _naive_captions(y_t, y_v, image_of, captions_of, sim_v, sim_t, walk, caption_mode):
    for t in range(len(y_t)):
        v = image_of[t]
        if y_t[t] != -1 or y_v[v] == -1:
            continue
        route = walk([u for u in range(len(y_v)) if y_v[u] == y_v[v] and u != v], sim_v[v])
        for u in [v, *route] if caption_mode else route:
            clustered = [s for s in walk(captions_of[u], sim_t[t]) if y_t[s] != -1]
            if clustered:
                y_t[t] = y_t[clustered[0]]
                break
        else:
            described = [u for u in route if captions_of[u]]
            if described:
                label = max(y_t) + 1
                for s in [t, *captions_of[described[0]]]:
                    y_t[s] = label


def _naive_images(y_v, y_t, image_of, captions_of, sim_t):
    for v in range(len(y_v)):
        if y_v[v] != -1:
            continue
        route = [
            (-sim_t[t, s], s)
            for t in captions_of[v]
            if y_t[t] != -1
            for s in range(len(y_t))
            if y_t[s] == y_t[t] and image_of[s] != v
        ]
        for _, s in sorted(route):
            if y_v[image_of[s]] != -1:
                y_v[v] = y_v[image_of[s]]
                break
        else:
            if route:
                label = max(y_v) + 1
                y_v[v] = y_v[image_of[min(route)[1]]] = label


def _renumber(labels):
    numbers = {label: number for number, label in enumerate(sorted({label for label in labels if label != -1}))}
    return [numbers.get(label, -1) for label in labels]


def comb2(number):
    return math.comb(number, 2)
