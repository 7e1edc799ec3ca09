"""The toy world on disk, in the layouts of CUHK-PEDES and LUPerson-T."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mmt2ireid.compat import worker_pool
from mmt2ireid.datasets.toy.camera import CAMERAS
from mmt2ireid.datasets.toy.vocabulary import VOCAB_SIZE, tokenizer_files, words_of
from mmt2ireid.datasets.toy.world import DOMAINS, Job, Record, ToyOptions, draw_job, jobs_of

GENERATOR = 'ToyPEDES'
VERSION = 1
META = 'meta.json'
MARKER = 'unfinished_toy_pedes'
CHILDREN = ('imgs', 'pool', 'second', 'tokenizer', 'reid_raw.json', 'attributes.json')
FOLDERS = {'main': '', 'pool': 'pool', 'second': 'second'}
CHUNK = 64

logger = logging.getLogger(__name__)


def make_toy_pedes(
    out: str | os.PathLike[str],
    options: ToyOptions | None = None,
    *,
    workers: int = 2,
    fresh: bool = False,
    progress: bool = True,
) -> Path:
    """Draw the toy world and write it to a folder.

    The same options give the same bytes with the same version of Pillow; texts, file names and attributes do not
    depend on it.

    Args:
        out: folder to make. One that this function finished with the same options is left as it is; one that it
            began and did not finish is begun anew.
        options: sizes and seed; the defaults when None.
        workers: processes that draw; 0 or 1 draws in this one. Their number does not change a byte.
        fresh: draw again even when ``out`` is finished or was made with other options.
        progress: show a progress bar.

    Returns:
        The folder.

    Raises:
        ValueError: ``workers`` is negative, or ``out`` was made with other options or is damaged and ``fresh`` is off.
        FileExistsError: ``out`` holds something that this function did not make.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
        raise ValueError(f'workers must be an integer of at least 0, but got {workers!r}')
    options, out = options or ToyOptions(), Path(out)
    meta = _meta(options)
    if _is_finished(out, meta, fresh):
        logger.info('%s: complete already, with the same options; nothing to do (--fresh draws it again)', out)
        return out
    _clear(out)
    jobs = list(jobs_of(options))
    for folder in sorted({_picture(out, job).parent for job in jobs}):
        folder.mkdir(parents=True, exist_ok=True)
    records = _draw_all(out, jobs, options, workers, progress)
    _write_annotations(out, jobs, records)
    _write_json(out / META, meta)
    (out / MARKER).unlink()
    logger.info('%s: %d pictures', out, len(jobs))
    return out


def _meta(options: ToyOptions) -> dict[str, Any]:
    counts = {
        domain: {'identities': options.splits(domain), 'images': options.num_images(domain)} for domain in DOMAINS
    }
    return {
        'generator': GENERATOR, 'version': VERSION, 'options': options.as_json(), 'counts': counts,
        'cameras': {domain: [camera.name for camera in CAMERAS[domain]] for domain in DOMAINS},
        'vocab_size': VOCAB_SIZE,
    }  # fmt: skip


def _is_finished(out: Path, meta: dict[str, Any], fresh: bool) -> bool:
    """Whether ``out`` stands as wanted; raises when it must not be touched."""
    if not out.exists():
        return False
    if not out.is_dir():
        raise FileExistsError(f'{out}: must be a folder, but is a file')
    found = _read_meta(out / META)
    if found is None:
        if (out / MARKER).exists() or not any(out.iterdir()):
            return False
        raise FileExistsError(f'{out}: is not empty and was not made by this tool (no {META} of {GENERATOR}); '
                              'choose another folder')  # fmt: skip
    if fresh:
        return False
    if found != meta:
        raise ValueError(f'{out}: made with other options ({_difference(found, meta)}); choose another folder, or '
                         'draw it again with --fresh')  # fmt: skip
    missing = _missing(out, meta)
    if missing:
        raise ValueError(f'{out}: damaged since it was made ({missing}); draw it again with --fresh')
    return True


def _read_meta(path: Path) -> dict[str, Any] | None:
    """The description of a finished world; None when there is none of ours."""
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, IsADirectoryError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.get('generator') == GENERATOR else None


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    if found.get('version') != wanted['version']:
        return f'version {found.get("version")} of the tool, now {wanted["version"]}'
    before, now = found.get('options') or {}, wanted['options']
    changed = [f'{name} {before.get(name)} there, {value} asked for' for name, value in now.items()
               if before.get(name) != value]  # fmt: skip
    return ', '.join(changed) or f'{META} was changed'


def _missing(out: Path, meta: dict[str, Any]) -> str | None:
    """What is missing from a finished world: an annotation file or pictures."""
    names = ['reid_raw.json', 'attributes.json', 'pool/captions.json', 'second/reid_raw.json', 'tokenizer/vocab.txt']
    for name in names:
        if not (out / name).is_file():
            return f'{name} is missing'
    for domain, counts in meta['counts'].items():
        folder = out / FOLDERS[domain] / 'imgs'
        found = sum(1 for camera in meta['cameras'][domain] for _ in (folder / camera).glob('*.png'))
        if found != counts['images']:
            return f'{found} of {counts["images"]} pictures in {folder}'
    return None


def _clear(out: Path) -> None:
    """Begin anew: mark the folder as ours and unfinished, then remove what an earlier run of ours left."""
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).touch()
    for name in (META, *CHILDREN):
        child = out / name
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink(missing_ok=True)
        for half_written in out.glob(f'.{name}.*'):
            half_written.unlink()


def _picture(out: Path, job: Job) -> Path:
    return out / FOLDERS[job.domain] / 'imgs' / job.file_path


def _draw_chunk(out: Path, jobs: list[Job], options: ToyOptions) -> list[Record]:
    records = []
    for job in jobs:
        image, record = draw_job(job, options)
        buffer = io.BytesIO()
        image.save(buffer, 'PNG', compress_level=4)
        _write(_picture(out, job), buffer.getvalue())
        records.append(record)
    return records


def _draw_all(out: Path, jobs: list[Job], options: ToyOptions, workers: int, progress: bool) -> list[Record]:
    """Draw all pictures, in any order; records in the order of the jobs."""
    chunks = [jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK)]
    results: dict[int, list[Record]] = {}
    with (
        _chunk_results(out, chunks, options, workers) as done,
        tqdm(total=len(jobs), desc=GENERATOR, unit=' pictures', disable=not progress) as bar,
    ):
        for index, records in done:
            results[index] = records
            bar.update(len(records))
    return [record for index in range(len(chunks)) for record in results[index]]


@contextmanager
def _chunk_results(
    out: Path, chunks: list[list[Job]], options: ToyOptions, workers: int
) -> Iterator[Iterable[tuple[int, list[Record]]]]:
    if workers <= 1 or len(chunks) == 1:
        yield ((index, _draw_chunk(out, chunk, options)) for index, chunk in enumerate(chunks))
        return
    pool = worker_pool(min(workers, len(chunks)))
    try:
        futures = {pool.submit(_draw_chunk, out, chunk, options): index for index, chunk in enumerate(chunks)}
        yield ((futures[future], future.result()) for future in as_completed(futures))
    finally:
        pool.shutdown(cancel_futures=True)


def _write_annotations(out: Path, jobs: list[Job], records: list[Record]) -> None:
    attributes: dict[str, dict[str, Any]] = {domain: {} for domain in DOMAINS}
    listings: dict[str, list[dict[str, Any]]] = {domain: [] for domain in DOMAINS}
    seen: list[str] = []
    for job, record in zip(jobs, records, strict=True):
        attributes[job.domain][job.file_path] = record.attributes
        if job.domain == 'pool':
            item: dict[str, Any] = {'file_path': job.file_path, 'captions': record.captions}
        else:
            item = {
                'split': job.split, 'captions': record.captions, 'file_path': job.file_path,
                'processed_tokens': [words_of(caption) for caption in record.captions], 'id': job.number + 1,
            }  # fmt: skip
        listings[job.domain].append(item)
        # Words of other sets must come as a surprise, as they do in life.
        if job.domain == 'pool' or (job.domain == 'main' and job.split == 'train'):
            seen += record.captions
    for domain, name in (('main', 'reid_raw.json'), ('pool', 'captions.json'), ('second', 'reid_raw.json')):
        _write_json(out / FOLDERS[domain] / name, listings[domain])
    _write_json(out / 'attributes.json', attributes)
    for name, text in tokenizer_files(seen).items():
        _write(out / 'tokenizer' / name, text.encode())


def _write_json(path: Path, content: object) -> None:
    _write(path, (json.dumps(content, indent=1) + '\n').encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    temporary.write_bytes(content)
    os.replace(temporary, path)
