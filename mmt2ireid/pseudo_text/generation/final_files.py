"""The shards put together: one JSON file, the report of unreadable images and the counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.pseudo_text.generation.shard_files import written_whole
from mmt2ireid.pseudo_text.generation.store import PseudoTextStore

CAPTIONS, UNREADABLE, SUMMARY = 'captions.json', 'unreadable.jsonl', 'summary.json'
_SLICE = 1024  # rows that are Python objects at one time


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
    image a line; ``unreadable.jsonl`` has ``{image_id, reason}``; ``summary.json`` the counts. The latter is written
    last: where it is, the run is complete.

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
    write_atomically(folder / SUMMARY, (json.dumps(asdict(counts), indent=1) + '\n').encode())
    return counts


def read_counts(folder: Path) -> Counts | None:
    """The counts of a finished run; None where it is not finished."""
    try:
        return Counts(**json.loads((folder / SUMMARY).read_text(encoding='utf-8')))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        path = folder / SUMMARY
        raise ValueError(f'{path}: damaged since it was made ({error}); remove it and start again') from error


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
