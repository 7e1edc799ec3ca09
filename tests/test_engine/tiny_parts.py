"""A model, a dataset, a metric and a killer, small enough to train in a second. Imported by configs of the tests."""

from __future__ import annotations

import os
import random
import signal

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from torch import nn

from mmt2ireid.compat import files
from mmt2ireid.engine.hooks import atomic_checkpoint
from mmt2ireid.registry import DATASETS, HOOKS, METRICS, MODELS


@DATASETS.register_module()
class TinyPairs(torch.utils.data.Dataset):
    """Vectors with identities; the same for the same index."""

    def __init__(self, length: int = 24, num_pids: int = 6, seed: int = 0, num_skipped: int = 0) -> None:
        self.num_pids = num_pids
        self.metainfo = dict(name='tiny')
        self.num_skipped, self.num_truncated = num_skipped, num_skipped and 5
        generator = torch.Generator().manual_seed(seed)
        self._vectors = torch.randn(length, 8, generator=generator)
        self._pids = torch.randint(num_pids, (length,), generator=generator)

    def __len__(self) -> int:
        return len(self._pids)

    def __getitem__(self, index: int) -> dict:
        return dict(inputs=self._vectors[index], pids=int(self._pids[index]))


class Noise(nn.Module):
    """A module that wants to be told the seed of the step."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds: list[int] = []

    def seed_step(self, seed: int) -> None:
        self.seeds.append(seed)

    def forward(self) -> float:
        return (self.seeds[-1] % 1000) / 1000 if self.seeds else 0.0


@MODELS.register_module()
class TinyModel(BaseModel):
    """Dropout, numpy and Python randomness in its loss unless ``dropout`` is 0."""

    def __init__(self, width: int = 16, num_classes: int = 6, dropout: float = 0.5, nan_at: int = -1) -> None:
        super().__init__()
        self.image_encoder = nn.Sequential(nn.Linear(8, width), nn.LayerNorm(width), nn.ReLU(), nn.Dropout(dropout))
        self.heads = nn.ModuleDict(dict(id=nn.Linear(width, num_classes)))
        self.heads['id'].num_classes = num_classes
        self.noise = Noise()
        self.random = dropout > 0
        self.nan_at, self.calls = nan_at, 0

    def forward(self, inputs, pids, mode='loss'):
        inputs, pids = torch.stack(list(inputs)), torch.as_tensor(pids)
        logits = self.heads['id'](self.image_encoder(inputs))
        if mode == 'predict':
            return [dict(hit=bool(hit)) for hit in logits.argmax(1) == pids]
        loss = nn.functional.cross_entropy(logits, pids)
        if self.random:
            loss = loss * (1 + 0.1 * random.random() + 0.1 * np.random.rand() + 0.1 * self.noise())
        self.calls += 1
        if self.calls - 1 == self.nan_at:
            loss = loss * float('nan')
        return dict(loss_id=loss, loss_small=logits.square().mean() * 1e-3)


@METRICS.register_module()
class TinyMetric(BaseMetric):
    default_prefix = 't2i'

    def process(self, data_batch, data_samples):
        self.results.extend(sample['hit'] for sample in data_samples)

    def compute_metrics(self, results):
        return dict(R1=np.float64(100 * np.mean(results)))


@HOOKS.register_module()
class DieHook(Hook):
    """Kills its own process, uncatchably, where the environment variable DIE_AT says.

    ``train:N`` within iteration N, ``val:N`` within the N-th validation batch, ``half:N`` and ``whole:N`` in the N-th
    file written: with half of its bytes on disk, or just after it got its name; ``removal:N`` before the N-th removal.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        where, _, count = os.environ.get('DIE_AT', 'never').partition(':')
        self.where, self.left = where, int(count or 0)
        if where in ('half', 'whole'):
            write = files.write_atomically
            files.write_atomically = atomic_checkpoint.write_atomically = lambda *args: self._write(write, *args)
        if where == 'removal':
            from mmengine.fileio import LocalBackend

            remove = LocalBackend.remove
            LocalBackend.remove = lambda backend, path: (self._count('removal'), remove(backend, path))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._count('train')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._count('val')

    def _count(self, where):
        if where == self.where:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, write, path, data):
        if self.where == 'half' and self.left == 1:
            temp = os.path.join(os.path.dirname(path), f'.{os.path.basename(path)}.{os.getpid()}.tmp')
            with open(temp, 'wb') as file:
                file.write(data[: len(data) // 2])
        if self.where == 'whole':
            write(path, data)
        self._count(self.where)
        if self.where == 'half':
            write(path, data)
