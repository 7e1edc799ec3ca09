"""The pseudo labels that a checkpoint gives its training set, and the features of a split, for pictures and figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image

from mmt2ireid.apis.vocabulary import checkpoint_vocabulary
from mmt2ireid.datasets.transforms import LoadPersonImage
from mmt2ireid.engine.hooks import ClusteringHook
from mmt2ireid.engine.hooks.step_progress import StepProgress
from mmt2ireid.engine.loaders import require_batches
from mmt2ireid.labeling import cluster_statistics, label_quality
from mmt2ireid.registry import HOOKS
from mmt2ireid.visualization.clustered_pairs import MODALITIES, ClusteredPairs
from mmt2ireid.visualization.saved_features import SavedFeatures

SCOPE = 'mmt2ireid'


def clustering_hook(cfg: Config) -> ClusteringHook:
    """The hook of a config that makes pseudo labels.

    Args:
        cfg: a complete config.

    Returns:
        Its ``ClusteringHook``, or one of its kind.

    Raises:
        ValueError: it has none.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', SCOPE)):
        for hook in cfg.get('custom_hooks') or ():
            kind = HOOKS.get(hook['type']) if isinstance(hook['type'], str) else hook['type']
            if kind is not None and issubclass(kind, ClusteringHook):
                return HOOKS.build(hook)
    raise ValueError('custom_hooks must hold a ClusteringHook, whose settings say how to cluster, but has none')


def cluster_training_set(hook: ClusteringHook, model: Any) -> tuple[ClusteredPairs, Any]:
    """Clusters a training set as the next epoch of the run would.

    Args:
        hook: whose dataloader and settings are used.
        model: with the weights of a checkpoint; the thresholds that its memory head froze are kept to.

    Returns:
        The pseudo labels with the embeddings that they come from, and the dataset, an item per image.

    Raises:
        ValueError: the model or the dataset does not fit, as in the hook.
    """
    with DefaultScope.overwrite_default_scope(SCOPE):
        hook.attach(model, seed=0)
    dataset = hook.data.loader.dataset
    features, labels = hook.find_labels(model)
    pairs = ClusteredPairs(
        img_feats=features[0].cpu().numpy(),
        txt_feats=features[1].cpu().numpy(),
        image_of=hook.data.image_of,
        pids=dataset.pids,
        captions=dataset.all_captions(),
        before=labels.before,
        after=labels.after,
    )
    return pairs, dataset


@torch.no_grad()
def split_features(dataloader: dict, model: Any) -> tuple[SavedFeatures, Any]:
    """What retrieval compares, of a split.

    Args:
        dataloader: config of a loader of images with all their captions.
        model: with its weights, in evaluation mode.

    Returns:
        The features in the order of the images, and the dataset.

    Raises:
        ValueError: the split has no images.
    """
    with DefaultScope.overwrite_default_scope(SCOPE):
        loader = Runner.build_dataloader(dataloader, seed=0)
    require_batches(loader, 'the dataloader of the split')
    progress, samples = StepProgress('gallery:'), []
    for number, batch in enumerate(loader, 1):
        samples += model.test_step(batch)
        progress('features', number / len(loader))
    progress.close()
    samples.sort(key=lambda sample: sample.image_id)
    features = SavedFeatures(
        img_feats=torch.stack([sample.img_feat for sample in samples]).float().cpu().numpy(),
        txt_feats=torch.cat([sample.txt_feats for sample in samples]).float().cpu().numpy(),
        pids=np.array([sample.pid for sample in samples]),
        txt_image=np.repeat(np.arange(len(samples)), [len(sample.captions) for sample in samples]),
        img_paths=[sample.img_path for sample in samples],
        captions=[caption for sample in samples for caption in sample.captions],
    )
    return features, loader.dataset


def cluster_figures(pairs: ClusteredPairs) -> dict[str, dict[str, dict[str, float | None]]]:
    """Numbers of the clusters, and how well they agree with the identities.

    Returns:
        By modality and 'before' or 'after', :func:`cluster_statistics` and :func:`label_quality`; None where a figure
        is not defined, such as without known identities.
    """
    figures = {}
    for modality in MODALITIES:
        figures[modality] = {
            when: {
                key: None if math.isnan(value) else value
                for key, value in (cluster_statistics(labels) | label_quality(labels, pairs.persons(modality))).items()
            }
            for when, labels in zip(('before', 'after'), pairs.labels(modality), strict=True)
        }
    return figures


def picture_loader(dataset: Any) -> Callable[[int], Image.Image]:
    """Opens pictures of a dataset by the number of their image.

    Args:
        dataset: with an item per image.
    """
    transform = LoadPersonImage()

    def load(image: int) -> Image.Image:
        blue_first = transform.transform(dataset.get_data_info(image))['img']
        return Image.fromarray(np.ascontiguousarray(blue_first[..., ::-1]))

    return load


def check_vocabulary(dataset: Any, checkpoint: str) -> None:
    """Compares the words of a pipeline's tokenizer, if it is one of words, with those that a checkpoint knows.

    Raises:
        ValueError: they differ, or the checkpoint does not tell.
    """
    for transform in dataset.pipeline.transforms:
        words = getattr(getattr(transform, 'tokenizer', None), 'words', None)
        if words is not None and list(words) != list(checkpoint_vocabulary(checkpoint).words):
            raise ValueError(
                f'{checkpoint} must have been trained with the words of the tokenizer, but has others; write its words '
                'with tools/build_vocabulary.py CONFIG --checkpoint CHECKPOINT'
            )
