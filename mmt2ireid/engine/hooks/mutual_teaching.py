"""Pseudo labels, batches and teachers of mutual mean teaching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from torch import Tensor

from mmt2ireid.engine.hooks.cluster_report import MODALITIES, NAMES, log_clusters
from mmt2ireid.engine.hooks.clustering import ClusteringHook, Labels, _model
from mmt2ireid.engine.hooks.step_progress import StepProgress
from mmt2ireid.labeling import cluster, jaccard_distance, mean_of_closest
from mmt2ireid.labeling.groups import UNCLUSTERED, contiguous
from mmt2ireid.registry import HOOKS

_BOUNDS = (0.7, 0.9, 0.999)
"""Distances up to which pairs are stored, one after the other, until there are enough to find eps."""


@HOOKS.register_module()
class MutualTeachingHook(ClusteringHook):
    """Trains a ``MutualTeaching`` model: MMT (Ge et al., ICLR 2020).

    Before every epoch it clusters the teachers' mean features of both modalities, hands the labels to the head, which
    sets the classifiers to the clusters' centroids, and those of the images to the sampler of the training set; after
    every step it moves the teachers. Clusters are DBSCAN's, as they are: MMT has no reliability criterion and nothing
    refines them. Of what is un-clustered, images are left out of the epoch with their pairs, captions out of the losses
    of text. The optimiser forgets what it knew of the classifiers, whose rows stand for other clusters now.

    Labels are a function of the teachers, so that a resumed run goes on as one that was not killed.

    Args:
        dataloader: as in :class:`ClusteringHook`.
        head: name of the head.
        k1, k2, eps, min_samples, backend, approximate_from: as in :class:`ClusteringHook`. Clusters that have lost
            members to others and are smaller than the head's ``min_cluster_size`` are un-clustered.
        eps_share: None (default) for ``eps`` as it is; or a share of all pairs: then each modality's eps is the mean
            distance of its closest pairs at the first clustering, and frozen. MMT's code has 0.0016.
        reset_optimizer: start the optimizer's state from scratch at every epoch, as MMT's code does; by default only
            that of the classifiers is.

    Raises:
        ValueError: an argument does not fit.
    """

    head_type, head_mark = 'MutualTeachingHead', 'class_counts'

    def __init__(
        self,
        *,
        dataloader: dict,
        head: str = 'mutual',
        k1: int | Sequence[int] = 30,
        k2: int | Sequence[int] = 6,
        eps: float | Sequence[float] = 0.6,
        min_samples: int | Sequence[int] = 4,
        backend: str = 'torch',
        approximate_from: int | None = None,
        eps_share: float | None = None,
        reset_optimizer: bool = False,
    ) -> None:
        if eps_share is not None and not 0 < eps_share < 1:
            raise ValueError(f'eps_share must be between 0 and 1 or None, but got {eps_share}')
        self.eps_share, self.reset_optimizer = eps_share, reset_optimizer
        super().__init__(
            dataloader=dataloader, head=head, k1=k1, k2=k2, eps=eps, eps_gap=None, min_samples=min_samples, refine=(),
            backend=backend, approximate_from=approximate_from,
        )  # fmt: skip

    def before_train(self, runner: Runner) -> None:
        """Builds the loader, and compares head, model and sampler with what is needed of them.

        Args:
            runner: the runner.

        Raises:
            ValueError: as :class:`ClusteringHook`, or the model has no teachers, or the sampler takes no labels.
        """
        super().before_train(runner)
        for what, found, needed in (
            ('model', _model(runner), 'teacher_embeddings'),
            ('train_dataloader.sampler', runner.train_dataloader.sampler, 'set_labels'),
        ):
            if not hasattr(found, needed):
                wanted = dict(teacher_embeddings='MutualTeaching', set_labels='PseudoLabelSampler')[needed]
                raise ValueError(f'{what} must be a {wanted}, but got {type(found).__name__}')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Moves the teachers, where the step has changed the networks.

        Args:
            runner: the runner.
            batch_idx: number of the batch in the epoch.
            data_batch: the batch.
            outputs: of the step.
        """
        if runner.optim_wrapper.should_update():  # with accumulated gradients not every time
            _model(runner).update_teachers(runner.iter // getattr(runner.optim_wrapper, '_accumulative_counts', 1))

    def _sizes(self) -> tuple[int, int]:
        return len(self.head.img_labels), len(self.head.txt_labels)

    def _extract(self, model: Any) -> tuple[Tensor, Tensor]:
        progress = StepProgress('clustering:')
        dims, device = (self.head.dim, self.head.dim), self.head.img_labels.device
        features = self.data.extract(
            model, dims, device, progress, embed=lambda model, inputs: model.teacher_embeddings(inputs)
        )
        progress.close()
        return features

    def _prepare(self, features: tuple[Tensor, Tensor]) -> None:
        pass

    def _label(self, features: tuple[Tensor, Tensor]) -> Labels:
        found, used = [], []
        for name, rows, known in zip(MODALITIES, features, self.head.eps.tolist(), strict=True):
            progress = StepProgress(f'clustering {name}:')
            labels, eps = self._cluster(name, rows, (self.eps_share and known) or None, progress)
            found.append(_large(labels, self.head.min_cluster_size))
            used.append(eps)
            progress('clusters', 1.0)
            progress.close()
        return Labels((found[0], found[1]), (found[0], found[1]), (used[0], used[1]))

    def _cluster(self, name: str, rows: Tensor, eps: float | None, progress: StepProgress) -> tuple[np.ndarray, float]:
        """Labels of one modality and the eps that was used; eps: of an earlier epoch, if it is frozen."""
        options = dict(self.options[name], progress=progress)
        given, min_samples = options.pop('eps'), options.pop('min_samples')
        del options['eps_gap'], options['independence']
        if self.eps_share is None or eps is not None:
            eps = given if eps is None else eps
            return cluster(jaccard_distance(rows, max_distance=eps, **options), eps, min_samples), eps
        for bound in _BOUNDS:
            graph = jaccard_distance(rows, max_distance=bound, **options)
            eps = mean_of_closest(graph, self.eps_share)
            if eps is not None:
                return cluster(graph, eps, min_samples), eps
        raise ValueError(
            f'eps_share must be of pairs of {NAMES[name]} that share neighbors, but got {self.eps_share}, and fewer '
            'do: a larger k1 or a smaller eps_share leaves enough'
        )

    def _used(self, labels: Labels) -> dict[str, dict[str, Any]]:
        return {name: {**self.options[name], 'eps': labels.thresholds[at]} for at, name in enumerate(MODALITIES)}

    def _write(self, runner: Runner, features: tuple[Tensor, Tensor], labels: Labels) -> None:
        device = self.head.img_labels.device
        img, txt = (torch.from_numpy(found).to(device) for found in labels.after)
        self.head.set_labels(img, txt, *features)
        if self.eps_share is not None:
            self.head.set_eps(labels.thresholds)
        state = runner.optim_wrapper.optimizer.state
        for parameter in list(state) if self.reset_optimizer else self.head.parameters():
            state.pop(parameter, None)
        of_pairs = labels.after[0][self.image_of]
        enough = runner.train_dataloader.sampler.set_labels(of_pairs, self.image_of)
        left_out = int((of_pairs < 0).sum())
        runner.message_hub.update_scalar('clusters/pairs_left_out', left_out if enough else 0)
        if not enough:
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: {int(labels.after[0].max()) + 1} clusters of images are too few for a '
                'batch; all pairs are drawn, whether clustered or not'
            )
            return
        unlabelled = int(((of_pairs >= 0) & (labels.after[1] < 0)).sum())
        runner.logger.info(
            f'epoch {runner.epoch + 1}: {left_out} of {len(of_pairs)} pairs are left out, their images are '
            f'un-clustered; of the others, {unlabelled} captions are un-clustered'
        )

    def _report(self, runner: Runner, labels: Labels) -> None:
        log_clusters(runner, '', (labels.after,), self.data)


def _large(labels: np.ndarray, size: int) -> np.ndarray:
    """Un-clusters the members of clusters below a size."""
    large = np.bincount(labels[labels >= 0], minlength=1) >= size
    return contiguous(np.where((labels >= 0) & large[labels], labels, UNCLUSTERED))
