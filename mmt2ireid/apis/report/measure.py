"""Evaluates checkpoints one after the other, and measures beyond the metrics what a report shows."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner
from tqdm import tqdm

from mmt2ireid.apis.report.checkpoints import Checkpoint
from mmt2ireid.engine import options
from mmt2ireid.engine.dataset_parts import split_of
from mmt2ireid.engine.launch import run_each
from mmt2ireid.evaluation import RetrievalMetric, SimilarityHistogram, cmc_curve, first_ranks, similarity_histogram
from mmt2ireid.evaluation.retrieval_metric import ranking_device
from mmt2ireid.visualization import SavedFeatures

MAX_RANK = 50
BINS = 200
_numbers = itertools.count()


@dataclass(frozen=True)
class Measured:
    """What the features of an evaluated split tell beyond the metrics.

    Attributes:
        split: the features; None where only the curves were asked for.
        data: how many images, captions and persons.
        ranks: int64 (M,), rank of the first right picture of every caption.
        cmc: percent (K,) by direction.
        histogram: similarities of all pairs of a caption and a picture.
    """

    split: SavedFeatures | None
    data: dict[str, int]
    ranks: np.ndarray
    cmc: dict[str, np.ndarray]
    histogram: SimilarityHistogram


@dataclass(frozen=True)
class Job:
    """An evaluation to do.

    Attributes:
        config: a complete config, whose test split is evaluated; not changed.
        checkpoint: what to load.
        title: said before it begins.
        features: whether the features are kept for :func:`measure`.
    """

    config: Config
    checkpoint: Checkpoint
    title: str
    features: bool = False


@dataclass(frozen=True)
class Result:
    """An evaluation that is done.

    Attributes:
        metrics: by names such as ``t2i/R1``.
        split: the split that the data set reads, as it names it itself; None where it has none.
        ties: the rule for equal scores.
        tied: by direction, the share of queries that such a rule decides, from 0 to 1; known in rank 0.
    """

    metrics: dict[str, float]
    split: str | None
    ties: str
    tied: dict[str, float]


def evaluate(
    jobs: Sequence[Job],
    look: Callable[[int, str], None] | None = None,
    *,
    launcher: str = 'none',
) -> list[Result]:
    """Evaluates checkpoints, both directions.

    Args:
        jobs: what to evaluate.
        look: is called in rank 0 with the number of a job that keeps its features and their file, before the next
            evaluation may overwrite it.
        launcher: who started this process.

    Returns:
        The result of every job, in every rank.

    Raises:
        ValueError: a config without ``RetrievalMetric``.
    """
    files: dict[int, str] = {}
    cfgs = [_prepare(job) for job in jobs]
    for number, (job, cfg) in enumerate(zip(jobs, cfgs, strict=True)):
        if job.features:
            files[number] = options.set_features_file(cfg)
    numbers = itertools.count()

    def test(runner: Runner) -> Result:
        number = next(numbers)
        if is_main_process() and len(jobs) > 1:
            print(f'{number + 1} of {len(jobs)}: {jobs[number].title}', file=sys.stderr, flush=True)
        metrics = {name: float(value) for name, value in runner.test().items()}
        if is_main_process() and look is not None and number in files:
            look(number, files[number])
        metric = next(one for one in runner.test_evaluator.metrics if isinstance(one, RetrievalMetric))
        return Result(metrics, split_of(runner.test_dataloader.dataset), metric.ties, dict(metric.tied_shares))

    return run_each(cfgs, test, launcher=launcher)


def _prepare(job: Job) -> Config:
    cfg = copy.deepcopy(job.config)
    options.set_both_directions(cfg)
    cfg.load_from, cfg.resume = job.checkpoint.path, False
    # Two Runners of one name would share their log.
    cfg.experiment_name = f'{Path(cfg.filename or "report").stem}_{next(_numbers)}'
    return cfg


def measure(features: str | SavedFeatures, *, curves_only: bool = False) -> Measured:
    """Computes curves and histogram from the features of a split; nothing of size images x captions is held.

    Args:
        features: the file that ``RetrievalMetric(out_file=...)`` wrote, or its content.
        curves_only: do not keep the features, which are needed for strips.

    Returns:
        What a report shows of it.

    Raises:
        ValueError: a split without captions.
    """
    split = features if isinstance(features, SavedFeatures) else SavedFeatures.load(features)
    if not len(split.txt_feats):
        raise ValueError('features must hold captions, but got none')
    device = ranking_device()
    text_pids = split.pids[split.txt_image]
    forth = split.txt_feats, split.img_feats, text_pids, split.pids
    described = np.unique(split.txt_image)  # other images are in the gallery, but no queries
    back = split.img_feats[described], split.txt_feats, split.pids[described], text_pids
    ranks = first_ranks(*forth, device=device)
    depth = min(MAX_RANK, len(split.img_feats), len(split.txt_feats))
    cmc = {'t2i': cmc_curve(ranks, depth), 'i2t': cmc_curve(first_ranks(*back, device=device), depth)}
    # disable=None: shown on terminals only.
    with tqdm(total=len(text_pids), desc='histogram', unit=' captions', leave=False, disable=None) as bar:
        histogram = similarity_histogram(*forth, bins=BINS, device=device, progress=bar.update)
    return Measured(None if curves_only else split, count_data(split), ranks, cmc, histogram)


def count_data(features: str | SavedFeatures) -> dict[str, int]:
    """How many images, captions and persons with captions there are in a split, and how many images without captions.

    Args:
        features: as in :func:`measure`.
    """
    split = features if isinstance(features, SavedFeatures) else SavedFeatures.load(features)
    persons = np.unique(split.pids[split.txt_image])
    counts = dict(images=len(split.pids), captions=len(split.txt_image), persons=len(persons))
    bare = len(split.pids) - len(np.unique(split.txt_image))
    distractors = int(np.isin(split.pids, persons, invert=True).sum())
    return counts | ({'images without captions': bare, 'distractors': distractors} if bare else {})
