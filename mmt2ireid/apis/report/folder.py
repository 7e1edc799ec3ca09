"""The folder of a report: pictures, config, report.md and metrics.json, all of them or none."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch

from mmt2ireid.apis.report.measure import Measured, ranking_device
from mmt2ireid.compat import TEMP_FILE, write_atomically
from mmt2ireid.engine.report import write_json
from mmt2ireid.evaluation import rank_gallery
from mmt2ireid.version import __version__
from mmt2ireid.visualization import (
    choose_successes,
    draw_cmc,
    draw_result_strips,
    draw_similarity_histogram,
    worst_failures,
)

METRICS, REPORT, CONFIG = 'metrics.json', 'report.md', 'report_config.py'
CMC, HISTOGRAM, SUCCESSES, FAILURES = 'cmc.png', 'similarities.png', 'successes.jpg', 'failures.jpg'
FILES = (METRICS, REPORT, CONFIG, CMC, HISTOGRAM, SUCCESSES, FAILURES)
NAMES = {'t2i': 'text to image', 'i2t': 'image to text'}
ROWS, CROPS = 6, 10
SEED = 0


@dataclass
class Pictures:
    """What was drawn.

    Attributes:
        files: names of the pictures that there are.
        strips: captions of each strip, for metrics.json.
        notes: what was not drawn, and why.
    """

    files: list[str] = field(default_factory=list)
    strips: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def check_folder(path: str | Path) -> Path:
    """Refuses a place where no report can be written or where something else is; writes nothing.

    Args:
        path: the folder to be.

    Returns:
        It in full, so that a later change of the working folder does not move it.

    Raises:
        ValueError: there is a file of this name, a folder that holds other things than a report, or one that cannot be
            replaced.
    """
    folder = Path(path).resolve()
    above = next((parent for parent in folder.parents if parent.exists()), folder)
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f'report must be a folder that can be made, but {above} cannot be written to')
    if not folder.exists():
        return folder
    if not folder.is_dir():
        raise ValueError(f'report must be a folder, but {folder} is a file')
    if folder.is_mount():
        raise ValueError(f'report must be a folder that can be replaced, but {folder} is a mount point: name one in it')
    # A report comes whole: files of its names without its metrics.json are somebody's own.
    names = FILES if _is_report(folder / METRICS) else ()
    strangers = sorted(
        entry.name
        for entry in folder.iterdir()
        if (entry.name not in names or entry.is_dir()) and not TEMP_FILE.match(entry.name)
    )
    if strangers:
        raise ValueError(
            f'report must be a new folder or that of a report, which is replaced whole, but {folder} holds '
            f'{strangers[0]}, which is not of a report'
        )
    return folder


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill. It takes the place of ``path`` when all is done; until then an earlier report stands there.

    Args:
        path: the folder to be, checked by :func:`check_folder`.

    Yields:
        A hidden folder beside it, which is removed when filling it fails.
    """
    check_folder(path)  # again: an evaluation may have taken hours
    # In a container, a killed process may have left a folder under the number that this one has now.
    mark = secrets.token_hex(4)
    hidden = path.with_name(f'.{path.name}.{mark}.{os.getpid()}.tmp')
    earlier = path.with_name(f'.{path.name}.{mark}.earlier.{os.getpid()}.tmp')
    hidden.mkdir(parents=True)
    try:
        yield hidden
        if path.exists():
            os.replace(path, earlier)
        os.replace(hidden, path)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        if earlier.exists() and not path.exists():
            os.replace(earlier, path)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def write_words(folder: Path, text: str, content: Mapping[str, Any], config: str | None = None) -> None:
    """Writes words and numbers.

    Args:
        folder: of the report.
        text: report.md.
        content: metrics.json.
        config: report_config.py.
    """
    if config is not None:
        write_atomically(folder / CONFIG, config.encode())
    write_atomically(folder / REPORT, f'{text.rstrip()}\n'.encode())
    write_json(folder / METRICS, content)


def _is_report(metrics: Path) -> bool:
    try:
        content = json.loads(metrics.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and 'report' in content


def draw_pictures(folder: Path, shown: Measured, curves: Mapping[str, Sequence[np.ndarray]]) -> Pictures:
    """Draws curves, histogram and strips.

    Args:
        folder: of the report.
        shown: the evaluation that histogram and strips are of, with its features.
        curves: CMC curves by direction, one per checkpoint.

    Returns:
        What was drawn. Pictures that cannot be read leave the strips out, with a note.
    """
    done, split = Pictures(), shown.split
    assert split is not None
    draw_cmc({NAMES[name]: np.stack(list(runs)) for name, runs in curves.items()}, folder / CMC)
    histogram = shown.histogram
    draw_similarity_histogram(histogram.edges, histogram.matching, histogram.other, folder / HISTOGRAM)
    done.files += [CMC, HISTOGRAM]
    pids = split.pids[split.txt_image]
    chosen = {
        SUCCESSES: choose_successes(shown.ranks, pids, ROWS, seed=SEED),
        FAILURES: worst_failures(shown.ranks, pids, ROWS),
    }
    for name, captions in chosen.items():
        kind = Path(name).stem
        done.strips[kind] = [
            dict(caption=split.captions[row], row=int(row), first_right_rank=int(shown.ranks[row])) for row in captions
        ]
        if not captions:
            done.notes.append(f'There are no {kind} to draw.')
            continue
        try:
            best = rank_gallery(split.txt_feats[captions], split.img_feats, CROPS, device=ranking_device())
            scores, found = (table.cpu().numpy() for table in best)
            draw_result_strips(split, captions, shown.ranks, (scores, found), folder / name)
            done.files.append(name)
        except OSError as error:
            done.notes.append(f'Strips of {kind} could not be drawn: {error}')
    return done


def provenance() -> dict[str, Any]:
    """When and on what the report was made."""
    cuda = torch.cuda.is_available()
    return dict(
        date=datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        device=torch.cuda.get_device_name(0) if cuda else 'CPU',
        versions=dict(mmt2ireid=__version__, torch=torch.__version__, mmengine=mmengine.__version__),
    )


def curve_facts(measured: Measured) -> dict[str, Any]:
    """Curves and histogram for metrics.json."""
    histogram = measured.histogram
    return dict(
        cmc={name: [round(float(value), 4) for value in curve] for name, curve in measured.cmc.items()},
        similarities=dict(
            bins=len(histogram.matching),
            first_edge=float(histogram.edges[0]),
            last_edge=float(histogram.edges[-1]),
            matching=histogram.matching.tolist(),
            other=histogram.other.tolist(),
        ),
    )
