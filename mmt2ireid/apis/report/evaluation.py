"""The report of one checkpoint, or of one config's checkpoints of several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmt2ireid.apis.report import markdown
from mmt2ireid.apis.report.checkpoints import Checkpoint, identify
from mmt2ireid.apis.report.data import data_name
from mmt2ireid.apis.report.folder import (
    CONFIG,
    check_folder,
    curve_facts,
    draw_pictures,
    new_folder,
    provenance,
    write_words,
)
from mmt2ireid.apis.report.measure import Job, Measured, Result, evaluate, measure
from mmt2ireid.engine.launch import is_main


def report_evaluation(
    cfg: Config,
    checkpoints: Sequence[str],
    folder: str | Path,
    *,
    config: str,
    split: str = 'test',
    launcher: str = 'none',
) -> dict[str, float]:
    """Evaluates checkpoints of one config and writes report.md, metrics.json and pictures.

    Of several checkpoints (seeds), the tables give each, mean and sample standard deviation, and the CMC curve their
    mean; histogram and strips are of the first.

    Args:
        cfg: a complete config whose test split is what is to be evaluated
            (:func:`~mmt2ireid.engine.options.set_test_split`).
        checkpoints: files.
        folder: where the report goes.
        config: the name of the config, for the report.
        split: whose loader is evaluated, 'test' or 'val'. The report names the split that its data set reads.
        launcher: who started this process.

    Returns:
        The metrics; of several checkpoints their means.

    Raises:
        ValueError: a folder that holds other things than a report, no checkpoints or the same twice, or a config
            without ``RetrievalMetric``.
        FileNotFoundError: a checkpoint is not there.
    """
    folder, main = check_folder(folder), is_main(launcher)
    known = identify(checkpoints, progress=main)
    measured: list[Measured] = []
    jobs = [Job(cfg, checkpoint, checkpoint.path, features=True) for checkpoint in known]
    results = evaluate(
        jobs, lambda _, file: measured.append(measure(file, curves_only=bool(measured))), launcher=launcher
    )
    means = mean_metrics([result.metrics for result in results])
    if main:
        with new_folder(folder) as made:
            _write(made, cfg, config, split, results, known, measured)
    return means


def mean_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of every metric."""
    return {name: statistics.fmean(run[name] for run in runs) for name in runs[0]}


def spread_of_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, float] | None:
    """The sample standard deviation of every metric; None of one run."""
    return {name: statistics.stdev(run[name] for run in runs) for name in runs[0]} if len(runs) > 1 else None


def _write(
    folder: Path,
    cfg: Config,
    config: str,
    loader: str,
    results: Sequence[Result],
    known: Sequence[Checkpoint],
    measured: Sequence[Measured],
) -> None:
    first, made = measured[0], provenance()
    runs, split = [result.metrics for result in results], results[0].split or loader
    pictures = draw_pictures(folder, first, {name: [one.cmc[name] for one in measured] for name in first.cmc})
    names = markdown.labels(known)
    rows: list[tuple[str, Sequence[Mapping[str, float]]]] = [
        (f'`{name}`', [run]) for name, run in zip(names, runs, strict=True)
    ]
    facts = {'config': f'`{config}` (in full: [{CONFIG}]({CONFIG}))'}
    facts['data'] = markdown.data_facts(first.data, data_name(cfg), split)
    about_data, notes = markdown.data_notes(first.data, split, loader), markdown.tie_notes(results)
    if len(runs) > 1:
        rows.append((f'**{markdown.SPREAD}**', runs))
        if len({checkpoint.folder for checkpoint in known}) < len(known):
            notes.append(
                'Some of these checkpoints lie in one folder: if they are epochs of one run, the spread is not that '
                'of seeds. Figures selected among epochs are given by `--select-by`.'
            )
        notes += markdown.seed_notes(known)
    parts = [
        markdown.opening(f'Evaluation on {split}: {Path(config).stem}', facts, made),
        *about_data,
        f'## Checkpoint{"s" if len(known) > 1 else ""}\n\n{markdown.checkpoint_table(known)}',
        f'## Metrics (%)\n\n{markdown.metric_tables("checkpoint", rows)}',
        *notes,
        markdown.picture_part(pictures, names[0], len(runs)),
    ]
    content: dict[str, Any] = dict(
        report='evaluation',
        config=config,
        split=split,
        loader=loader,
        **made,
        data=first.data,
        metrics=mean_metrics(runs),
        spread=spread_of_metrics(runs),
        runs=[
            dict(**checkpoint.facts(), metrics=dict(run), **curve_facts(one))
            for checkpoint, run, one in zip(known, runs, measured, strict=True)
        ],
        strips=pictures.strips,
        notes=[*about_data, *notes, *pictures.notes],
    )
    write_words(folder, '\n\n'.join(parts), content, cfg.pretty_text)
