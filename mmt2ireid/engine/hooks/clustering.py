"""Pseudo labels for training without identities, made anew before every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop
from torch import Tensor

from mmt2ireid.engine.hooks.cluster_report import (
    MODALITIES,
    NAMES,
    log_clusters,
    refuse_without_clusters,
    warn_of_clusters,
)
from mmt2ireid.engine.hooks.main_process import from_main_process
from mmt2ireid.engine.hooks.step_progress import StepProgress
from mmt2ireid.engine.hooks.training_features import TrainingFeatures, on_device_with_float64, share_statistics
from mmt2ireid.labeling import check_rows, check_settings, pseudo_labels, refine_labels
from mmt2ireid.registry import HOOKS

DIRECTIONS = ('v2t', 't2v')
FEATURES = ('model', 'memory')


@dataclass(frozen=True)
class Labels:
    """Pseudo labels of both modalities.

    Attributes:
        before: labels of images and of captions before refinement.
        after: and thereafter.
        thresholds: what is frozen from the first clusters on, of images and of captions: the independence that they
            need, NaN while there has been none; of mutual teaching the eps.
    """

    before: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]
    thresholds: tuple[float, float]


@HOOKS.register_module()
class ClusteringHook(Hook):
    """Extracts features, clusters both modalities, refines, and writes the labels to the memories (CMMT, section 3.3).

    All ranks share the extraction; the main process clusters and tells the others. What it decides depends on weights
    and memory only, so a resumed run goes on as one that was not killed. Where each rank normalises by statistics of
    its own, all take those of the main process, which are the ones in the checkpoint. Nothing is done in epochs in
    which the head is switched off.

    An epoch with fewer than two clusters of images or of captions is trained all the same, with a warning that says
    which settings to change: encoders that start from random weights may need some epochs. A run that has had none in
    any of its epochs ends with an error.

    Args:
        dataloader: config of a loader of the training set in ``unit='image'`` with the pipeline of a test.
        head: name of the memory head.
        k1, k2: neighbours of the Jaccard distance, and of its query expansion; a pair of numbers: of images and of
            captions, of which a person may have twice as many.
        eps, eps_gap, min_samples: of DBSCAN, and how much tighter and looser the reliability criterion clusters; or
            pairs of them.
        refine: directions of the mutual refinement (MPLR), of 'v2t' (captions by images) and 't2v'; none turns it off.
        independence: which member speaks for its cluster in the reliability criterion: 'best' (default, as in SpCL's
            code) or 'worst'; or a pair of them.
        features: what is clustered: 'model' (default), embeddings of the whole training set that are extracted before
            every epoch; or 'memory', the rows of the memories, as in SpCL's code: what training wrote into them during
            the last epoch, so that nothing is extracted after the first one.
        backend: 'torch' or 'faiss', of the neighbours.
        approximate_from: number of rows from which faiss may approximate; None: never.

    Raises:
        ValueError: an argument does not fit.
    """

    priority = 'BELOW_NORMAL'
    head_type, head_mark = 'MemoryHead', 'img_memory'  # which head it writes to, and an attribute that such a head has

    def __init__(
        self,
        *,
        dataloader: dict,
        head: str = 'memory',
        k1: int | Sequence[int] = 30,
        k2: int | Sequence[int] = 6,
        eps: float | Sequence[float] = 0.6,
        eps_gap: float | Sequence[float] | None = 0.02,
        min_samples: int | Sequence[int] = 4,
        refine: Sequence[str] = DIRECTIONS,
        independence: str | Sequence[str] = 'best',
        features: str = 'model',
        backend: str = 'torch',
        approximate_from: int | None = None,
    ) -> None:
        if isinstance(refine, str) or set(refine) - set(DIRECTIONS):
            raise ValueError(f'refine must be of {DIRECTIONS}, but got {refine!r}')
        if features not in FEATURES:
            raise ValueError(f'features must be one of {FEATURES}, but got {features!r}')
        self.features = features
        self.dataloader_cfg, self.head_name, self.refine = dataloader, head, tuple(refine)
        self.options = by_modality(
            k1=k1, k2=k2, eps=eps, eps_gap=eps_gap, min_samples=min_samples, independence=independence,
            backend=backend, approximate_from=approximate_from,
        )  # fmt: skip
        for options in self.options.values():
            check_settings(**options)

    def before_run(self, runner: Runner) -> None:
        """Gives a head without sizes those of the training set, before anything is loaded into it.

        Args:
            runner: the runner.

        Raises:
            ValueError: an ``EMAHook`` has copied the model already.
        """
        if not isinstance(runner._train_loop, BaseLoop):  # only tests
            return
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise ValueError(
                f'{type(self).__name__} must be used without EMAHook, which averages a copy of the model from before '
                'the memory and the phrases are filled; MutualTeaching (configs/cmmt/r50_cuhk_cmpm-mmt.py) has averages'
            )
        heads, dataset = _model(runner).heads, runner.train_dataloader.dataset
        if self.head_name in heads and hasattr(heads[self.head_name], 'set_sizes'):
            first = getattr(dataset, 'first_captions', None)  # before_train says what is wrong with other datasets
            if first is not None:
                heads[self.head_name].set_sizes(len(first) - 1, int(first[-1]))

    def before_train(self, runner: Runner) -> None:
        """Builds the loader, and compares the head with the training set.

        Args:
            runner: the runner.

        Raises:
            ValueError: the model has no such head, the head is of another size than the training set, ``k1`` or
                ``min_samples`` are larger than the set, a loader does not give the whole set, or the run has no epochs.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(f'{type(self).__name__} must be in an epoch-based run, but got by_epoch=False')
        self.attach(_model(runner), runner.train_dataloader.dataset, runner.seed)

    def attach(self, model: Any, train: Any = None, seed: int | None = None) -> None:
        """What :meth:`before_train` does, without a run.

        Args:
            model: not wrapped.
            train: the dataset that is trained on, to be compared; None: nothing is.
            seed: of the loader.

        Raises:
            ValueError: as :meth:`before_train`.
        """
        heads = model.heads
        if self.head_name not in heads or not hasattr(heads[self.head_name], self.head_mark):
            raise ValueError(
                f'head must name a {self.head_type} of the model, but got {self.head_name!r} of {list(heads)}'
            )
        self.head = heads[self.head_name]
        self.data = TrainingFeatures(self.dataloader_cfg, train, seed)
        self.loader, self.image_of = self.data.loader, self.data.image_of
        wanted = dict(num_images=self.data.num_images, num_captions=self.data.num_captions)
        for (what, number), found in zip(wanted.items(), self._sizes(), strict=True):
            if found != number:
                raise ValueError(f'{what} of the head {self.head_name!r} must be {number}, but got {found}')
        for (name, options), rows in zip(self.options.items(), wanted.values(), strict=True):
            what = f'{NAMES[name]} of the training set'
            check_rows(rows, what, k1=options['k1'], min_samples=options['min_samples'])

    def before_train_epoch(self, runner: Runner) -> None:
        """Makes the epoch's labels.

        Args:
            runner: the runner.

        Raises:
            ValueError: features are not finite or of another width than the head, or there are images without any.
            RuntimeError: the main process failed, in the others.
        """
        if not self.head.enabled:
            return
        features = self._extract(_model(runner))
        self._prepare(features)
        labels = from_main_process(lambda: self._label(on_device_with_float64(features)))
        self._write(runner, features, labels)
        self._report(runner, labels)
        warn_of_clusters(runner, labels.after, self._used(labels))

    def after_train(self, runner: Runner) -> None:
        """Ends a run that has never had clusters with an error: nothing of what was trained is lost.

        Args:
            runner: the runner.

        Raises:
            ValueError: no epoch, also before a resume, had two clusters of images, or of captions.
        """
        refuse_without_clusters(runner)

    def find_labels(self, model: Any) -> tuple[tuple[Tensor, Tensor], Labels]:
        """The next epoch's labels, which are written nowhere; in one process, after :meth:`attach`.

        Args:
            model: the one that was attached.

        Returns:
            Embeddings of all images (I, D) and captions (T, D), and the labels made of them.

        Raises:
            ValueError: as :meth:`before_train_epoch`.
        """
        features = self._extract(model)
        return features, self._label(on_device_with_float64(features))

    def _sizes(self) -> tuple[int, int]:
        """Images and captions that the head has room for."""
        return self.head.img_memory.num_instances, self.head.txt_memory.num_instances

    def _extract(self, model: Any) -> tuple[Tensor, Tensor]:
        """Embeddings of all images (I, D) and captions (T, D), float32, on the model's device.

        In evaluation mode, or, with ``features='memory'``, the rows of the memories once they are filled.
        """
        memories = self.head.img_memory, self.head.txt_memory
        if self.features == 'memory' and all(memory.is_filled for memory in memories):
            share_statistics(model)
            return memories[0].features.clone(), memories[1].features.clone()
        progress = StepProgress('clustering:')
        dims = memories[0].dim, memories[1].dim
        features = self.data.extract(model, dims, memories[0].features.device, progress)
        progress.close()
        return features

    def _prepare(self, features: tuple[Tensor, Tensor]) -> None:
        """What comes before the labels, on all ranks."""
        for memory, rows in zip((self.head.img_memory, self.head.txt_memory), features, strict=True):
            if not memory.is_filled:
                memory.set_features(rows)

    def _write(self, runner: Runner, features: tuple[Tensor, Tensor], labels: Labels) -> None:
        """Hands the labels on, on all ranks."""
        for memory, found in zip((self.head.img_memory, self.head.txt_memory), labels.after, strict=True):
            memory.set_labels(torch.from_numpy(found).to(memory.labels.device))
        self.head.set_thresholds(labels.thresholds)

    def _label(self, features: tuple[Tensor, Tensor]) -> Labels:
        before, thresholds = [], []
        for name, rows, threshold in zip(MODALITIES, features, self.head.thresholds.tolist(), strict=True):
            progress = StepProgress(f'clustering {name}:')
            known = None if math.isnan(threshold) else threshold
            found = pseudo_labels(rows, threshold=known, progress=progress, **self.options[name])
            progress.close()
            before.append(found.labels)
            thresholds.append(math.nan if found.threshold is None else found.threshold)
        progress = StepProgress('clustering:')
        progress('refinement', 0.0)
        after = refine_labels(before[0], before[1], self.image_of, *features, directions=self.refine)
        progress('refinement', 1.0)
        progress.close()
        return Labels((before[0], before[1]), after, (thresholds[0], thresholds[1]))

    def _used(self, labels: Labels) -> dict[str, dict[str, Any]]:
        """Settings that the labels were made with, by modality."""
        return self.options

    def _report(self, runner: Runner, labels: Labels) -> None:
        log_clusters(runner, ' before and after refinement', (labels.before, labels.after), self.data)


def by_modality(**options: Any) -> dict[str, dict[str, Any]]:
    """Options of images and of captions: a pair gives one to each, anything else goes to both."""
    for name, value in options.items():
        if isinstance(value, (list, tuple)) and len(value) != len(MODALITIES):
            raise ValueError(f'{name} must be one value or a pair, of images and captions, but got {value!r}')
    return {
        modality: {name: value[at] if isinstance(value, (list, tuple)) else value for name, value in options.items()}
        for at, modality in enumerate(MODALITIES)
    }


def _model(runner: Runner) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
