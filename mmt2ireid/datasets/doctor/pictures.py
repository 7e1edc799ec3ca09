"""Whether the images can be read, and how large they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from tqdm import tqdm

from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.datasets.doctor.releases import Release
from mmt2ireid.datasets.errors import AnnotationError, BadImageError
from mmt2ireid.datasets.transforms import LoadPersonImage
from mmt2ireid.io.counts import counted

_WINDOW = 1024  # images that are handed out at a time


class Look(NamedTuple):
    """What one image is like.

    Attributes:
        name: path, or file and row.
        error: why it cannot be read; '' if it can.
        code: the finding that an error belongs to.
        width, height: in pixels; 0 where it cannot be read.
    """

    name: str
    error: str = ''
    code: str = 'unreadable-images'
    width: int = 0
    height: int = 0


Load = Callable[[int], dict]


def look_at_files(folder: str, paths: Sequence[str], **options: Any) -> Iterator[Look]:
    """Decodes image files as training does; see :func:`look_at_all`."""
    return look_at_all(lambda number: {'img_path': os.path.join(folder, paths[number])}, len(paths), **options)


def look_at_all(load: Load, total: int, *, workers: int = 4, progress: bool = False) -> Iterator[Look]:
    """Decodes all images as training does.

    Args:
        load: number of an image -> what the loading transform is given; 'missing' says why there is none.
        total: how many there are.
        workers: threads; reading and decoding need no Python.
        progress: show a bar.
    """
    with ThreadPoolExecutor(workers) as pool, tqdm(total=total, unit='image', disable=not progress) as bar:
        numbers = iter(range(total))
        while window := list(islice(numbers, _WINDOW)):
            for look in pool.map(lambda number: _look(load, number), window):
                bar.update()
                yield look


def _look(load: Load, number: int) -> Look:
    try:
        info = load(number)
        if info.get('missing'):
            return Look(info['img_path'], info['missing'], 'no-picture')
        name = info['img_path']
        image = LoadPersonImage().transform(info)['img']
    except BadImageError as error:
        return Look(error.path, error.reason)
    except AnnotationError as error:
        return Look(str(error), str(error), 'bad-record')
    return Look(name, width=image.shape[1], height=image.shape[0])


def check_pictures(looks: Iterator[Look], release: Release) -> tuple[list[Finding], int]:
    """What is wrong with images.

    Args:
        looks: from :func:`look_at_all`.
        release: what they belong to.

    Returns:
        The findings, and how many images were looked at.
    """
    bad: dict[str, list[str]] = {}
    odd: list[str] = []
    total = 0
    for look in looks:
        total += 1
        if look.error:
            bad.setdefault(look.code, []).append(f'{look.name}: {look.error}' if look.name != look.error else look.name)
        elif not (_within(look.width, release.width) and _within(look.height, release.height)):
            odd.append(f'{look.name}: {look.width} x {look.height}')
    advice = {
        'unreadable-images': "Unpack or copy them again; on_bad_image='skip' trains without them, tests do not",
        'no-picture': 'Generate or download the file again; the column image_id may name image files',
        'bad-record': 'Download the file again',
    }
    what = {
        'unreadable-images': 'images cannot be decoded',
        'no-picture': 'rows have neither a picture nor the name of one',
        'bad-record': 'rows have a caption that is empty',
    }
    findings = [
        Finding(code, f'{len(names)} of {total} {what[code]}', advice[code], len(names), listed(names))
        for code, names in bad.items()
    ]
    if odd:
        message = (
            f'{counted(len(odd), "image is", "images are")} not {_span(release.width)} pixels wide and '
            f'{_span(release.height)} high, as all of {release.name} are'
        )
        findings.append(Finding('image-size', message, 'Were they resized? Use the originals', len(odd), listed(odd)))
    return findings, total


def _within(value: int, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= value <= span[1]


def _span(span: tuple[int, int] | None) -> str:
    return 'any number of' if span is None else f'{span[0]} to {span[1]}'
