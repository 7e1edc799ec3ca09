"""The shards put together: one JSON file, the report of unreadable images and the counts."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles, written_whole
from mmt2ireid.pseudo_text.generation.store import PseudoTextStore

CAPTIONS, UNREADABLE, SUMMARY = 'captions.json', 'unreadable.jsonl', 'summary.json'
_RECORDS = ('files', 'shards')  # what the summary has beside the counts
_PIECE = 2**14  # bytes that are hashed at a time
_SLICE = 1024  # rows that are Python objects at one time

logger = logging.getLogger(__name__)


@dataclass
class Counts:
    """What a finished run made.

    Attributes:
        images: images of the source.
        captioned: images that have captions.
        captions: captions altogether.
        unreadable: images without captions, because they could not be read.
        kept: per attribute, images it was said of; all that have captions where it is required.
        left_out: files that look like images of the source but cannot be: links that are not followed, names that are
            not UTF-8, formats that are not read.
    """

    images: int = 0
    captioned: int = 0
    captions: int = 0
    unreadable: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    left_out: int = 0


def write_final_files(
    folder: Path, store: PseudoTextStore, attributes: Sequence[str], left_out: Sequence[tuple[str, str]] = ()
) -> Counts:
    """Reads all shards, once and piece by piece, and writes what is made of them.

    ``captions.json`` is the list of ``{file_path, captions}`` that :class:`~mmt2ireid.datasets.LUPersonT` reads, an
    image a line; ``unreadable.jsonl`` has ``{image_id, reason}``; ``summary.json`` the counts, size and SHA-256 of the
    other two, and the sizes of the shards. It is written last: where it is, the run is complete.

    Args:
        folder: where to write.
        store: all shards, complete.
        attributes: names of the attributes.
        left_out: names and reasons of files that are none of the source's images; they are reported at the end of
            ``unreadable.jsonl``.

    Raises:
        ValueError: a shard is damaged; the message names it.
    """
    counts, kept = Counts(), Counter(dict.fromkeys(attributes, 0))
    with written_whole(folder / CAPTIONS) as captions, written_whole(folder / UNREADABLE) as report:
        separator = b'[\n'
        for shard in range(len(store.files)):
            for batch, unreadable in store.read(shard, ['caption', 'image_id', *attributes]):
                for image in unreadable:
                    report.write(_line({'image_id': image.image_id, 'reason': image.reason}) + b'\n')
                counts.unreadable += len(unreadable)
                for name in attributes if batch.num_rows else ():
                    kept[name] += batch.num_rows - batch.column(name).null_count
                for record in _records(batch):
                    captions.write(separator + _line(record))
                    separator = b',\n'
                    counts.captions += len(record['captions'])
                counts.captioned += batch.num_rows
        for name, reason in left_out:
            report.write(_line({'image_id': name, 'reason': reason}) + b'\n')
        captions.write(b'\n]\n' if counts.captioned else b'[]\n')
    counts.images, counts.kept, counts.left_out = counts.captioned + counts.unreadable, dict(kept), len(left_out)
    summary = {
        **asdict(counts),
        'files': {name: _described(folder / name) for name in (CAPTIONS, UNREADABLE)},
        'shards': [store.files.path(shard).stat().st_size for shard in range(len(store.files))],
    }
    write_atomically(folder / SUMMARY, (json.dumps(summary, indent=1) + '\n').encode())
    return counts


def read_counts(folder: Path) -> Counts | None:
    """The counts of a finished run; None where it is not finished, or its summary is damaged."""
    summary = _read_summary(folder)
    return None if summary is None else Counts(**{key: summary[key] for key in summary if key not in _RECORDS})


def refuse_damaged_shards(folder: Path, files: ShardFiles) -> None:
    """Compares the shards of a finished run with the sizes in its summary.

    Args:
        folder: of the run.
        files: its shards.

    Raises:
        ValueError: one has another size than when it was written.
    """
    sizes = (_read_summary(folder) or {}).get('shards') or []
    for shard, size in enumerate(sizes[: len(files)]):
        path = files.path(shard)
        if path.is_file() and path.stat().st_size != size:
            raise ValueError(
                f'{path}: damaged since it was made (it has {path.stat().st_size} bytes, but was written with {size}); '
                'remove it and start again'
            )


def are_final_files_whole(folder: Path) -> bool:
    """Whether the final files of a run are there as they were written.

    A file that was changed is renamed to ``NAME.old``, so that it is not lost when it is written again.

    Args:
        folder: of the run.
    """
    summary = _read_summary(folder)
    if summary is None or 'files' not in summary:
        return False
    changed = [name for name, written in summary['files'].items() if _described(folder / name) != written]
    for name in changed:
        path = folder / name
        if path.is_file():
            os.replace(path, path.with_name(f'{name}.old'))
            logger.warning('%s: changed since it was made; renamed to %s.old and written again', path, name)
        else:
            logger.warning('%s: removed since it was made; written again', path)
    return not changed


def _described(path: Path) -> dict[str, Any] | None:
    """Size and SHA-256 of a file; None where there is none."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, 'rb') as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
    except FileNotFoundError:
        return None
    return {'bytes': size, 'sha256': digest.hexdigest()}


def _read_summary(folder: Path) -> dict[str, Any] | None:
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding='utf-8'))
        Counts(**{key: summary[key] for key in summary if key not in _RECORDS})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        logger.warning('%s: damaged since it was made (%s); written again', folder / SUMMARY, error)
        return None
    return summary


def remove_final_files(folder: Path) -> None:
    """Takes back that a run is complete; the sign of it goes first."""
    for name in (SUMMARY, CAPTIONS, UNREADABLE):
        (folder / name).unlink(missing_ok=True)


def _records(batch: Any) -> Any:
    for start in range(0, batch.num_rows, _SLICE):
        part = batch.slice(start, _SLICE)
        paths, captions = part.column('image_id').to_pylist(), part.column('caption').to_pylist()
        for path, texts in zip(paths, captions, strict=True):
            yield {'file_path': path, 'captions': texts}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
