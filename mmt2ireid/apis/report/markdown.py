"""The words and tables of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmt2ireid.apis.report.checkpoints import Checkpoint
from mmt2ireid.apis.report.folder import CMC, FAILURES, HISTOGRAM, NAMES, SEED, SUCCESSES, Pictures
from mmt2ireid.apis.report.measure import Result
from mmt2ireid.engine.report import mean_and_spread

SPREAD = 'mean ± sample standard deviation'
_CROPS = 'Below each crop its rank and its cosine similarity to the caption.'
Metrics = Mapping[str, float]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """A Markdown table.

    Args:
        head: names of the columns.
        rows: cells.
        words: so many columns at the left hold words, the others numbers.
    """
    rule = ['---'] * words + ['---:'] * (len(head) - words)
    lines = [[_cell(text) for text in line] for line in ([*head], rule, *rows)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def names_of(metrics: Metrics, direction: str) -> list[str]:
    """What is measured in a direction: R1, R5, ..."""
    return [key.split('/', 1)[1] for key in metrics if key.startswith(f'{direction}/')]


def metric_tables(head: str, rows: Sequence[tuple[str, Sequence[Metrics]]]) -> str:
    """A table per direction.

    Args:
        head: what the rows are.
        rows: the name of a row and its metrics, of one run or of several.
    """
    parts = []
    for direction, title in NAMES.items():
        names = names_of(rows[0][1][0], direction)
        if not names:
            continue
        cells = [
            [label, *(_figure([run[f'{direction}/{name}'] for run in runs]) for name in names)] for label, runs in rows
        ]
        parts.append(f'### {title.capitalize()}\n\n{table([head, *names], cells)}')
    return '\n\n'.join(parts)


def checkpoint_table(checkpoints: Sequence[Checkpoint]) -> str:
    """Names, epochs, seeds and hashes."""
    rows = [
        [
            f'`{item.path}`',
            f'`{item.sha256}`' if item.sha256 else 'not a file here',
            *map(_known, (item.epoch, item.seed)),
        ]
        for item in checkpoints
    ]
    return table(['checkpoint', 'SHA-256', 'epoch', 'seed'], rows, words=2)


def seed_notes(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """A warning where runs of one seed pass for several, each from a folder of its own."""
    found = {(item.folder, item.seed) for item in checkpoints if item.seed is not None}
    seeds = [seed for _, seed in found]
    if len(set(seeds)) == len(seeds):
        return []
    return ['Some of these runs have the same seed: the spread is not that of seeds.']


def labels(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """The shortest ends of the paths that tell them apart."""
    parts = [Path(item.path).parts for item in checkpoints]
    for length in range(1, max(map(len, parts)) + 1):
        ends = ['/'.join(part[-length:]) for part in parts]
        if len(set(ends)) == len(ends):
            return ends
    return [item.path for item in checkpoints]


def opening(title: str, facts: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """Title, facts, and when and on what the report was made."""
    versions = ', '.join(f'{name} {version}' for name, version in made['versions'].items())
    lines = [*(f'- {name}: {value}' for name, value in facts.items()), f'- made: {made["date"]}, {made["device"]}']
    return f'# {title}\n\n' + '\n'.join([*lines, f'- versions: {versions}'])


def data_facts(data: Mapping[str, int], name: str, split: str) -> str:
    """'the test split of X: 100 images, 200 captions, 25 persons'."""
    return f'the {split} split of {name}: ' + ', '.join(f'{count:,} {what}' for what, count in data.items())


def data_notes(data: Mapping[str, int], split: str, loader: str) -> list[str]:
    """Warnings about what was evaluated.

    Args:
        data: counts of the split.
        split: what the data set reads.
        loader: 'val' or 'test', whose loader reads it.
    """
    notes = []
    if split != loader:
        notes.append(
            f'The {loader} loader of the config (`{loader}_dataloader`) reads the {split} split: the figures are those '
            f'of {split}.'
        )
    if data.get('persons') == 1:
        notes.append(f'The {split} split has one person only: every answer is right, and R1 is always 100 %.')
    return notes


def tie_notes(results: Sequence[Result]) -> list[str]:
    """How many queries are decided by the order of equal scores, and how they count; none where nothing ties.

    Args:
        results: evaluations of one config.
    """
    notes = []
    for direction, title in NAMES.items():
        share = max(result.tied.get(direction, 0.0) for result in results)
        if share:
            how = (
                'they count by the order of the gallery'
                if results[0].ties == 'gallery_order'
                else 'metrics are expected values over their orders; curves and strips are in the order of the gallery'
            )
            most = 'up to ' if len(results) > 1 else ''
            notes.append(
                f'{title.capitalize()}: {most}{share:.1%} of the queries have a right and a wrong answer with exactly '
                f'equal scores; {how}.'
            )
    return notes


def picture_part(pictures: Pictures, shown: str, num_runs: int, *, selected: bool = False) -> str:
    """The pictures, with what they show and how it was chosen.

    Args:
        pictures: what was drawn.
        shown: the checkpoint that strips and histogram are of.
        num_runs: checkpoints in the CMC curve.
        selected: whether they were selected on val among others.
    """
    many = num_runs > 1
    runs = ('epochs' if many else 'epoch') + ' selected on val' if selected else 'checkpoints'
    of_many = f' Of the {runs}' if many or selected else ''
    of_many += ': their mean, and a band from the lowest to the highest.' if many else '.' if selected else ''
    these = f' (`{shown}`)' if many or selected else ''
    captions = {
        CMC: (
            'CMC curve',
            f'The share of queries that have a right answer among the best k.{of_many}',
        ),
        HISTOGRAM: (
            f'Similarities{these}',
            'All pairs of a caption and a picture, counted in bins of their cosine similarity; each kind as shares of '
            'its own pairs, the broken lines their means.',
        ),
        SUCCESSES: (
            f'Successes{these}',
            f'Captions whose best picture is right, drawn at random (seed {SEED}); a person comes twice only where '
            f'others do not fill the rows. {_CROPS}',
        ),
        FAILURES: (
            f'Worst failures{these}',
            'The captions whose first right picture is ranked last, the worst first ("hit at": its rank). Of equal '
            "ranks the earlier caption; a person's second caption only where others do not fill the rows. "
            f'{_CROPS}',
        ),
    }
    parts = [
        f'## {title}\n\n{words}\n\n![{title.split(" (")[0]}]({name})'
        for name, (title, words) in captions.items()
        if name in pictures.files
    ]
    if pictures.notes:
        parts.append('\n'.join(f'- {note}' for note in pictures.notes))
    return '\n\n'.join(parts)


def _figure(values: Sequence[float]) -> str:
    return f'{values[0]:.2f}' if len(values) == 1 else mean_and_spread(values)


def _known(value: int | None) -> str:
    return '' if value is None else str(value)


def _cell(text: str) -> str:
    return text.replace('|', r'\|')
