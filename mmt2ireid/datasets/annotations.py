"""Annotation files: a JSON list of records, read and checked."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mmengine.logging import print_log

from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.io.json_files import read_json
from mmt2ireid.io.paths import is_text, leads_out, plain_path

SPLITS = ('train', 'val', 'test')
GALLERY_SPLITS = ('val', 'test')
"""Splits in which there may be images without captions, where that is allowed."""
_MAX_FOLDERS = 256  # looked at when a dataset is loaded
_MAX_PID = 2**63 - 1
_NUM_TRIED = 20  # images looked for where there are no folders
# How the releases call the path, to say whose file it looks like when the key is another one than expected.
_PATH_KEYS = {'file_path': 'CUHK-PEDES or ICFG-PEDES', 'img_path': 'RSTPReid', 'image': 'MALS'}


class Record(NamedTuple):
    """One image of an annotation file.

    Attributes:
        path: of the image, relative to the image folder, in one spelling (``cam/a.png``, not ``cam/./a.png``).
        captions: none empty; at least one, but for junk, and gallery images without captions where these are
            allowed.
        pid: identity as annotated; -1 where the format has none, or a junk identity such as Market-1501's -1.
        split: 'train', 'val' or 'test'; '' where the format has none.
    """

    path: str
    captions: list[str]
    pid: int = -1
    split: str = ''


@dataclass(frozen=True)
class RecordFormat:
    """How a release writes its records.

    Attributes:
        dataset: its name, for messages.
        path_key: field of the image path.
        labelled: whether there are ``id`` and ``split``.
        hints: advice per missing field.
        captions_key: field of the captions.
        has_split: False where labelled records have ``id`` only.
        bare_captions: whether the release itself gives one caption as a text, not in a list.
    """

    dataset: str
    path_key: str = 'file_path'
    labelled: bool = True
    hints: Mapping[str, str] = field(default_factory=dict)
    captions_key: str = 'captions'
    has_split: bool = True
    bare_captions: bool = False


def load_json_list(file: str, expected: str) -> list:
    """Reads a JSON file that holds a list.

    Args:
        file: its path; it must exist.
        expected: what the file should be, for messages.

    Raises:
        AnnotationError: the file is not UTF-8, no JSON, no list, or an empty one, or an object in it has a key
            twice.
    """
    return _load_json(file, expected, list)


def load_json_dict(file: str, expected: str) -> dict:
    """Reads a JSON file that holds an object; as :func:`load_json_list`."""
    return _load_json(file, expected, dict)


def _load_json(file: str, expected: str, kind: type) -> Any:
    try:
        content = read_json(file, expected)
    except ValueError as error:
        raise AnnotationError(str(error)) from error
    if not isinstance(content, kind) or not content:
        found = f'an empty {kind.__name__}' if content == kind() else f'a JSON {type(content).__name__}'
        raise AnnotationError(f'{file}: expected {expected}, but it holds {found}')
    return content


def read_records(
    file: str, form: RecordFormat, *, uncaptioned: Collection[str] = (), junk_ids: Collection[int] = ()
) -> list[Record]:
    """Reads and checks an annotation file.

    Captions that stand alone, not in a list, are accepted; their number is logged.

    Args:
        file: its path; it must exist.
        form: how the records are written.
        uncaptioned: splits in which images may have no captions. Default: none.
        junk_ids: identities that may be negative, and whose images need no captions. Default: none.

    Returns:
        The records in the order of the file.

    Raises:
        AnnotationError: with file, record number (0-based), field and what was expected.
    """
    content = load_json_list(file, f'the annotations of {form.dataset}, a list of records')
    records = [
        parse_record(raw, form, f'{file}, record {number}', uncaptioned=uncaptioned, junk_ids=junk_ids)
        for number, raw in enumerate(content)
    ]
    num_bare = sum(isinstance(raw.get(form.captions_key), str) for raw in content)
    if num_bare and not form.bare_captions:
        print_log(
            f'{file}: {num_bare} records give their caption as a string, not a list; read as one caption each',
            logger='current',
        )
    return records


def parse_record(
    raw: Any,
    form: RecordFormat,
    where: str,
    *,
    uncaptioned: Collection[str] = (),
    junk_ids: Collection[int] = (),
) -> Record:
    """Checks one record.

    Args:
        raw: what the JSON file holds.
        form: how it should be written.
        where: file and number of the record, for messages.
        uncaptioned: as in :func:`read_records`.
        junk_ids: as in :func:`read_records`.

    Raises:
        AnnotationError: with record, field and what was expected.
    """
    if not isinstance(raw, dict):
        raise AnnotationError(f'{where}: expected an object of {form.dataset}, but got {type(raw).__name__}')
    path = _get(raw, form.path_key, form, where)
    if not isinstance(path, str) or not path or '\0' in path or not is_text(path):
        raise AnnotationError(f'{where}, field {form.path_key!r}: expected the path of an image, but got {path!r}')
    path = plain_path(path)
    is_junk = form.labelled and type(raw.get('id')) is int and raw['id'] in junk_ids
    is_left_out = is_junk and raw.get(form.captions_key) in (None, [])
    captions = [] if is_left_out else _captions_of(raw, form, where, path, uncaptioned)
    if not form.labelled:
        return Record(path, captions)
    pid = _get(raw, 'id', form, where)
    if not isinstance(pid, int) or isinstance(pid, bool) or not (0 <= pid <= _MAX_PID or pid in junk_ids):
        raise AnnotationError(
            f"{where} ({path}), field 'id': expected an integer of at least 0 (and 63 bits), but got {pid!r}"
        )
    if not form.has_split:
        return Record(path, captions, pid)
    split = _get(raw, 'split', form, where)
    if split not in SPLITS:
        raise AnnotationError(f"{where} ({path}), field 'split': expected one of {SPLITS}, but got {split!r}")
    return Record(path, captions, pid, split)


def _captions_of(raw: dict, form: RecordFormat, where: str, path: str, uncaptioned: Collection[str]) -> list[str]:
    key, split = form.captions_key, raw.get('split') if form.labelled and form.has_split else None
    place = f'{where} ({path}), field {key!r}'
    if split in GALLERY_SPLITS and raw.get(key) in (None, []):
        if split in uncaptioned:
            return []
        raise AnnotationError(
            f'{place}: expected a list of captions, but got none. If it is an image of the gallery that is to be found '
            'by no caption of its own, such as a distractor, set allow_uncaptioned=True'
        )
    return parse_captions(_get(raw, key, form, where), place)


def _get(raw: dict, key: str, form: RecordFormat, where: str) -> Any:
    if key in raw:
        return raw[key]
    hint = form.hints.get(key, '')
    if key == form.path_key:
        others = [f'it has {other!r}, as in {name}' for other, name in _PATH_KEYS.items() if other in raw]
        hint = hint or '; '.join(others)
    message = f'{where}: expected the field {key!r} of {form.dataset}, but got only {sorted(raw)}'
    raise AnnotationError(f'{message}. {hint}' if hint else message)


def parse_captions(captions: Any, where: str) -> list[str]:
    """Checks the captions of an image.

    Args:
        captions: a list of texts, or one text.
        where: file, record and field, for messages.

    Raises:
        AnnotationError: there is none, or one is no text or empty.
    """
    if isinstance(captions, str):
        captions = [captions]
    if not isinstance(captions, list) or not captions:
        raise AnnotationError(f'{where}: expected a list of captions, but got {captions!r}')
    for number, caption in enumerate(captions):
        if not isinstance(caption, str) or not caption.strip():
            raise AnnotationError(f'{where}: expected text as caption {number}, but got {caption!r}')
        # JSON can name half a character (an unpaired surrogate), which no tokenizer takes.
        if not caption.isascii() and any('\ud800' <= letter <= '\udfff' for letter in caption):
            raise AnnotationError(f'{where}: expected Unicode text as caption {number}, but got {caption!r}')
    return captions


def check_within(file: str, paths: Iterable[str], folder: str) -> None:
    """Refuse images outside of the image folder: a foreign annotation could have any file of the machine read.

    Args:
        file: the annotation, for messages.
        paths: of its images, plain ones.
        folder: the image folder.

    Raises:
        AnnotationError: a path is absolute or leads out of the folder by ``..``.
    """
    outside = [path for path in paths if leads_out(path)]
    if outside:
        raise AnnotationError(
            f'{file}: expected images within {folder or "the working folder"}, but {len(outside)} records name one '
            f'outside of it, such as {outside[0]}. If that is meant, set allow_outside=True'
        )


def check_folders(folder: str, paths: list[str], dataset: str) -> None:
    """Checks that the image folders are there, without touching every image.

    Args:
        folder: the image folder.
        paths: images, relative to the folder.
        dataset: its name, for messages.

    Raises:
        FileNotFoundError: the folder is missing, or folders in it that images are in, or (where there are none) the
            first images.
    """
    advice = f'Put the images of {dataset} there, or set data_root and data_prefix to where they are'
    if not os.path.isdir(folder or '.'):
        raise FileNotFoundError(f'no image folder {folder}: expected the images of {dataset}. {advice}')
    counts: dict[str, int] = {}
    for path in paths:
        top, separator, _ = path.partition('/')
        if separator:
            counts[top] = counts.get(top, 0) + 1
    if not counts and not any(os.path.isfile(os.path.join(folder, path)) for path in paths[:_NUM_TRIED]):
        raise FileNotFoundError(f'none of the first images of {dataset}, such as {paths[0]}, is in {folder}. {advice}')
    missing = {}
    for top in itertools.islice(counts, _MAX_FOLDERS):
        if not os.path.isdir(os.path.join(folder, top)):
            missing[top] = counts[top]
    if missing:
        listed = ', '.join(f'{top} ({number} images)' for top, number in list(missing.items())[:10])
        raise FileNotFoundError(
            f'{folder} lacks {len(missing)} of the {len(counts)} folders that {dataset} needs: {listed}. {advice}'
        )
