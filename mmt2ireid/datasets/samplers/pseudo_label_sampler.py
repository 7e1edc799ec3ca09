"""Batches of P clusters with K pairs each, of clusters that change every epoch."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np

from mmt2ireid.datasets.samplers.group_sampler import GroupSampler, occurrence
from mmt2ireid.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PseudoLabelSampler(GroupSampler):
    """Every P * K consecutive indices of a rank are K pairs of each of P clusters; un-clustered pairs are left out.

    Whoever clusters calls :meth:`set_labels` before the epoch. Clusters and their pairs take turns as identities do in
    :class:`IdentitySampler`. What an epoch gives is a function of seed, epoch and labels. Its length is that of a pass
    over all pairs (the last ones that make no full step dropped) whatever the labels are, so that schedules and resumed
    runs can count on it. Before there are labels, and where there are fewer clusters than a step needs, all pairs are
    drawn in random order.

    Use it with ``batch_size = num_clusters * num_instances``.

    Args:
        dataset: what to sample from.
        num_clusters: P, clusters per batch and rank.
        num_instances: K, pairs per cluster.
        seed: the same on all ranks; None draws one and shares it.

    Raises:
        ValueError: an argument is not positive, or the dataset has fewer pairs than a step needs.
    """

    def __init__(self, dataset: Sized, *, num_clusters: int, num_instances: int, seed: int | None = 0) -> None:
        super().__init__(num_clusters, num_instances, seed)
        if num_clusters < 1 or num_instances < 1:
            raise ValueError(
                f'num_clusters and num_instances must be at least 1, but got {num_clusters} and {num_instances}'
            )
        self._num_items = len(dataset)
        self.num_steps = self._num_items // (self._groups_per_step * num_instances)
        if not self.num_steps:
            raise ValueError(
                f'dataset must hold the {self._groups_per_step * num_instances} pairs of a step on {self.world_size} '
                f'ranks, but got {self._num_items}'
            )
        self._has_groups = False

    def set_labels(self, labels: Any, images: Any = None) -> bool:
        """Sets the clusters of the epochs to come.

        Args:
            labels: integers (number of pairs,), the same on all ranks; -1 is un-clustered.
            images: integers (number of pairs,), the image of each pair. A cluster then goes through its images before
                one comes again with another caption: a batch that holds an image twice has it among its own negatives.

        Returns:
            Whether there are clusters enough for a step; if not, all pairs will be drawn.

        Raises:
            ValueError: there is not one label, or one image, for each pair.
        """
        labels = np.asarray(labels)
        self._images = np.arange(self._num_items) if images is None else np.asarray(images)
        for name, found in (('labels', labels), ('images', self._images)):
            if found.shape != (self._num_items,):
                raise ValueError(f'{name} must be of shape {(self._num_items,)}, but got {found.shape}')
        items = np.flatnonzero(labels >= 0)
        self._set_groups(labels[items], items)
        self._has_groups = len(self._counts) >= self._groups_per_step
        return self._has_groups

    def _draw_items(self) -> np.ndarray:
        if self._has_groups:
            return super()._draw_items()
        shape = (self.num_steps, self._groups_per_step, self.num_instances)
        return self._rng().permutation(self._num_items)[: np.prod(shape)].reshape(shape)

    def _shuffle_within_groups(self, rng: np.random.Generator) -> np.ndarray:
        shuffled = super()._shuffle_within_groups(rng)
        groups = np.repeat(np.arange(len(self._counts)), self._counts)
        # A cluster's pairs by rounds over its images, in random order within a round.
        rounds = occurrence(self._images[shuffled])
        return shuffled[np.lexsort((rounds, groups))]
