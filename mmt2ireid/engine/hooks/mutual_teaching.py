"""Pseudo labels, batches and teachers of mutual mean teaching."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from torch import Tensor

from mmt2ireid.engine.hooks.cluster_report import MODALITIES, log_clusters
from mmt2ireid.engine.hooks.clustering import ClusteringHook, Labels, _model
from mmt2ireid.engine.hooks.step_progress import StepProgress
from mmt2ireid.labeling import cluster, jaccard_distance
from mmt2ireid.labeling.groups import UNCLUSTERED, contiguous
from mmt2ireid.registry import HOOKS


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
    ) -> None:
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
        found = []
        for name, rows in zip(MODALITIES, features, strict=True):
            options, progress = dict(self.options[name]), StepProgress(f'clustering {name}:')
            eps, min_samples = options.pop('eps'), options.pop('min_samples')
            del options['eps_gap'], options['independence']
            graph = jaccard_distance(rows, max_distance=eps, progress=progress, **options)
            found.append(_large(cluster(graph, eps, min_samples), self.head.min_cluster_size))
            progress('clusters', 1.0)
            progress.close()
        return Labels((found[0], found[1]), (found[0], found[1]), (math.nan, math.nan))

    def _write(self, runner: Runner, features: tuple[Tensor, Tensor], labels: Labels) -> None:
        device = self.head.img_labels.device
        img, txt = (torch.from_numpy(found).to(device) for found in labels.after)
        self.head.set_labels(img, txt, *features)
        for parameter in self.head.parameters():
            runner.optim_wrapper.optimizer.state.pop(parameter, None)
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
