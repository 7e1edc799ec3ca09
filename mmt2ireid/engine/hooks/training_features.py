"""Features of the whole training set, in evaluation mode: what clustering reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce, broadcast
from mmengine.runner import Runner
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmt2ireid.engine.loaders import require_batches

Embed = Callable[[Any, Any], tuple[Tensor, Tensor]]


class TrainingFeatures:
    """The training set in ``unit='image'``: each image and each caption once, numbered as training numbers them.

    Attributes:
        loader: its loader.
        first_captions: int64 (I + 1,), where the captions of each image begin.
        image_of: int64 (T,), the image of each caption.

    Args:
        dataloader: config of the loader, with the pipeline of a test.
        train: the dataset that is trained on, to be compared; None: nothing is.
        seed: of the loader.

    Raises:
        ValueError: the loader has no batch, a dataset does not give the whole set, or the two number it in different
            ways.
    """

    def __init__(self, dataloader: dict, train: Any = None, seed: int | None = None) -> None:
        self.loader = Runner.build_dataloader(dataloader, seed=seed)
        require_batches(self.loader, 'the dataloader of the hook')
        self.first_captions = _first_captions(self.loader.dataset, train)
        self.image_of = np.repeat(np.arange(self.num_images), np.diff(self.first_captions))

    @property
    def num_images(self) -> int:
        """I, unique images."""
        return len(self.first_captions) - 1

    @property
    def num_captions(self) -> int:
        """T, captions."""
        return int(self.first_captions[-1])

    @property
    def pids(self) -> tuple[np.ndarray, np.ndarray]:
        """Identities of the images (I,) and of the captions (T,), -1 where unknown."""
        pids = self.loader.dataset.pids
        return pids, pids[self.image_of]

    @torch.no_grad()
    def extract(
        self,
        model: Any,
        dims: tuple[int, int],
        device: torch.device,
        progress: Callable[[str, float], None],
        embed: Embed | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Embeddings in evaluation mode, in float32 also inside autocast; all ranks share the work.

        Args:
            model: not wrapped; its mode is the same afterwards. All ranks take the main process's running statistics.
            dims: width of the embeddings of images and of captions.
            device: the model's.
            progress: is told of the step 'features'.
            embed: makes the embeddings of the images (B, D) and captions (M, D) of a batch from the model and the
                preprocessed inputs; by default those of a dual encoder.

        Returns:
            float32 (I, D) and (T, D) on the device, equal on all ranks; not normalised.

        Raises:
            ValueError: an embedding is of another width, or the loader leaves images out.
        """
        first = torch.from_numpy(self.first_captions)
        img = torch.zeros(self.num_images, dims[0], device=device)
        txt = torch.zeros(self.num_captions, dims[1], device=device)
        seen = torch.zeros(len(img), device=device)
        share_statistics(model)
        was_training = model.training
        model.eval()
        with torch.autocast(device.type, enabled=False):
            for number, batch in enumerate(self.loader, 1):
                inputs = model.data_preprocessor(batch)['inputs']
                rows = inputs.targets.image_ids
                captions = [
                    first[sample.image_id] + torch.arange(len(sample.token_ids)) for sample in batch['data_samples']
                ]
                img_embed, txt_embed = (embed or dual_encoder_embeddings)(model, inputs)
                _put(img, rows, img_embed)
                _put(txt, torch.cat(captions).to(device), txt_embed)
                seen[rows] = 1.0
                progress('features', number / len(self.loader))
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


def dual_encoder_embeddings(model: Any, inputs: Any) -> tuple[Tensor, Tensor]:
    """Embeddings (B, D) and (M, D) of a batch by a dual encoder, see :meth:`TrainingFeatures.extract`."""
    return model.image_features(inputs.images)[1], model.text_features(inputs.token_ids, inputs.txt_mask)[1]


def _first_captions(dataset: Any, train: Any) -> np.ndarray:
    """Where the captions of each image begin, once both data sets are seen to number them in the same way."""
    for where, found in (("the hook's dataloader", dataset), ('train_dataloader', train)):
        if found is not None and not hasattr(found, 'first_captions'):
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
    if train is not None and (not np.array_equal(first, train.first_captions) or len(train) != captions):
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


def share_statistics(model: Any) -> None:
    """Gives all ranks the main process's running statistics."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            for statistics in module.buffers(recurse=False):
                broadcast(statistics)


def on_device_with_float64(features: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Features on a device that has float64, in which the labeling compares them; Apple's MPS has not.

    Args:
        features: of images (I, D) and of captions (T, D).

    Returns:
        The same, or copies on the CPU.
    """
    img, txt = (rows.cpu() if rows.device.type == 'mps' else rows for rows in features)
    return img, txt
