"""LUPerson-T's Arrow files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mmt2ireid.datasets.arrow_store import ArrowStore
from mmt2ireid.datasets.doctor.findings import Finding
from mmt2ireid.datasets.doctor.pictures import check_pictures, look_at_all
from mmt2ireid.datasets.doctor.releases import Counts, Release
from mmt2ireid.datasets.doctor.split_checks import check_rough_count
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.io.paths import leads_out, plain_path


def check_arrow(
    release: Release, files: Sequence[str], folder: str, options: dict | None
) -> tuple[list[Finding], int, dict[str, Counts]]:
    """Checks Arrow files, every one to its end.

    Args:
        release: what they belong to.
        files: their paths.
        folder: where images are that are not embedded.
        options: workers and progress; None opens no image.

    Returns:
        The findings, how many images were opened, and the counts under the names of the files.
    """
    findings, counts, sound = _check_missing(release, files), {}, []
    for file in files:
        try:
            store = ArrowStore([file])
            store.validate()
            captions = store.caption_counts()
        except AnnotationError as error:
            findings.append(
                Finding('broken-annotation', str(error), 'It was cut short, or is broken: download it again')
            )
            continue
        sound.append(file)
        counts[os.path.basename(file)] = Counts(0, len(captions), int(captions.sum()))
    total = sum(size.images for size in counts.values())
    findings += check_rough_count(release, total)
    if options is None or not total:
        return findings, 0, counts
    store = ArrowStore(sound)
    store.caption_counts()  # opens the files before threads read them
    found, opened = check_pictures(look_at_all(lambda row: _load(store, folder, row), total, **options), release)
    return findings + found, opened, counts


def _check_missing(release: Release, files: Sequence[str]) -> list[Finding]:
    here = {os.path.basename(file) for file in files}
    missing = [part for part in release.arrow_parts if part not in here]
    if not missing or not here & set(release.arrow_parts):
        return []  # files of somebody's own have other names
    advice = 'Training on what is there works; the paper trains on all four'
    return [Finding('missing-parts', f'not there: {", ".join(missing)}', advice, len(missing), tuple(missing))]


def _load(store: ArrowStore, folder: str, row: int) -> dict[str, Any]:
    name, image, _, file = store.read(row)
    if image:
        return {'img_path': name, 'img_bytes': image}
    if file and leads_out(plain_path(file)):
        return {'img_path': name, 'missing': f"'image_id' leads out of the image folder: {file}"}
    if file:
        return {'img_path': os.path.join(folder, file)}
    return {'img_path': name, 'missing': "column 'image' is null and 'image_id' names no file"}
