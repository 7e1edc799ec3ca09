"""A tiny run of mutual mean teaching, and its killer."""

from __future__ import annotations

from pathlib import Path

from cmmt_parts import CLUSTERING, DIM, IMAGES, TinyPeople, tiny_cmmt
from mmengine.config import Config
from tiny_parts import DieHook

from mmt2ireid.engine.hooks import mutual_teaching
from mmt2ireid.registry import HOOKS

MUTUAL = dict(CLUSTERING, type='MutualTeachingHook', eps=0.2)  # leaves some un-clustered in both modalities


@HOOKS.register_module()
class DieMutualHook(DieHook):
    """Kills also where DIE_AT says ``cluster:N``, in the N-th clustering of a modality."""

    def __init__(self) -> None:
        super().__init__()
        cluster = mutual_teaching.cluster
        mutual_teaching.cluster = lambda *args: (self._count('cluster'), cluster(*args))[1]


def tiny_mmt(work_dir: Path, *, mutual: dict | None = None, **changes) -> Config:
    """The tiny CMMT's parts and data (see there) with two networks.

    Args:
        work_dir: working directory.
        mutual: changes of the hook's arguments.
        **changes: as in tiny_config.
    """
    cfg = tiny_cmmt(work_dir)
    cfg.custom_imports.imports.append('mmt_parts')
    cfg.model.type = 'MutualTeaching'
    cfg.model.heads = dict(
        mutual=dict(
            type='MutualTeachingHead', num_images=IMAGES, num_captions=len(TinyPeople()), dim=DIM, min_cluster_size=2
        ),
        cpm=dict(type='ProjectionMatchingHead', soft_labels='identity', loss_weight=0.8),
    )
    cfg.train_dataloader.batch_size = 8
    cfg.train_dataloader.sampler = dict(type='PseudoLabelSampler', num_clusters=2, num_instances=4)
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook['type'] not in ('NounPhraseHook', 'ClusteringHook')]
    cfg.custom_hooks.append({**MUTUAL, **(mutual or {})})
    changes.setdefault('train_cfg__max_epochs', changes.pop('epochs', 3))
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg
