"""A run on two CUHK-PEDES of tiny pictures, joined with weights. Imported by configs of the tests."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from cmmt_parts import MeanCosine, TinyWords  # noqa: F401
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from tiny_config import tiny_config
from torch import Tensor, nn

from mmt2ireid.registry import MODELS, TRANSFORMS

SIZES = dict(a=6, b=8)  # persons; each has two pictures with two captions, so 24 and 32 pairs
WEIGHTS = (0.5, 1.5)  # of which an epoch has 12 and 48
EPOCH = 60
WORDS = ['man', 'a', *(f'{name}{pid}' for name, size in SIZES.items() for pid in range(1, size + 1))]
PIPELINE = [
    dict(type='LoadPersonImage'),
    dict(type='Speckles'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Tokenize', tokenizer=dict(type='WordTokenizer', vocab=WORDS)),
    dict(type='PackPersonInputs'),
]
EVALUATION = [step for step in PIPELINE if step['type'] not in ('Speckles', 'RandomFlip')]


@TRANSFORMS.register_module()
class Speckles(BaseTransform):
    """Noise upon a picture, from NumPy's global generator."""

    def transform(self, results: dict) -> dict:
        results['img'] = results['img'] ^ np.random.randint(0, 16, results['img'].shape, dtype=np.uint8)
        return results


@MODELS.register_module()
class PlainImages(nn.Module):
    """A feature map of pictures, each by itself."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 12, 4, stride=4), nn.Dropout(dropout))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images / 255)


def write_sets(folder: Path) -> None:
    """Both sets, with pictures of noise, in the layout of CUHK-PEDES."""
    rng = np.random.default_rng(0)
    for name, size in SIZES.items():
        (folder / name / 'imgs').mkdir(parents=True)
        records = []
        for number in range(2 * size):
            path, pid = f'{number}.png', number // 2 + 1
            cv2.imwrite(str(folder / name / 'imgs' / path), rng.integers(0, 256, (8, 4, 3), dtype=np.uint8))
            captions = [f'man {name}{pid}', f'a {name}{pid}']
            records.append({'split': 'train', 'captions': captions, 'file_path': path, 'id': pid})
        (folder / name / 'reid_raw.json').write_text(json.dumps(records))


def joined_config(folder: Path, work_dir: Path, *, dropout: float = 0.2, **changes) -> Config:
    """The tiny config (see tiny_config) on both sets.

    Args:
        folder: where :func:`write_sets` put them.
        work_dir: working directory.
        dropout: of the image encoder.
        **changes: as in tiny_config.
    """

    def one(name: str, pipeline: list = PIPELINE, **kwargs) -> dict:
        return dict(type='CUHKPEDES', data_root=str(folder / name), pipeline=pipeline, split='train', **kwargs)

    cfg = tiny_config(work_dir)
    cfg.custom_imports.imports.append('joined_parts')
    neck = dict(type='ConvMaxPoolNeck', in_channels=12, out_channels=8)
    cfg.model = dict(
        type='DualEncoder',
        image_encoder=dict(type='PlainImages', dropout=dropout),
        text_encoder=dict(type='TinyWords'),
        img_neck=neck,
        txt_neck=neck,
        heads=dict(
            contrastive=dict(type='ContrastiveHead', loss=dict(type='ContrastiveLoss')),
            identity=dict(type='IdentityHead', num_classes=sum(SIZES.values()), in_channels=8),
        ),
    )
    cfg.train_dataloader = dict(
        batch_size=10,
        num_workers=0,
        drop_last=True,
        sampler=dict(type='PairSampler', shuffle=True),
        collate_fn=dict(type='pseudo_collate'),
        dataset=dict(type='WeightedConcat', datasets=[one(name) for name in SIZES], weights=WEIGHTS),
    )
    cfg.val_dataloader.dataset = cfg.test_dataloader.dataset = one('a', EVALUATION, unit='image')
    cfg.val_evaluator = cfg.test_evaluator = dict(type='MeanCosine')
    cfg.optim_wrapper.optimizer.lr = 0.01
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg
