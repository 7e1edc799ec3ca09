"""Head of mutual mean teaching: pseudo labels, a classifier per network and modality, and their teachers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.layers.float64_bits import from_bits, to_bits
from mmt2ireid.models.layers.mean_teacher import average_into, teacher_of
from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.models.losses.soft_cross_entropy import soft_cross_entropy_loss
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairTargets

MODALITIES, NETWORKS = ('img', 'txt'), 2
TRIPLET_INPUTS = ('embed', 'before_norm')
_cross_entropy = full_precision(F.cross_entropy)


@MODELS.register_module()
class MutualTeachingHead(BaseHead):
    r"""Losses of MMT (Ge et al., ICLR 2020) for both modalities of one of two networks, taught by the other's teacher.

    .. math::
        L = (1 - a) L_{id} + a L_{soft\ id} + (1 - b) L_{triplet} + b L_{soft\ triplet}, \quad a = 0.5, b = 0.8

    With :math:`L_{id}` the cross-entropy with label smoothing, :math:`L_{soft\ id}` the one towards the teacher's
    probabilities, and softmax-triplet losses. Whoever clusters calls :meth:`set_labels` before every epoch. An
    un-clustered image or caption takes no part in its modality's losses, not even as a negative: nobody knows who it
    is. Means are over what is clustered in the batches of all ranks.

    The number of classes changes with every clustering; the classifiers have rows for the most clusters that there can
    be, of which the first are used, so that parameters, optimiser and checkpoints keep their shapes (as in the authors'
    code).

    Attributes:
        img_labels: int64 (num_images,), clusters 0, 1, ... or -1.
        txt_labels: int64 (num_captions,).

    Args:
        num_images: unique images of the training set.
        num_captions: captions of the training set.
        dim: width D of the embeddings.
        min_cluster_size: members that a cluster must have.
        smoothing: of the labels.
        soft_id_weight: a.
        soft_triplet_weight: b.
        triplet: config of the triplet loss, ``SoftmaxTripletLoss(ignore_unclustered=True)`` by default.
        triplet_input: what the triplet losses compare: 'embed' (default), the embeddings; or 'before_norm', what their
            BatchNorm1d reads, as in MMT's code. That needs ``LinearBNNeck``, of ``pool='mean'`` for images and
            ``pool='max'`` for text.
        loss_weight: factor on all.

    Raises:
        ValueError: an argument is out of range.
    """

    img_labels: Tensor
    txt_labels: Tensor
    _eps_bits: Tensor

    def __init__(
        self,
        *,
        num_images: int,
        num_captions: int,
        dim: int = 1024,
        min_cluster_size: int = 4,
        smoothing: float = 0.1,
        soft_id_weight: float = 0.5,
        soft_triplet_weight: float = 0.8,
        triplet: dict | None = None,
        triplet_input: str = 'embed',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        for name, size in dict(num_images=num_images, num_captions=num_captions).items():
            if not isinstance(size, int) or size < 1:
                raise ValueError(
                    f'{name} must be a positive integer, as the log of a training on the data set states it, but got '
                    f'{size!r}'
                )
        if not 2 <= min_cluster_size <= min(num_images, num_captions):
            raise ValueError(
                f'min_cluster_size must be from 2 to the {num_images} images and {num_captions} captions, but got '
                f'{min_cluster_size}'
            )
        shares = dict(smoothing=smoothing, soft_id_weight=soft_id_weight, soft_triplet_weight=soft_triplet_weight)
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be from 0 to 1, but got {value}')
        if triplet_input not in TRIPLET_INPUTS:
            raise ValueError(f'triplet_input must be one of {TRIPLET_INPUTS}, but got {triplet_input!r}')
        self.triplet_input = triplet_input
        self.dim, self.min_cluster_size, self.smoothing = dim, min_cluster_size, smoothing
        self.soft_id_weight, self.soft_triplet_weight = soft_id_weight, soft_triplet_weight
        sizes = dict(img=num_images, txt=num_captions)
        for name, size in sizes.items():
            self.register_buffer(f'{name}_labels', torch.full((size,), -1, dtype=torch.int64))
        self.register_buffer('_eps_bits', to_bits(torch.zeros(2)))
        self._register_load_state_dict_pre_hook(self._without_eps)
        self.students = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(dim, size // min_cluster_size, bias=False) for name, size in sizes.items()})
            for _ in range(NETWORKS)
        )
        self.teachers = nn.ModuleList(teacher_of(student) for student in self.students)
        self.triplet = MODELS.build(triplet or dict(type='mmt2ireid.SoftmaxTripletLoss', ignore_unclustered=True))
        self.class_counts = dict.fromkeys(MODALITIES, 0)
        self._labelled = False  # without labels all losses would be zero, as they may be where there are no clusters

    @torch.no_grad()
    def set_labels(self, img_labels: Tensor, txt_labels: Tensor, img_feats: Tensor, txt_feats: Tensor) -> None:
        """Sets the clusters, and all classifiers to the centroids of their members, of unit length.

        Args:
            img_labels: int64 (num_images,), clusters 0, 1, ... without gaps; -1 is un-clustered.
            txt_labels: int64 (num_captions,).
            img_feats: (num_images, D), of unit length.
            txt_feats: (num_captions, D).

        Raises:
            ValueError: a shape is another, or a cluster has fewer than ``min_cluster_size`` members.
        """
        for name, labels, feats in zip(MODALITIES, (img_labels, txt_labels), (img_feats, txt_feats), strict=True):
            wanted = self._labels(name)
            if labels.shape != wanted.shape or feats.shape != (len(wanted), self.dim):
                raise ValueError(
                    f'{name}_labels and {name}_feats must be of shapes {tuple(wanted.shape)} and '
                    f'{(len(wanted), self.dim)}, but got {tuple(labels.shape)} and {tuple(feats.shape)}'
                )
            sizes = torch.bincount(labels[labels >= 0])
            if len(sizes) and int(sizes.min()) < self.min_cluster_size:
                raise ValueError(
                    f'{name}_labels must have clusters of at least min_cluster_size={self.min_cluster_size}, but got '
                    f'one of {int(sizes.min())}'
                )
            wanted.copy_(labels)
            centroids = F.normalize(_means(feats, labels, sizes), dim=1)
            for classifiers in (*self.students, *self.teachers):
                weight = _weight(classifiers, name)
                weight.zero_()
                weight[: len(sizes)] = centroids.to(weight)
        self._count_classes()
        self._labelled = True

    def loss(
        self,
        features: PairFeatures,
        targets: PairTargets,
        *,
        network: int = 0,
        teacher: PairFeatures | None = None,
    ) -> dict[str, Tensor]:
        """Losses of the pairs.

        Args:
            features: of the network.
            targets: see :class:`BaseHead`.
            network: which one, 0 or 1.
            teacher: features of the other network's teacher.

        Raises:
            ValueError: there is no teacher.
            RuntimeError: there are no labels yet.
        """
        if teacher is None:
            raise ValueError('MutualTeachingHead must be in a MutualTeaching model, whose teachers it needs')
        if not self._labelled:
            raise RuntimeError('There are no labels: set_labels must be called before training starts')
        embeds = [(part.img_embed, part.txt_embed) for part in (features, teacher)]
        compared = [_before_norm(part) for part in (features, teacher)] if self.triplet_input != 'embed' else embeds
        labels = self.img_labels.index_select(0, targets.image_ids), self.txt_labels.index_select(0, targets.sample_idx)
        img, txt = (
            self._losses(name, [pair[at] for pair in embeds], [pair[at] for pair in compared], labels[at], network)
            for at, name in enumerate(MODALITIES)
        )
        return {key: self.loss_weight * value for key, value in {**img, **txt}.items()}

    def _losses(
        self, name: str, embeds: list[Tensor], compared: list[Tensor], labels: Tensor, network: int
    ) -> dict[str, Tensor]:
        """Losses of one modality; embeddings, and what is compared in triplets, of the network and of its teacher."""
        embed, guide = embeds
        count = max(self.class_counts[name], 1)  # without clusters nothing has a label, and all losses are zero
        logits = F.linear(embed, _weight(self.students[network], name)[:count])
        soft = F.linear(guide, _weight(self.teachers[NETWORKS - 1 - network], name)[:count])
        hard = _cross_entropy(logits, labels, ignore_index=-1, label_smoothing=self.smoothing, reduction='none')
        a, b, clustered = self.soft_id_weight, self.soft_triplet_weight, labels >= 0
        return {
            f'loss_id_{name}': (1 - a) * _joint_mean(hard, clustered),
            f'loss_soft_id_{name}': a * _joint_mean(soft_cross_entropy_loss(logits, soft, reduction='none'), clustered),
            f'loss_triplet_{name}': (1 - b) * self.triplet(compared[0], labels),
            f'loss_soft_triplet_{name}': b * self.triplet(compared[0], labels, compared[1]),
        }

    @property
    def eps(self) -> Tensor:
        """DBSCAN's eps of images and of captions where the hook finds it, 0 before; float64 (2,) on the CPU."""
        return from_bits(self._eps_bits)

    def set_eps(self, eps: Sequence[float]) -> None:
        """Set :attr:`eps`.

        Args:
            eps: two numbers.
        """
        self._eps_bits.copy_(to_bits(torch.tensor(eps, dtype=torch.float64)))

    def average(self, decay: float) -> None:
        """Moves the teachers' classifiers towards the networks', see :func:`average_into`."""
        for teacher, student in zip(self.teachers, self.students, strict=True):
            average_into(teacher, student, decay)

    def _labels(self, name: str) -> Tensor:
        return getattr(self, f'{name}_labels')

    def _count_classes(self) -> None:
        # On the host, once an epoch: no step has to wait for the device.
        self.class_counts = {name: int(self._labels(name).max()) + 1 for name in MODALITIES}

    @staticmethod
    def _without_eps(state: dict[str, Any], prefix: str, *others: Any) -> None:
        """Takes checkpoints of before there was an eps."""
        if f'{prefix}img_labels' in state:
            state.setdefault(f'{prefix}_eps_bits', to_bits(torch.zeros(2)))

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._count_classes()
        self._labelled = self._labelled or any(self.class_counts.values())


def _before_norm(features: PairFeatures) -> tuple[Tensor, Tensor]:
    """What the BatchNorm1d of both ``LinearBNNeck`` read: (B, D) and (M, D)."""
    img, txt, mask = features.img_tokens, features.txt_tokens, features.txt_mask
    if img.shape[1] != 1:
        raise ValueError(
            "triplet_input='before_norm' must be used with LinearBNNeck of pool='mean' for images, which leaves one "
            f'token, but got {img.shape[1]}'
        )
    visible = txt if mask is None else txt.masked_fill(~mask[..., None], torch.finfo(txt.dtype).min)
    return img[:, 0], visible.amax(dim=1)


def _weight(classifiers: Any, name: str) -> Tensor:
    return classifiers[name].weight


def _means(feats: Tensor, labels: Tensor, sizes: Tensor) -> Tensor:
    """Means of the clusters' members, (C, D): sums in a fixed order, also on the GPU."""
    if not len(sizes):
        return feats[:0]
    members = (labels >= 0).nonzero().flatten()
    order = members[labels[members].argsort(stable=True)]
    return F.embedding_bag(order, feats, sizes.cumsum(0) - sizes, mode='mean')


def _joint_mean(values: Tensor, counted: Tensor) -> Tensor:
    """Its mean over ranks is the mean of the values (B,) that are counted, bool (B,), over all ranks; 0 of none."""
    total = counted.sum().to(values)
    all_reduce(total)
    return get_world_size() * torch.where(counted, values, 0).sum() / total.clamp(min=1)
