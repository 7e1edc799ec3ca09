"""A memory of all instances of one modality, with clusters and un-clustered instances as classes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.layers.gather import gather
from mmt2ireid.models.losses.memory_contrastive import memory_contrastive_loss


class HybridMemory(nn.Module):
    """One row per instance, SpCL's hybrid memory (Ge et al., NeurIPS 2020) as CMMT (ICCV 2021) uses it, section 3.3.

    Classes are the clusters, each with the mean of its members' rows as they are now (not brought to unit length
    again), followed by the un-clustered instances in the order of their rows. Before training, :meth:`set_features`
    fills the rows, and :meth:`set_labels` says which belong together.

    ``features`` and ``labels`` are in the checkpoint, the classes are worked out anew when it is loaded. All ranks
    hold the whole memory and update it by the batches of all ranks, in the same order, so that it stays equal.
    Nothing here adds up floats in an order that is left to chance: no atomic additions on the GPU either.

    Args:
        num_instances: rows, N. None: whoever knows the training set says it by :meth:`set_size`, or a checkpoint does
            by what it holds.
        dim: width D.
        momentum: weight of the old row in an update (SpCL's convention).
        temperature: tau.

    Raises:
        ValueError: if an argument is out of range.
    """

    features: Tensor
    labels: Tensor
    _class_of: Tensor
    _order: Tensor
    _offsets: Tensor

    def __init__(self, num_instances: int | None, dim: int, momentum: float = 0.2, temperature: float = 0.05) -> None:
        super().__init__()
        for name, value in dict(num_instances=num_instances, dim=dim).items():
            if value is not None and value < 1:
                raise ValueError(f'{name} must be positive, but got {value}')
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum must be from 0 to 1, but got {momentum}')
        if temperature <= 0:
            raise ValueError(f'temperature must be positive, but got {temperature}')
        self.dim = dim
        self.momentum, self.temperature = momentum, temperature
        rows = num_instances or 0
        self.register_buffer('features', torch.zeros(rows, dim))
        self.register_buffer('labels', torch.full((rows,), -1, dtype=torch.int64))
        for name in ('_class_of', '_order', '_offsets'):
            self.register_buffer(name, torch.arange(rows), persistent=False)
        self.num_clusters = 0
        self._filled = False
        self._register_load_state_dict_pre_hook(self._take_size)

    @property
    def num_instances(self) -> int:
        """Rows, N; 0 as long as nobody has said how many."""
        return len(self.features)

    @torch.no_grad()
    def set_size(self, num_instances: int) -> None:
        """Says how many rows a memory has that was built without a number; does nothing to one that has a number.

        In place: what refers to the buffers, as DistributedDataParallel does, goes on to.

        Args:
            num_instances: rows, N.

        Raises:
            ValueError: if it is not positive.
        """
        if num_instances < 1:
            raise ValueError(f'num_instances must be positive, but got {num_instances}')
        if not self.num_instances:
            self.features.resize_(num_instances, self.dim).zero_()
            self.labels.resize_(num_instances).fill_(-1)
            self._index_classes()

    @property
    def is_filled(self) -> bool:
        """Whether the rows have been set."""
        return self._filled

    @property
    def class_count(self) -> int:
        """Clusters and un-clustered instances. (Not ``num_classes``, which in a head is a number of identities.)"""
        return len(self._offsets)

    @torch.no_grad()
    def set_features(self, feats: Tensor) -> None:
        """Fills the memory.

        Args:
            feats: (N, D), brought to unit length here.

        Raises:
            ValueError: if the shape is another, or a row has a value that is not finite.
        """
        if feats.shape != self.features.shape:
            raise ValueError(f'feats must be of shape {tuple(self.features.shape)}, but got {tuple(feats.shape)}')
        bad = (~feats.isfinite().all(dim=1)).nonzero().flatten()
        if len(bad):
            raise ValueError(f'feats must be finite, but {len(bad)} rows are not, the first is row {int(bad[0])}')
        self.features.copy_(F.normalize(feats.to(self.features), dim=1))
        self._filled = True

    @torch.no_grad()
    def set_labels(self, labels: Tensor) -> None:
        """Sets the clusters and works out the classes.

        Args:
            labels: integers (N,); -1 is un-clustered. The others need not be contiguous.

        Raises:
            ValueError: if the shape is another, labels are no integers, or one is below -1.
        """
        if labels.shape != self.labels.shape or labels.is_floating_point():
            raise ValueError(
                f'labels must be integers of shape {tuple(self.labels.shape)}, but got {labels.dtype} of shape '
                f'{tuple(labels.shape)}'
            )
        if int(labels.min()) < -1:
            raise ValueError(f'labels must be -1 or higher, but got {int(labels.min())}')
        self.labels.copy_(labels)
        self._index_classes()

    def _index_classes(self) -> None:
        clustered = self.labels >= 0
        clusters, numbers = self.labels[clustered].unique(return_inverse=True)
        self.num_clusters = len(clusters)
        self._class_of = torch.empty_like(self.labels)
        self._class_of[clustered] = numbers
        loners = torch.arange(int((~clustered).sum()), device=self.labels.device)
        self._class_of[~clustered] = self.num_clusters + loners
        # Rows in the order of their classes, and where each class begins.
        self._order = self._class_of.argsort(stable=True)
        sizes = torch.ones(self.num_clusters + len(loners), dtype=torch.int64, device=self.labels.device)
        sizes[: self.num_clusters] = torch.bincount(numbers, minlength=self.num_clusters)
        self._offsets = sizes.cumsum(0) - sizes

    @torch.no_grad()
    def classes(self) -> Tensor:
        """Centroids of the clusters and rows of the un-clustered, (:attr:`class_count`, D), as they are now."""
        # A mean per bag of rows: reads every row once, and copies none.
        return F.embedding_bag(self._order, self.features, self._offsets, mode='mean')

    def class_of(self, index: Tensor) -> Tensor:
        """The class of instances, int64 (B,).

        Args:
            index: int64 (B,), 0..N-1.
        """
        # Unlike brackets it takes no -1 ("unknown") for the last row.
        return self._class_of.index_select(0, index)

    def loss(self, embed: Tensor, index: Tensor) -> Tensor:
        """Contrastive loss of a batch; in training mode it updates the memory thereafter.

        The loss is the mean over this rank's batch; its mean over ranks is that of the joint batch. The gradient flows
        through ``embed`` only.

        Args:
            embed: (B, D), normalised here; as many on every rank.
            index: int64 (B,), which instances they are.

        Returns:
            Scalar, computed in float32 or wider.

        Raises:
            RuntimeError: if the memory is empty.
        """
        if not self._filled:
            raise RuntimeError('The memory is empty: set_features must be called before training starts')
        value = memory_contrastive_loss(embed, self.classes(), self.class_of(index), self.temperature)
        if self.training:
            self.update(embed, index)
        return value

    @torch.no_grad()
    def update(self, embed: Tensor, index: Tensor) -> None:
        """``m <- normalise(momentum m + (1 - momentum) f)`` by the batches of all ranks.

        An instance that occurs several times in the joint batch is updated once, by the mean of its features: in
        whatever order they come, the result is the same.

        Args:
            embed: (B, D), normalised here; as many on every rank.
            index: int64 (B,).
        """
        feats = F.normalize(gather(embed.detach()).to(self.features), dim=1)
        index = gather(index)
        feats = _mean_of_equal(feats, index)
        rows = self.features.index_select(0, index)
        rows = F.normalize(self.momentum * rows + (1 - self.momentum) * feats, dim=1)
        self.features.index_copy_(0, index, rows)

    def _take_size(self, state: dict[str, Any], prefix: str, *others: Any) -> None:
        rows = state.get(f'{prefix}features')
        if rows is not None and len(rows):
            self.set_size(len(rows))

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._index_classes()
        self._filled = bool(self.features.any())

    def extra_repr(self) -> str:
        """What the memory holds, for printing."""
        return f'num_instances={self.num_instances}, dim={self.dim}, num_clusters={self.num_clusters}'


def _mean_of_equal(feats: Tensor, index: Tensor) -> Tensor:
    """The mean over the rows of equal index, at each of them, (B, D): equal to the last bit, so either may be kept."""
    first = (index[:, None] == index[None]).int().argmax(dim=1)  # argmax gives the first of equals
    order = first.argsort(stable=True)
    sizes = torch.zeros_like(index).index_add_(0, first, torch.ones_like(index))
    means = F.embedding_bag(order, feats, sizes.cumsum(0) - sizes, mode='mean')  # of an empty bag: zeros
    return means.index_select(0, first)
