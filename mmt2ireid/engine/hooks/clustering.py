"""Pseudo labels for training without identities, made anew before every epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, broadcast
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmt2ireid.engine.hooks.main_process import from_main_process
from mmt2ireid.engine.hooks.step_progress import StepProgress
from mmt2ireid.labeling import cluster_statistics, label_quality, pseudo_labels, refine_labels
from mmt2ireid.registry import HOOKS

MODALITIES = ('img', 'txt')
DIRECTIONS = ('v2t', 't2v')


@dataclass(frozen=True)
class Labels:
    """Pseudo labels of both modalities.

    Attributes:
        before: labels of images and of captions before refinement.
        after: and thereafter.
        thresholds: independence that clusters of images and of captions need, NaN while there has been none.
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

    Args:
        dataloader: config of a loader of the training set in ``unit='image'`` with the pipeline of a test.
        head: name of the memory head.
        k1, k2: neighbours of the Jaccard distance, and of its query expansion.
        eps, eps_gap, min_samples: of DBSCAN, and how much tighter and looser the reliability criterion clusters.
        refine: directions of the mutual refinement (MPLR), of 'v2t' (captions by images) and 't2v'; none turns it off.
        backend: 'torch' or 'faiss', of the neighbours.
        approximate_from: number of rows from which faiss may approximate; None: never.

    Raises:
        ValueError: an argument does not fit.
    """

    priority = 'BELOW_NORMAL'

    def __init__(
        self,
        *,
        dataloader: dict,
        head: str = 'memory',
        k1: int = 30,
        k2: int = 6,
        eps: float = 0.6,
        eps_gap: float = 0.02,
        min_samples: int = 4,
        refine: Sequence[str] = DIRECTIONS,
        backend: str = 'torch',
        approximate_from: int | None = None,
    ) -> None:
        if isinstance(refine, str) or set(refine) - set(DIRECTIONS):
            raise ValueError(f'refine must be of {DIRECTIONS}, but got {refine!r}')
        self.dataloader_cfg, self.head_name, self.refine = dataloader, head, tuple(refine)
        self.options: dict[str, Any] = dict(
            k1=k1, k2=k2, eps=eps, eps_gap=eps_gap, min_samples=min_samples, backend=backend,
            approximate_from=approximate_from,
        )  # fmt: skip

    def before_train(self, runner: Runner) -> None:
        """Builds the loader, and compares the memory with the training set.

        Args:
            runner: the runner.

        Raises:
            ValueError: the model has no such head, its memory is of another size than the training set, a loader does
                not give the whole set, or the run has no epochs.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError('ClusteringHook must be in an epoch-based run, but got by_epoch=False')
        heads = _model(runner).heads
        if self.head_name not in heads or not hasattr(heads[self.head_name], 'img_memory'):
            raise ValueError(f'head must name a MemoryHead of the model, but got {self.head_name!r} of {list(heads)}')
        self.head = heads[self.head_name]
        self.loader = Runner.build_dataloader(self.dataloader_cfg, seed=runner.seed)
        first = _first_captions(self.loader.dataset, runner.train_dataloader.dataset)
        self.image_of = np.repeat(np.arange(len(first) - 1), np.diff(first))
        for what, memory, wanted in (
            ('num_images', self.head.img_memory, len(first) - 1),
            ('num_captions', self.head.txt_memory, int(first[-1])),
        ):
            if memory.num_instances != wanted:
                raise ValueError(
                    f'{what} of the head {self.head_name!r} must be {wanted}, but got {memory.num_instances}'
                )

    def before_train_epoch(self, runner: Runner) -> None:
        """Makes the epoch's labels.

        Args:
            runner: the runner.

        Raises:
            ValueError: features are not finite or of another width than the memory, or there are images without any.
            RuntimeError: the main process failed, in the others.
        """
        if not self.head.enabled:
            return
        features = self._extract(_model(runner))
        memories = (self.head.img_memory, self.head.txt_memory)
        for memory, rows in zip(memories, features, strict=True):
            if not memory.is_filled:
                memory.set_features(rows)
        labels = from_main_process(lambda: self._label(features))
        for memory, found in zip(memories, labels.after, strict=True):
            memory.set_labels(torch.from_numpy(found).to(memory.labels.device))
        self.head.thresholds.copy_(torch.tensor(labels.thresholds, dtype=torch.float64))
        self._report(runner, labels)

    @torch.no_grad()
    def _extract(self, model: Any) -> tuple[Tensor, Tensor]:
        """Embeddings of all images (I, D) and captions (T, D), float32, in evaluation mode, on the model's device."""
        first, device = torch.from_numpy(self.loader.dataset.first_captions), self.head.thresholds.device
        img = torch.zeros(len(first) - 1, self.head.img_memory.dim, device=device)
        txt = torch.zeros(int(first[-1]), self.head.txt_memory.dim, device=device)
        seen = torch.zeros(len(img), device=device)
        _share_statistics(model)
        progress = StepProgress('clustering:')
        was_training = model.training
        model.eval()
        with torch.autocast(device.type, enabled=False):
            for number, batch in enumerate(self.loader, 1):
                inputs = model.data_preprocessor(batch)['inputs']
                rows = inputs.targets.image_ids
                captions = [
                    first[sample.image_id] + torch.arange(len(sample.token_ids)) for sample in batch['data_samples']
                ]
                _put(img, rows, model.image_features(inputs.images)[1])
                _put(txt, torch.cat(captions).to(device), model.text_features(inputs.token_ids, inputs.txt_mask)[1])
                seen[rows] = 1.0
                progress('features', number / len(self.loader))
        progress.close()
        model.train(was_training)
        for table in (img, txt, seen):
            all_reduce(table)
        missing = int((seen == 0).sum())
        if missing:
            raise ValueError(
                f'the sampler of its dataloader must give all {len(seen)} images, but left out {missing}; it must not '
                'drop the last ones'
            )
        # Some images may have been given to two ranks, to make their shares equal.
        return img / seen[:, None], txt / seen[torch.from_numpy(self.image_of).to(device), None]

    def _label(self, features: tuple[Tensor, Tensor]) -> Labels:
        before, thresholds = [], []
        for name, rows, threshold in zip(MODALITIES, features, self.head.thresholds.tolist(), strict=True):
            progress = StepProgress(f'clustering {name}:')
            known = None if math.isnan(threshold) else threshold
            found = pseudo_labels(rows, threshold=known, progress=progress, **self.options)
            progress.close()
            before.append(found.labels)
            thresholds.append(math.nan if found.threshold is None else found.threshold)
        progress = StepProgress('clustering:')
        progress('refinement', 0.0)
        after = refine_labels(before[0], before[1], self.image_of, *features, directions=self.refine)
        progress('refinement', 1.0)
        progress.close()
        return Labels((before[0], before[1]), after, (thresholds[0], thresholds[1]))

    def _report(self, runner: Runner, labels: Labels) -> None:
        pids = self.loader.dataset.pids
        known = (pids, pids[self.image_of])
        for name, before, after, identities in zip(MODALITIES, labels.before, labels.after, known, strict=True):
            measured = [{**cluster_statistics(found), **label_quality(found, identities)} for found in (before, after)]
            parts = []
            for key, value in measured[1].items():
                if math.isnan(value):  # no identity is known
                    continue
                runner.message_hub.update_scalar(f'clusters/{name}_{key}', value)
                parts.append(f'{key} {measured[0][key]:.4g} -> {value:.4g}')
            runner.logger.info(f'epoch {runner.epoch + 1}, {name} before and after refinement: {", ".join(parts)}')


def _model(runner: Runner) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _first_captions(dataset: Any, train: Any) -> np.ndarray:
    """Where the captions of each image begin, once both data sets are seen to number them in the same way."""
    for where, found in (("the hook's dataloader", dataset), ('train_dataloader', train)):
        if not hasattr(found, 'first_captions'):
            raise ValueError(
                f'the dataset of {where} must be one person-text dataset (no ConcatDataset or RepeatDataset), but got '
                f'{type(found).__name__}'
            )
    first = dataset.first_captions
    images, captions = len(first) - 1, int(first[-1])
    if len(dataset) != images:
        raise ValueError(
            f"the dataset of the hook's dataloader must have unit='image' and {images} items, but got {len(dataset)}"
        )
    if not np.array_equal(first, train.first_captions) or len(train) != captions:
        raise ValueError(
            f"the training set must have unit='pair' and what the hook's dataloader has, {images} images and "
            f'{captions} captions, but got {len(train.first_captions) - 1} images and {len(train)} items'
        )
    return first


def _put(table: Tensor, rows: Tensor, embed: Tensor) -> None:
    if embed.shape[1:] != table.shape[1:]:
        raise ValueError(
            f"dim of the head must be the width of the model's embeddings, {embed.shape[-1]}, but got {table.shape[1]}"
        )
    table[rows] = embed.float()


def _share_statistics(model: Any) -> None:
    """Gives all ranks the main process's running statistics."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            for statistics in module.buffers(recurse=False):
                broadcast(statistics)
