"""Whether the images are there, and under which name."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mmt2ireid.datasets.doctor.annotation import FIX_IT, Annotation
from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.io.counts import counted
from mmt2ireid.io.paths import leads_out

_NUM_TRIED = 20  # images looked for in the root where the image folder is missing


class Place(NamedTuple):
    """Where an image is.

    Attributes:
        path: below the image folder; '' where it is not there.
        code: '' where it is as annotated, else the name of the finding.
        detail: for 'missing-folders' the folder, for 'other-extension' the file that is there.
    """

    path: str
    code: str = ''
    detail: str = ''


class PictureFolder:
    """An image folder, each of its folders listed once: a look at every file costs minutes on a network disk.

    Args:
        root: its path.
        prefixes: what paths may begin with by mistake, in front of what is below the folder.
    """

    def __init__(self, root: str, prefixes: tuple[str, ...] = ()) -> None:
        self.root = root
        self._prefixes = {prefix.lower() for prefix in prefixes if prefix}
        self._listings: dict[str, dict[str, list[str]]] = {}

    def find(self, path: str) -> Place:
        """Looks for an image."""
        outside = leads_out(path)
        if not outside and self._has(path):
            return Place(path)
        shorter = [path, *self._without_prefix(path)]
        for name in shorter[1:]:
            if self._has(name):
                return Place(name, 'path-prefix')
        if outside:
            return Place('', 'outside-paths')
        for name in shorter:
            other = self._in_other_case(name)
            if other:
                return Place(other, 'path-case')
        top, separator, _ = path.lstrip('/').partition('/')
        if separator and not os.path.isdir(os.path.join(self.root, top)):
            return Place('', 'missing-folders', top)
        twin = self._with_other_extension(path)
        return Place('', 'other-extension', twin) if twin else Place('', 'missing-images')

    def _has(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return name in self._list(folder).get(name.lower(), ())

    def _list(self, folder: str) -> dict[str, list[str]]:
        """Names in a folder, by their small letters."""
        if folder not in self._listings:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                for name in os.listdir(os.path.join(self.root, folder) or '.'):
                    names[name.lower()].append(name)
            except (OSError, ValueError):  # no such folder; a null byte in its name
                pass
            self._listings[folder] = dict(names)
        return self._listings[folder]

    def _without_prefix(self, path: str) -> Iterator[str]:
        parts = path.split('/')
        for number in range(len(parts) - 1, 0, -1):
            if parts[number - 1].lower() in self._prefixes:
                yield '/'.join(parts[number:])

    def _in_other_case(self, path: str) -> str:
        """The file that differs in small and capital letters only; '' if there is none, or more than one."""
        folder = ''
        for part in path.split('/'):
            found = self._list(folder).get(part.lower(), [])
            if part not in found and len(found) != 1:
                return ''
            folder = os.path.join(folder, part if part in found else found[0])
        return folder if os.path.isfile(os.path.join(self.root, folder)) else ''

    def _with_other_extension(self, path: str) -> str:
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0].lower()
        names = self._list(folder)
        return next(
            (names[f'{stem}{end}'][0] for end in ('.jpg', '.png', '.bmp', '.jpeg') if f'{stem}{end}' in names), ''
        )


def check_files(annotation: Annotation, folder: str, root: str) -> tuple[list[Finding], list[str]]:
    """Looks for all images.

    Args:
        annotation: where only the path is wrong, its content is corrected.
        folder: the image folder.
        root: the folder of the data set.

    Returns:
        The findings, and the images that are there, relative to ``folder``.
    """
    paths = list(dict.fromkeys(record.path for record in annotation.records))
    if not os.path.isdir(folder or '.'):
        return [_no_folder(annotation, folder, root, paths)], []
    name = annotation.release.name
    prefixes = ('imgs', annotation.release.loader.IMAGE_FOLDER, name, os.path.basename(os.path.abspath(root)))
    pictures = PictureFolder(folder, prefixes)
    places = {path: pictures.find(path) for path in paths}
    _correct_paths(annotation, places)
    found: dict[str, list[str]] = defaultdict(list)
    for path, place in places.items():
        found[place.code].append(path)
    findings = [_describe(code, annotation, found[code], places) for code in sorted(found) if code]
    there = [place.path for place in places.values() if place.path]
    if findings and not there:
        deeper = _folder_further_down(folder, paths)
        if deeper:
            findings[0] = replace(findings[0], advice=_use(deeper, root))
    return findings, there


def _folder_further_down(folder: str, paths: list[str]) -> str:
    """The folder below the image folder that holds the images: an archive made a folder of its own."""
    below = sorted(entry.path for entry in os.scandir(folder or '.') if entry.is_dir())
    return next((name for name in below if any(os.path.isfile(os.path.join(name, p)) for p in paths[:_NUM_TRIED])), '')


def _use(folder: str, root: str) -> str:
    name = os.path.relpath(folder, root or '.')
    return (
        f'The images are in {folder}: move them one folder up, or use --images {name} here and '
        f'data_prefix=dict(img_path={name!r}) in the config'
    )


def _no_folder(annotation: Annotation, folder: str, root: str, paths: list[str]) -> Finding:
    advice = f'Put the images of {annotation.release.name} there, or say where they are with --images'
    if any(os.path.isfile(os.path.join(root, path)) for path in paths[:_NUM_TRIED]):
        advice = (
            f"The images are in {root} itself: use --images '' here and data_prefix=dict(img_path='') in the config"
        )
    return Finding('no-image-folder', f'no image folder {folder}', advice, len(paths))


def _correct_paths(annotation: Annotation, places: dict[str, Place]) -> None:
    key = annotation.release.loader.FORMAT.path_key
    if not annotation.content:
        return  # read by the loader
    for number, record in zip(annotation.numbers, annotation.records, strict=True):
        place = places[record.path]
        if place.path and place.code:
            annotation.content[number] = {**annotation.content[number], key: place.path}


def _describe(code: str, annotation: Annotation, paths: list[str], places: dict[str, Place]) -> Finding:
    name, number = annotation.release.name, len(paths)
    images = counted(number, 'image is', 'images are')
    if code == 'missing-folders':
        return _missing_folders(annotation, Counter(places[path].detail for path in paths))
    if code in ('path-prefix', 'path-case'):
        one, many = ('begins', 'begin') if code == 'path-prefix' else ('differs', 'differ')
        what = 'with the image folder' if code == 'path-prefix' else 'from the files in small and capitals'
        examples = listed(f'{path} is {places[path].path}' for path in paths)
        message = f'{counted(number, f"path {one}", f"paths {many}")} {what}'
        return Finding(code, message, FIX_IT, number, examples, fixable=True)
    if code == 'other-extension':
        advice = 'These are converted copies: the release has jpg, png and bmp. Unpack the release again'
        examples = listed(f'{path} is there as {places[path].detail}' for path in paths)
        return Finding(code, f'{images} there under another extension', advice, number, examples)
    if code == 'outside-paths':
        advice = (
            'Make them relative to the image folder. If images outside of it are meant, and the file is one that you '
            'trust, the loader reads them with allow_outside=True'
        )
        message = f'{counted(number, "path is", "paths are")} absolute or out of the image folder'
        return Finding(code, message, advice, number, listed(paths))
    advice = f'Was {name} unpacked to the end? Unpack it again, or copy these images'
    return Finding(code, f'{images} not there, though the folder is', advice, number, listed(paths))


def _missing_folders(annotation: Annotation, folders: Counter[str]) -> Finding:
    official = annotation.release.folders
    told = ', '.join(f'{top} ({counted(number, "image")})' for top, number in sorted(folders.items())[:20])
    missing = counted(len(folders), 'image folder is', 'image folders are')
    if official:
        missing = f'{len(folders)} of the {len(official)} image folders {"is" if len(folders) == 1 else "are"}'
    foreign = [top for top in folders if official and top not in official]
    advice = f'Get them with {annotation.release.name}, and put or link them into the image folder'
    if foreign:
        advice += f'; {annotation.release.name} has no {", ".join(foreign[:5])}: is the annotation that of the release?'
    message = f'{missing} not there: {told}'
    return Finding('missing-folders', message, advice, sum(folders.values()), tuple(sorted(folders)))
