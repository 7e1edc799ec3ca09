"""The doctor: a download against what its authors hand out."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.logging import MMLogger

from mmt2ireid.datasets.annotations import SPLITS
from mmt2ireid.datasets.doctor.annotation import Annotation, check_records, read_annotation
from mmt2ireid.datasets.doctor.arrow import check_arrow
from mmt2ireid.datasets.doctor.caption_checks import check_captions
from mmt2ireid.datasets.doctor.files import check_files
from mmt2ireid.datasets.doctor.findings import ERROR, Finding
from mmt2ireid.datasets.doctor.locate import find_annotation
from mmt2ireid.datasets.doctor.noise_files import check_noise_files
from mmt2ireid.datasets.doctor.own_data import advise_owner, check_own_splits
from mmt2ireid.datasets.doctor.pictures import check_pictures, look_at_files
from mmt2ireid.datasets.doctor.releases import RELEASES, Release, find_release
from mmt2ireid.datasets.doctor.report import Report
from mmt2ireid.datasets.doctor.split_checks import check_splits
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.datasets.person_text import PersonTextDataset
from mmt2ireid.io.json_files import DuplicateKeyError, JSONFileError
from mmt2ireid.io.text_files import TextFileError


def check_dataset(
    name: str,
    root: str,
    *,
    ann_file: str = '',
    images: str | None = None,
    open_images: bool = True,
    workers: int = 4,
    progress: bool = False,
) -> Report:
    """Compares a download with the official counts and formats, and says what is wrong and what to do.

    Args:
        name: one of :data:`~mmt2ireid.datasets.doctor.releases.RELEASES`; 'own' for data of one's own, which is
            compared with nothing.
        root: folder of the data set, as a config's ``data_root``.
        ann_file: annotation relative to ``root``; '' for the one of the release.
        images: image folder relative to ``root``; None for the one of the release.
        open_images: decode every image; without, it is only looked whether the files are there.
        workers: threads that decode.
        progress: show a bar.

    Returns:
        What was found; nothing is raised for what is wrong with data.

    Raises:
        ValueError: the name is unknown, or ``workers`` is less than 1.
    """
    release = find_release(name)
    if workers < 1:
        raise ValueError(f'workers must be at least 1, but got {workers}')
    report = Report(release, root)
    if not os.path.isdir(root):
        advice = f'Ask the authors of {release.name} for it, unpack it there, or give the folder where it is'
        report.findings = [Finding('no-root', f'no folder {root}', advice)]
        report.findings = advise_owner(report.findings) if release.is_own else report.findings
        return report
    options = dict(workers=workers, progress=progress)
    files, report.findings = find_annotation(release, root, ann_file)
    report.ann_files = files
    if files and files[0].endswith('.arrow'):
        findings, report.num_opened, report.counts = check_arrow(
            release, files, os.path.join(root, _image_folder(report, images)), options if open_images else None
        )
        report.findings += findings
    elif files:
        _check_json(report, _image_folder(report, images), options if open_images else None)
    if files and not any(finding.severity == ERROR for finding in report.findings):
        _try_loader(report, _image_folder(report, images))
    if release.is_own:
        report.findings = advise_owner(report.findings)
    return report


def _image_folder(report: Report, images: str | None) -> str:
    """Relative to the root. LUPerson-T's own is the root, but configs keep its images in ``imgs``."""
    if images is not None:
        return images
    folder = report.release.loader.IMAGE_FOLDER
    return folder if folder or not os.path.isdir(os.path.join(report.root, 'imgs')) else 'imgs'


def _check_json(report: Report, images: str, options: dict | None) -> None:
    release = report.release
    try:
        annotation = (
            _read_by_loader(report, images) if release.by_loader else read_annotation(report.ann_files, release)
        )
    except FileNotFoundError as error:
        report.findings.append(Finding('no-image-folder', str(error), 'Put them there, or give --images'))
        return
    except (AnnotationError, OSError) as error:
        report.findings.append(_unreadable(error))
        return
    report.annotation, report.counts = annotation, annotation.counts()
    findings = report.findings
    findings += check_records(annotation) + check_splits(annotation) + check_captions(annotation)
    findings += check_own_splits(annotation) if release.is_own else []
    findings += check_noise_files(annotation, report.root) + _warn_of_source(release)
    folder = os.path.join(report.root, images)
    found, there = check_files(annotation, folder, report.root)
    findings += found
    if options is not None:
        found, report.num_opened = check_pictures(look_at_files(folder, there, **options), release)
        findings += found


def _unreadable(error: Exception) -> Finding:
    if isinstance(error.__cause__, TextFileError):
        advice = 'It was saved in another encoding, by an editor or a program: nothing has to be downloaded again'
        return Finding('encoding', str(error), advice)
    if isinstance(error.__cause__, JSONFileError) and isinstance(error.__cause__.__cause__, DuplicateKeyError):
        return Finding('broken-annotation', str(error), 'Only one of the two values would be read: keep the right one')
    return Finding('broken-annotation', str(error), 'It was cut short, or is another file: download it again')


def _read_by_loader(report: Report, images: str) -> Annotation:
    """What the loader makes of a file that is no list of records; it says what it leaves out."""
    with _overheard() as said:
        records = _make_loader(report, images, lazy_init=True).load_data_list()
    report.findings += [Finding('loader-says', message, 'Nothing, if that is what you expect') for message in said]
    return Annotation(report.ann_files[0], report.release, numbers=[-1] * len(records), records=records)


def _make_loader(report: Report, images: str, **options: Any) -> PersonTextDataset:
    names = [os.path.relpath(file, report.root) for file in report.ann_files]
    options.update(report.release.loader_args, ann_file=names[0] if len(names) == 1 else names)
    return report.release.loader(data_root=report.root, data_prefix=dict(img_path=images), unit='image', **options)


def _warn_of_source(release: Release) -> list[Finding]:
    others = [other.name for other in RELEASES.values() if other.source == release.source and other is not release]
    if not release.source or not others:
        return []
    message = f'{release.name} and {", ".join(others)} both come from {release.source} and may share persons'
    advice = 'A model trained on one and tested on the other gives no clean cross-dataset figure; our tools warn of it'
    return [Finding('msmt17-overlap', message, advice)]


def _try_loader(report: Report, images: str) -> None:
    """What passes has to load: the loader has the last word."""
    own = [split for split in SPLITS if split in report.counts] if report.release.is_own else []
    options: dict[str, Any] = {}
    if report.release.is_own and report.annotation is not None:
        options['junk_ids'] = sorted({record.pid for record in report.annotation.records if record.pid < 0})
    for split in report.release.counts or own or ('train',):
        try:
            with _overheard():
                _make_loader(report, images, split=split, lazy_init=True, **options).full_init()
        except (ValueError, OSError) as error:
            report.findings.append(Finding('loader', f'{split}: {error}', 'Mend what it names'))


class _Notes(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What loaders log, in place of printing it: it is, or becomes, a finding."""
    logger, notes = MMLogger.get_current_instance(), _Notes()
    handlers, logger.handlers = logger.handlers, [notes]
    try:
        yield notes.said
    finally:
        logger.handlers = handlers
