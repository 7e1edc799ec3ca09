"""Reports of runs whose epochs are selected: on val, as is right, and on test, marked as such, for comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmt2ireid.apis.report import markdown
from mmt2ireid.apis.report.checkpoints import Checkpoint, identify
from mmt2ireid.apis.report.data import check_splits_differ, data_name
from mmt2ireid.apis.report.evaluation import mean_metrics, spread_of_metrics
from mmt2ireid.apis.report.folder import (
    CONFIG,
    check_folder,
    curve_facts,
    draw_pictures,
    new_folder,
    provenance,
    write_words,
)
from mmt2ireid.apis.report.measure import Job, Measured, evaluate, measure
from mmt2ireid.engine import options
from mmt2ireid.engine.launch import is_main, shared_process_group
from mmt2ireid.engine.tie_break import sort_key

ON_VAL = 'selected on val'
ON_TEST = 'SELECTED ON THE TEST SET'
WARNING = (
    f'> **{ON_TEST}**: the epoch was chosen by the figure that is given, as many published ones were. It promises '
    'more than the model keeps on data that nobody has looked at, and is here for comparison with such figures only.'
)

_METRIC = re.compile(r'(t2i|i2t)/(R\d+|mAP|mINP)')


@dataclass(frozen=True)
class Run:
    """The epochs of a run.

    Attributes:
        folder: where they lie.
        checkpoints: by their epochs, or in the order given where one does not say its epoch.
        val: metrics on val, one per checkpoint.
        test: metrics on test, one per checkpoint.
        by: the metric that selects.
    """

    folder: str
    checkpoints: Sequence[Checkpoint]
    val: Sequence[Mapping[str, float]]
    test: Sequence[Mapping[str, float]]
    by: str

    @property
    def on_val(self) -> int:
        """The checkpoint that is best on val; of equals by mAP, then the first."""
        return best(self.val, self.by)

    @property
    def on_test(self) -> int:
        """The checkpoint that is best on test; of equals by mAP, then the first."""
        return best(self.test, self.by)


def best(metrics: Sequence[Mapping[str, float]], by: str) -> int:
    """Place of the highest; of equals that with the higher mAP, then the first.

    Args:
        metrics: of each checkpoint.
        by: which of them.

    Raises:
        ValueError: there is no such metric.
    """
    if by not in metrics[0]:
        raise ValueError(f'select-by must be one of {", ".join(metrics[0])}, but got {by!r}')
    return max(range(len(metrics)), key=lambda number: sort_key(metrics[number], by))


def report_selection(
    cfg: Config,
    checkpoints: Sequence[str],
    folder: str | Path,
    *,
    config: str,
    by: str = 't2i/R1',
    launcher: str = 'none',
) -> dict[str, float]:
    """Evaluates several epochs of one or several runs on val and on test, and writes a report.

    Checkpoints of one folder are one run. The report's figures are those of the epoch that is best on val; those of
    the epoch that is best on test stand apart and are marked. Of several runs (seeds), mean and spread are given.

    Args:
        cfg: a complete config with both splits.
        checkpoints: files.
        folder: where the report goes.
        config: the name of the config, for the report.
        by: the metric that selects.
        launcher: who started this process.

    Returns:
        The test metrics of the val-selected epoch; of several runs their means.

    Raises:
        ValueError: no such metric, a config without one of the splits or with one for both, no folder with several
            checkpoints, or as
            :func:`~mmt2ireid.apis.report.report_evaluation`.
        FileNotFoundError: a checkpoint is not there.
    """
    if not _METRIC.fullmatch(by):
        raise ValueError(f'select-by must be a metric such as t2i/R1 or i2t/mAP, but got {by!r}')
    splits = {split: cfg.copy() for split in ('val', 'test')}
    for split, changed in splits.items():
        options.set_test_split(changed, split)
    check_splits_differ(cfg)
    folder, main = check_folder(folder), is_main(launcher)
    known = identify(checkpoints, progress=main)
    members = _members(known)
    measured: list[Measured] = []
    order: list[int] = []

    def look(number: int, file: str) -> None:
        measured.append(measure(file, curves_only=number != chosen[0]))
        order.append(number)

    with shared_process_group():
        val = evaluate([Job(splits['val'], one, f'val, {one.path}') for one in known], launcher=launcher)
        val_metrics = [result.metrics for result in val]
        chosen = [numbers[best([val_metrics[number] for number in numbers], by)] for numbers in members.values()]
        jobs = [Job(splits['test'], one, f'test, {one.path}', number in chosen) for number, one in enumerate(known)]
        test = evaluate(jobs, look, launcher=launcher)
        test_metrics = [result.metrics for result in test]
    read = {'val': val[0].split or 'val', 'test': test[0].split or 'test'}
    runs = [
        Run(name, *([rows[number] for number in numbers] for rows in (known, val_metrics, test_metrics)), by=by)  # type: ignore[arg-type]
        for name, numbers in members.items()
    ]
    if main:
        with new_folder(folder) as made:
            _write(
                made,
                cfg,
                splits['test'],
                config,
                read,
                markdown.tie_notes(test),
                runs,
                [measured[order.index(number)] for number in chosen],
            )
    return mean_metrics([run.test[run.on_val] for run in runs])


def _write(
    folder: Path,
    cfg: Config,
    on_test: Config,
    config: str,
    read: Mapping[str, str],
    about_ties: Sequence[str],
    runs: Sequence[Run],
    measured: Sequence[Measured],
) -> None:
    first, made, by = measured[0], provenance(), runs[0].by
    pictures = draw_pictures(folder, first, {name: [one.cmc[name] for one in measured] for name in first.cmc})
    right = [run.test[run.on_val] for run in runs]
    wrong = [run.test[run.on_test] for run in runs]
    shown = [run.checkpoints[run.on_val] for run in runs]
    notes = [*about_ties, *markdown.seed_notes(shown)]
    spread = f', {markdown.SPREAD} of {len(runs)} runs' if len(runs) > 1 else ''
    facts = {'config': f'`{config}` (in full: [{CONFIG}]({CONFIG}))'}
    facts['data'] = markdown.data_facts(first.data, data_name(on_test), read['test'])
    about_data = markdown.data_notes(first.data, read['test'], 'test') + markdown.data_notes({}, read['val'], 'val')
    facts['selected by'] = f'{by}, among the epochs given; of equal ones the first'
    checkpoints = [one for run in runs for one in run.checkpoints]
    parts = [
        markdown.opening(f'Evaluation on {read["test"]}, epochs selected: {Path(config).stem}', facts, made),
        *about_data,
        f'## Metrics on test of the epoch {ON_VAL} (%){spread}\n\n{markdown.metric_tables("epoch", [(ON_VAL, right)])}',
        f'## Epochs ({by}, %)\n\n{_epochs(runs)}',
        f'## {ON_TEST} (%){spread}\n\n{WARNING}\n\n{markdown.metric_tables("epoch", [(f"**{ON_TEST}**", wrong)])}',
        f'## Checkpoints\n\n{markdown.checkpoint_table(checkpoints)}',
        *notes,
        markdown.picture_part(
            pictures, markdown.labels(checkpoints)[checkpoints.index(shown[0])], len(runs), selected=True
        ),
    ]
    content = dict(
        report='selection',
        config=config,
        split=read['test'],
        selected_by=by,
        selected_on=read['val'],
        **made,
        data=first.data,
        metrics=mean_metrics(right),
        spread=spread_of_metrics(right),
        selected_on_the_test_set=dict(metrics=mean_metrics(wrong), spread=spread_of_metrics(wrong)),
        runs=[
            dict(
                folder=run.folder,
                selected_on_val=run.checkpoints[run.on_val].path,
                selected_on_the_test_set=run.checkpoints[run.on_test].path,
                epochs=[
                    dict(**one.facts(), val=dict(val), test=dict(test))
                    for one, val, test in zip(run.checkpoints, run.val, run.test, strict=True)
                ],
                **curve_facts(one_measured),
            )
            for run, one_measured in zip(runs, measured, strict=True)
        ],
        strips=pictures.strips,
        notes=[*about_data, *notes, *pictures.notes],
    )
    write_words(folder, '\n\n'.join(parts), content, cfg.pretty_text)


def _members(known: Sequence[Checkpoint]) -> dict[str, list[int]]:
    """The checkpoints of every run, by its folder."""
    members: dict[str, list[int]] = {}
    for number, one in enumerate(known):
        members.setdefault(one.folder, []).append(number)
    if all(len(numbers) == 1 for numbers in members.values()):
        raise ValueError(
            'select-by must be given several checkpoints of one folder, the epochs of a run, but got '
            f'{len(known)} of {len(members)} folders'
        )
    for numbers in members.values():
        epochs = {number: known[number].epoch for number in numbers}
        if None not in epochs.values():
            numbers.sort(key=lambda number: epochs[number] or 0)
    return members


def _epochs(runs: Sequence[Run]) -> str:
    names = iter(markdown.labels([one for run in runs for one in run.checkpoints]))
    rows = []
    for run in runs:
        for number, one in enumerate(run.checkpoints):
            marks = [ON_VAL] if number == run.on_val else []
            marks += [f'**{ON_TEST}**'] if number == run.on_test else []
            epoch = '' if one.epoch is None else str(one.epoch)
            figures = [f'{split[number][run.by]:.2f}' for split in (run.val, run.test)]
            rows.append([f'`{next(names)}`', ', '.join(marks), epoch, *figures])
    return markdown.table(['checkpoint', '', 'epoch', 'val', 'test'], rows, words=2)
