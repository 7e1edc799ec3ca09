"""The cross-dataset matrix: every model on every test set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmt2ireid.apis.report import markdown
from mmt2ireid.apis.report.checkpoints import Checkpoint, identify
from mmt2ireid.apis.report.data import data_name, is_same_data, on_data_of
from mmt2ireid.apis.report.evaluation import mean_metrics, spread_of_metrics
from mmt2ireid.apis.report.folder import NAMES, check_folder, new_folder, provenance, write_words
from mmt2ireid.apis.report.measure import Job, count_data, evaluate
from mmt2ireid.engine.launch import is_main
from mmt2ireid.engine.options import shares_image_source
from mmt2ireid.engine.report import mean_and_spread

SHOWN = ('R1', 'mAP')
SHARED = '†'
CORNER = 'trained on ↓, tested on →'
Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Trained:
    """A row of the matrix.

    Attributes:
        name: the training set, as the table names it.
        config: file of the config.
        cfg: its content, complete.
        checkpoints: files; of several (seeds) the cells give mean and spread.
    """

    name: str
    config: str
    cfg: Config
    checkpoints: Sequence[str]


@dataclass(frozen=True)
class TestSet:
    """A column of the matrix.

    Attributes:
        name: the test set, as the table names it.
        config: file of a config whose test data it is.
        cfg: its content, complete.
    """

    __test__ = False  # not one of pytest's

    name: str
    config: str
    cfg: Config


def report_cross_dataset(
    trained: Sequence[Trained], tests: Sequence[TestSet], folder: str | Path, *, launcher: str = 'none'
) -> list[list[list[dict[str, float]]]]:
    """Evaluates every model on every test set and writes report.md and metrics.json.

    Args:
        trained: the rows.
        tests: the columns. Where one has the test data of a row's own config, the cell is in italics.
        folder: where the report goes.
        launcher: who started this process.

    Returns:
        Metrics by row, column and checkpoint.

    Raises:
        ValueError: no rows or columns, a name twice, a folder that holds other things than a report, or as
            :func:`~mmt2ireid.apis.report.data.on_data_of`.
        FileNotFoundError: a checkpoint is not there.
    """
    rows: Sequence[Trained | TestSet]
    for what, rows in (('train', trained), ('test', tests)):
        names = [row.name for row in rows]
        if not names or len(set(names)) < len(names):
            raise ValueError(f'{what} must have different names, at least one, but got {names}')
    cfgs = [[on_data_of(row.cfg, column.cfg) for column in tests] for row in trained]
    folder, main = check_folder(folder), is_main(launcher)
    known = [identify(row.checkpoints, progress=main) for row in trained]
    jobs = [
        Job(cfgs[i][j], checkpoint, f'{row.name} to {column.name}, {checkpoint.path}', i + number == 0)
        for i, row in enumerate(trained)
        for j, column in enumerate(tests)
        for number, checkpoint in enumerate(known[i])
    ]
    counts: list[dict[str, Any]] = []  # of the columns, by the first model's evaluations
    found = evaluate(jobs, lambda _, file: counts.append(count_data(file)), launcher=launcher)
    splits = [result.split or 'test' for job, result in zip(jobs, found, strict=True) if job.features]
    data = [dict(split=split, **counted) for split, counted in zip(splits, counts, strict=False)]
    metrics = iter(result.metrics for result in found)
    results = [[[next(metrics) for _ in known[i]] for _ in tests] for i in range(len(trained))]
    if main:
        shared = [[shares_image_source(cfg) for cfg in row] for row in cfgs]
        about_ties = [
            f'{job.title}: {note}'
            for job, result in zip(jobs, found, strict=True)
            for note in markdown.tie_notes([result])
        ]
        with new_folder(folder) as made:
            _write(made, trained, tests, known, results, shared, data, about_ties)
    return results


def matrix_tables(
    trained: Sequence[str],
    tests: Sequence[str],
    results: Sequence[Sequence[Sequence[Metrics]]],
    own: Sequence[Sequence[bool]],
    shared: Sequence[Sequence[bool]],
) -> str:
    """A table per metric and direction; a model's own test set in italics.

    Args:
        trained: names of the rows.
        tests: names of the columns.
        results: metrics by row, column and checkpoint.
        own: by row and column, whether the test set is that of the model's own config.
        shared: by row and column, whether training and test set may share persons.
    """
    parts = []
    for direction, title in NAMES.items():
        for metric in SHOWN:
            key = f'{direction}/{metric}'
            cells = []
            for row, name in enumerate(trained):
                line = []
                for column in range(len(tests)):
                    figure = mean_and_spread([run[key] for run in results[row][column]])
                    figure = f'*{figure}*' if own[row][column] else figure
                    line.append(figure + (f' {SHARED}' if shared[row][column] else ''))
                cells.append([name, *line])
            parts.append(f'### {title.capitalize()}, {metric}\n\n{markdown.table([CORNER, *tests], cells)}')
    return '\n\n'.join(parts)


def _write(
    folder: Path,
    trained: Sequence[Trained],
    tests: Sequence[TestSet],
    known: Sequence[Sequence[Checkpoint]],
    results: Sequence[Sequence[Sequence[Metrics]]],
    shared: Sequence[Sequence[bool]],
    counts: Sequence[Mapping[str, Any]],
    about_ties: Sequence[str],
) -> None:
    made = provenance()
    own = [[is_same_data(row.cfg.test_dataloader, column.cfg.test_dataloader) for column in tests] for row in trained]
    matrix = matrix_tables([row.name for row in trained], [column.name for column in tests], results, own, shared)
    legend = ["In italics: the model's own test set."] if any(map(any, own)) else []
    if any(len(checkpoints) > 1 for checkpoints in known):
        legend.append(f'Of several checkpoints {markdown.SPREAD}.')
    if any(map(any, shared)):
        legend.append(f'{SHARED}: both sets come from MSMT17 and may share persons; no clean cross-dataset figure.')
    models = [
        [row.name, f'`{row.config}`', str(len(checkpoints))] for row, checkpoints in zip(trained, known, strict=True)
    ]
    columns = list(dict.fromkeys(name for counted in counts for name in counted))
    data = [
        [
            column.name,
            f'`{column.config}`',
            data_name(column.cfg),
            *(counted[name] if name == 'split' else f'{counted.get(name, 0):,}' for name in columns),
        ]
        for column, counted in zip(tests, counts, strict=True)
    ]
    notes = [
        f'{column.name}: {note}'
        for column, counted in zip(tests, counts, strict=True)
        for note in markdown.data_notes(counted, counted['split'], 'test')
    ] + list(about_ties)
    parts = [
        markdown.opening('Cross-dataset evaluation', {}, made),
        '\n\n'.join(part for part in ('## Matrix (%)', ' '.join(legend), matrix) if part),
        f'## Trained on\n\n{markdown.table(["name", "config", "checkpoints"], models, words=2)}',
        markdown.checkpoint_table([one for checkpoints in known for one in checkpoints]),
        f'## Tested on\n\n{markdown.table(["name", "config", "data", *columns], data, words=4)}',
        *notes,
    ]
    cells = [
        dict(
            train=row.name,
            test=column.name,
            own_test_set=own[i][j],
            may_share_persons=shared[i][j],
            metrics=mean_metrics(results[i][j]),
            spread=spread_of_metrics(results[i][j]),
            runs=[dict(**one.facts(), metrics=dict(run)) for one, run in zip(known[i], results[i][j], strict=True)],
        )
        for i, row in enumerate(trained)
        for j, column in enumerate(tests)
    ]
    content = dict(
        report='cross-dataset',
        **made,
        train=[dict(name=row.name, config=row.config) for row in trained],
        test=[
            dict(name=column.name, config=column.config, data=counted)
            for column, counted in zip(tests, counts, strict=True)
        ],
        cells=cells,
        notes=notes,
    )
    write_words(folder, '\n\n'.join(parts), content)
