"""Hooks of a training run."""

from mmt2ireid.engine.hooks.atomic_checkpoint import AtomicCheckpointHook
from mmt2ireid.engine.hooks.checkpoint_guard import CheckpointGuardHook
from mmt2ireid.engine.hooks.clustering import ClusteringHook
from mmt2ireid.engine.hooks.dataset_checks import IdentityCountHook, SkippedImagesHook
from mmt2ireid.engine.hooks.deferred_runtime_info import DeferredRuntimeInfoHook
from mmt2ireid.engine.hooks.head_ramp import HeadRampHook
from mmt2ireid.engine.hooks.head_warmup import HeadWarmupHook
from mmt2ireid.engine.hooks.mutual_teaching import MutualTeachingHook
from mmt2ireid.engine.hooks.nan_guard import NaNGuardHook
from mmt2ireid.engine.hooks.noun_phrases import NounPhraseHook
from mmt2ireid.engine.hooks.progress_bar import ProgressBarHook
from mmt2ireid.engine.hooks.step_seed import StepSeedHook
from mmt2ireid.engine.hooks.vocabulary import VocabularyHook

__all__ = [
    'AtomicCheckpointHook',
    'CheckpointGuardHook',
    'ClusteringHook',
    'DeferredRuntimeInfoHook',
    'HeadRampHook',
    'HeadWarmupHook',
    'IdentityCountHook',
    'MutualTeachingHook',
    'NaNGuardHook',
    'NounPhraseHook',
    'ProgressBarHook',
    'SkippedImagesHook',
    'StepSeedHook',
    'VocabularyHook',
]
