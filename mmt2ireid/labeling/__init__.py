"""Pseudo labels without identities: arrays in, labels out. Knows nothing of MMEngine or of the other rooms.

Shapes: N rows of features of width D; I images and T captions where both modalities meet. A label is int64, clusters
are 0, 1, ..., and -1 is un-clustered.
"""

from mmt2ireid.labeling.cluster import cluster
from mmt2ireid.labeling.distance import jaccard_distance, mean_of_closest
from mmt2ireid.labeling.metrics import cluster_statistics, cross_modal_agreement, label_quality
from mmt2ireid.labeling.neighbours import nearest_neighbours
from mmt2ireid.labeling.pseudo_labels import PseudoLabels, check_rows, check_settings, pseudo_labels
from mmt2ireid.labeling.refine import refine_labels
from mmt2ireid.labeling.reliability import Reliability, keep_reliable

__all__ = [
    'PseudoLabels',
    'Reliability',
    'check_rows',
    'check_settings',
    'cluster',
    'cluster_statistics',
    'cross_modal_agreement',
    'jaccard_distance',
    'keep_reliable',
    'label_quality',
    'mean_of_closest',
    'nearest_neighbours',
    'pseudo_labels',
    'refine_labels',
]
