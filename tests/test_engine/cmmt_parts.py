"""A tiny CMMT: persons as coloured squares with captions, small encoders with batch normalisation, and its killer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from tiny_config import tiny_config
from tiny_parts import DieHook
from torch import nn

from mmt2ireid.engine.hooks import clustering
from mmt2ireid.registry import DATASETS, HOOKS, METRICS, MODELS
from mmt2ireid.structures import EncoderOutput, PersonSample

PERSONS, PICTURES, DIM = 6, 4, 8
IMAGES = PERSONS * PICTURES + 1  # an odd number, which two ranks cannot share equally
COLOURS = ('red', 'green', 'blue', 'white', 'black', 'yellow')


@DATASETS.register_module()
class TinyPeople(torch.utils.data.Dataset):
    """Pictures with one to three captions each; noise upon what the person looks like."""

    def __init__(self, unit: str = 'pair', images: int = IMAGES, known: bool = True, keep: int | None = None) -> None:
        rng = np.random.default_rng(0)
        self.unit, self.num_pids, self.relabel = unit, PERSONS * known, True
        self.metainfo = dict(name='tiny people')
        self._pids = np.arange(images) % PERSONS
        counts = 1 + np.arange(images) % 3
        self._first = np.concatenate([[0], np.cumsum(counts)])
        looks = rng.integers(0, 200, (PERSONS, 3, 2, 2))
        self._images = (looks[self._pids] + rng.integers(0, 50, (images, 3, 2, 2))).astype(np.uint8)
        self._image_of = np.repeat(np.arange(images), counts)
        words = [[5 + 2 * pid, 6 + 2 * pid, 17 + rng.integers(3)] for pid in self._pids[self._image_of]]
        self._words = torch.tensor(np.array(words))
        self._keep = keep
        self.pids = self._pids[self._items()[0]] if known else np.full(len(self), -1)

    def _items(self) -> tuple[np.ndarray, list]:
        images = self._image_of if self.unit == 'pair' else np.arange(len(self._pids))
        return images[: self._keep], self._words

    @property
    def first_captions(self) -> np.ndarray:
        return self._first

    def all_captions(self) -> list[str]:
        return [f'A {COLOURS[self._pids[image]]} coat and a small bag.' for image in self._image_of]

    def __len__(self) -> int:
        return len(self._items()[0])

    def __getitem__(self, index: int) -> dict:
        index = int(index)
        image = int(self._items()[0][index])
        chosen = range(index, index + 1) if self.unit == 'pair' else range(self._first[image], self._first[image + 1])
        sample = PersonSample(
            pid=int(self.pids[index]), image_id=image, sample_idx=index, token_ids=[self._words[n] for n in chosen]
        )
        return dict(inputs=torch.from_numpy(self._images[image]), data_samples=sample)


@MODELS.register_module()
class TinyImages(nn.Module):
    """A feature map of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 12, 2), nn.BatchNorm2d(12), nn.Dropout(0.1))

    def forward(self, images):
        return self.layers(images)


@MODELS.register_module()
class TinyWords(nn.Module):
    """Embedded words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 12)

    def forward(self, token_ids, mask):
        return EncoderOutput(self.words(token_ids), mask)


@MODELS.register_module()
class TinyNeck(nn.Module):
    """Projected tokens and their mean, normalised by batch statistics; notes in which dtype it worked."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm, self.dtypes = nn.Linear(12, DIM), nn.BatchNorm1d(DIM), []

    def forward(self, output):
        tokens = self.linear(output.tokens)
        self.dtypes.append((self.training, tokens.dtype))
        return EncoderOutput(tokens, output.mask), self.norm(tokens.mean(1))


@METRICS.register_module()
class MeanCosine(BaseMetric):
    """How similar images and their captions are."""

    default_prefix = 't2i'

    def process(self, data_batch, data_samples):
        self.results.extend(float((sample['txt_feats'] @ sample['img_feat']).mean()) for sample in data_samples)

    def compute_metrics(self, results):
        return dict(R1=np.float64(100 * np.mean(results)))


@HOOKS.register_module()
class DieClusteringHook(DieHook):
    """Kills also where DIE_AT says ``cluster:N``, in the N-th clustering, after the features were read."""

    def __init__(self) -> None:
        super().__init__()
        refine = clustering.refine_labels
        clustering.refine_labels = lambda *args, **kwargs: (self._count('cluster'), refine(*args, **kwargs))[1]


@HOOKS.register_module()
class SpoilHook(Hook):
    """From the given epoch on the image encoder gives NaN."""

    priority = 'HIGH'

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            model = getattr(runner.model, 'module', runner.model)
            model.image_encoder.layers[0].weight.data.fill_(torch.nan)


CLUSTERING = dict(
    type='ClusteringHook',
    k1=4,
    k2=2,
    eps=0.5,
    min_samples=2,
    dataloader=dict(
        batch_size=7,
        num_workers=0,
        sampler=dict(type='mmengine.DefaultSampler', shuffle=False),
        dataset=dict(type='TinyPeople', unit='image'),
    ),
)


def tiny_cmmt(work_dir: Path, *, clustering: dict | None = None, **changes) -> Config:
    """The tiny config (see tiny_config) with the parts of this file.

    Args:
        work_dir: working directory.
        clustering: changes of the hook's arguments.
        **changes: as in tiny_config.
    """
    captions = len(TinyPeople())
    cfg = tiny_config(work_dir)
    cfg.custom_imports.imports.append('cmmt_parts')
    cfg.model = dict(
        type='DualEncoder',
        image_encoder=dict(type='TinyImages'),
        text_encoder=dict(type='TinyWords'),
        img_neck=dict(type='TinyNeck'),
        txt_neck=dict(type='TinyNeck'),
        heads=dict(
            memory=dict(type='MemoryHead', num_images=IMAGES, num_captions=captions, dim=DIM),
            cpm=dict(type='ProjectionMatchingHead', soft_labels='text_iou', loss_weight=0.8),
        ),
    )
    cfg.train_dataloader.update(batch_size=16, dataset=dict(type='TinyPeople'), drop_last=True)
    cfg.train_dataloader.collate_fn = dict(type='pseudo_collate')
    cfg.val_dataloader.dataset = cfg.test_dataloader.dataset = dict(type='TinyPeople', unit='image', images=12)
    cfg.val_evaluator = cfg.test_evaluator = dict(type='MeanCosine')
    cfg.custom_hooks += [
        dict(type='NounPhraseHook', tagger='embedded', workers=0),
        {**CLUSTERING, **(clustering or {})},
    ]
    cfg.optim_wrapper.optimizer.lr = 0.01
    changes.setdefault('train_cfg__max_epochs', changes.pop('epochs', 3))
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg
