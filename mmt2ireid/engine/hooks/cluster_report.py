"""Figures of an epoch's clusters in the log, and warnings where there are too few to learn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.runner import Runner

from mmt2ireid.engine.hooks.training_features import TrainingFeatures
from mmt2ireid.io.counts import counted
from mmt2ireid.labeling import cluster_statistics, cross_modal_agreement, label_quality

MODALITIES = ('img', 'txt')
NAMES = dict(img='images', txt='captions')

Stage = tuple[np.ndarray, np.ndarray]
"""Labels of images and of captions."""


def log_clusters(runner: Runner, when: str, stages: Sequence[Stage], data: TrainingFeatures) -> None:
    """Log what the clusters of both modalities are like at some stages, and keep the figures of the last one.

    Agreement is the first stage's, before the modalities have learned from each other.

    Args:
        runner: the runner, whose message hub and visualizer take the figures.
        when: which stages these are, for the log.
        stages: labels of images and of captions at each stage.
        data: the training set.
    """
    scalars = {}
    for modality, (name, pids) in enumerate(zip(MODALITIES, data.pids, strict=True)):
        found = [stage[modality] for stage in stages]
        measured = [{**cluster_statistics(labels), **label_quality(labels, pids)} for labels in found]
        parts = []
        for key, value in measured[-1].items():
            if math.isnan(value):  # no identity is known, or there is no pair
                continue
            scalars[f'clusters/{name}_{key}'] = value
            parts.append(f'{key} {" -> ".join(format(figures[key], ".4g") for figures in measured)}')
        runner.logger.info(f'epoch {runner.epoch + 1}, {name}{when}: {", ".join(parts)}')
    agreement = cross_modal_agreement(*stages[0], data.image_of)
    in_both = f'{agreement["clustered_in_both"]:.1%} of the captions being clustered in both'
    if math.isnan(agreement['agreement']):
        said = f'cannot be compared, {in_both}'
    else:
        said = f'agree by {agreement["agreement"]:.4g} (adjusted Rand index), {in_both}'
    runner.logger.info(f'epoch {runner.epoch + 1}: clusters of images and of captions {said}')
    scalars.update({f'clusters/{key}': value for key, value in agreement.items() if not math.isnan(value)})
    for key, value in scalars.items():
        runner.message_hub.update_scalar(key, value)
    runner.visualizer.add_scalars(scalars, step=runner.iter)


def warn_of_clusters(runner: Runner, labels: Stage, options: dict[str, dict[str, Any]]) -> None:
    """Warn of a modality with fewer than two clusters, and say which settings give others.

    Args:
        runner: the runner.
        labels: those that are trained with.
        options: settings of the clustering, by modality.
    """
    for name, found in zip(MODALITIES, labels, strict=True):
        what, used = NAMES[name], options[name]
        settings = f'eps={used["eps"]}, min_samples={used["min_samples"]} and k1={used["k1"]}'
        clusters, clustered = int(found.max(initial=-1)) + 1, int((found >= 0).sum())
        if clusters == 0:
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: none of the {len(found)} {what} is in a cluster with {settings}: this '
                f'epoch says nothing of which {what} show one person. A larger eps, a smaller min_samples or a k1 '
                f'nearer to the number of {what} that a person has gives clusters'
            )
        elif clusters == 1:
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: {clustered} of the {len(found)} {what} are in one cluster, the only one, '
                f'with {settings}: its members are not told apart. A smaller eps or k1 gives more clusters, unless '
                f'the embeddings have become all alike'
            )


def refuse_without_clusters(runner: Runner) -> None:
    """Raise an error where no epoch of a run had two clusters of a modality; after training.

    Args:
        runner: the runner, whose message hub knows the epochs before a resume too.

    Raises:
        ValueError: there were none.
    """
    for name in MODALITIES:
        history = runner.message_hub.log_scalars.get(f'clusters/{name}_clusters')
        counts = [] if history is None else history.data[0]
        if len(counts) and max(counts) < 2:
            raise ValueError(
                f'the clustering must find two clusters of {NAMES[name]} or more in at least one epoch, but in none '
                f'of {counted(len(counts), "epoch")} did; what was trained is in {runner.work_dir}. The '
                'warnings in the log say which settings to change'
            )
