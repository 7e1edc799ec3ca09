"""Crops of the people in images and videos, for a gallery."""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmt2ireid.apis.people.boxes import BoxRules, Person, choose_people
from mmt2ireid.apis.people.crop_log import CropLog
from mmt2ireid.apis.people.detectors import AUTO, Detector, load_detector
from mmt2ireid.apis.people.video import VIDEO_SUFFIXES, BadVideoError, Frame, count_frames, video_frames
from mmt2ireid.apis.search.pictures import BadPictureError, PictureLimits, UnreadPictureError, read_picture
from mmt2ireid.compat import write_atomically
from mmt2ireid.io.counts import counted
from mmt2ireid.io.folder_scan import PassedOver, scan_folder, stamp_of
from mmt2ireid.io.image_files import raise_if_outage, read_head
from mmt2ireid.io.image_formats import HEAD_BYTES, SUFFIXES, sniff_format, why_no_image
from mmt2ireid.io.paths import NOT_TEXT, is_text, shown_path

_MAX_STEM = 50  # characters; with four bytes each, a name of a crop fits into the 255 bytes of file systems
FORMATS = {'png': dict(format='PNG'), 'jpg': dict(format='JPEG', quality=95)}


@dataclass
class CropReport:
    """What became of images and videos.

    Attributes:
        sources: images and videos that were looked at, or had been in an earlier run.
        known: those of them that an earlier run had finished.
        pictures: images and frames of videos that were looked at now.
        crops: people written now.
        too_small: people left out because they are too small.
        overlapping: boxes left out because a better one covers them.
        refused: path and reason of what could not be read, or not to its end.
        passed_over: files of folders that are neither images nor videos.
    """

    sources: int = 0
    known: int = 0
    pictures: int = 0
    crops: int = 0
    too_small: int = 0
    overlapping: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    passed_over: PassedOver = field(default_factory=PassedOver)

    @property
    def other(self) -> int:
        """How many files of folders are neither images nor videos."""
        return self.passed_over.total

    def __str__(self) -> str:
        told = (
            f'{counted(self.crops, "person", "people")} in {counted(self.pictures, "picture")} of '
            f'{counted(self.sources - self.known, "image or video", "images and videos")}'
            f' ({self.known} more were done already), {self.too_small} too small, {self.overlapping} covered by another'
            f', {counted(len(self.refused), "file")} refused'
        )
        told += ''.join(f'\n  refused: {name}: {reason}' for name, reason in self.refused[:3])
        return told + (f'\n  passed over: {self.passed_over}' if self.passed_over.total else '')


@dataclass(frozen=True)
class _Source:
    name: str  # as the user knows it
    path: Path

    @property
    def is_video(self) -> bool:
        return self.path.suffix.lower() in VIDEO_SUFFIXES

    @property
    def camera(self) -> str:
        return self.path.stem

    @property
    def key(self) -> str:
        """A name for files: two sources may have equal stems."""
        # As a table of crops can name it, and not hidden.
        stem = re.sub(r'[\\\s]', '_', self.path.stem).lstrip('.')[:_MAX_STEM] or 'source'
        return f'{stem}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:8]}'

    @property
    def stamp(self) -> str:
        return stamp_of(self.path.stat())


def crop_people(
    sources: str | Path | Sequence[str | Path],
    out_dir: str | Path,
    *,
    detector: str | Detector = AUTO,
    weights: str | Path | None = None,
    device: str | None = None,
    every: float = 1.0,
    min_score: float | None = None,
    max_overlap: float = 0.5,
    min_height: int = 48,
    min_width: int = 16,
    padding: float = 0.05,
    file_format: str = 'png',
    limits: PictureLimits | None = None,
    progress: bool = True,
) -> CropReport:
    """Finds people in images and videos and writes a crop of each.

    The crops and the table ``crops.jsonl`` (path, source, camera, box, score, time in seconds of a video) are what
    :meth:`~mmt2ireid.apis.search.searcher.PersonSearcher.add_folder` reads. The same call completes what was killed;
    sources that are done are not looked at again.

    Args:
        sources: images, videos, and folders of such, which are looked through with all folders in them.
        out_dir: folder to write to; crops of a video lie in a folder of their own.
        detector: 'auto', torchvision's ``fasterrcnn_resnet50_fpn_v2``, and HOG, with a warning, where its weights are
            neither there nor to be fetched; 'hog', OpenCV's built-in people detector; the name of another detection
            model of torchvision; or a function from a picture, uint8 RGB (H, W, 3), to boxes (n, 4), x0, y0,
            x1, y1 in pixels, and scores (n,).
        weights: a local file of the torchvision model's weights; by default they are downloaded once.
        device: of the torchvision model.
        every: seconds of a video from one picture to the next.
        min_score: lowest score that counts; by default 0.7 of torchvision's models, 1.2 of HOG, which below that often
            finds what is no person, and 0.5 of a function.
        max_overlap: of two boxes that overlap by more (intersection over union) the better one counts.
        min_height: in pixels; smaller people are left out.
        min_width: in pixels.
        padding: added on each side, as a share of the box.
        file_format: 'png' or 'jpg'.
        limits: of images that are read.
        progress: show a bar.

    Returns:
        What became of them.

    Raises:
        FileNotFoundError: a source or the detector's weights are missing.
        ImportError: this OpenCV has no HOG detector.
        ValueError: an argument does not fit, or ``out_dir`` has crops made with other settings.
    """
    if not (every > 0 and math.isfinite(every)):
        raise ValueError(f'every must be a positive number of seconds, but got {every}')
    if file_format not in FORMATS:
        raise ValueError(f'file_format must be one of {", ".join(FORMATS)}, but got {file_format!r}')
    report = CropReport()
    found = _find_sources(sources, Path(out_dir), report)
    find, name, score = load_detector(detector, weights=weights, device=device)
    rules = BoxRules(score if min_score is None else min_score, max_overlap, min_height, min_width, padding)
    settings = dict(asdict(rules), detector=name, every=every, file_format=file_format)
    if weights is not None:
        settings['weights'] = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    cropper = _Cropper(Path(out_dir), find, rules, every, file_format, limits or PictureLimits(), report)
    with CropLog(Path(out_dir), settings) as log, tqdm(desc='people', unit=' pictures', disable=not progress) as bar:
        bar.reset(total=sum(_expected(source, every) for source in found) if progress else None)
        for source in found:
            cropper.crop(source, log, bar)
    return report


class _Cropper:
    """Crops people out of one source after the other."""

    def __init__(
        self,
        out_dir: Path,
        find: Detector,
        rules: BoxRules,
        every: float,
        file_format: str,
        limits: PictureLimits,
        report: CropReport,
    ) -> None:
        self.out_dir, self.find, self.rules, self.every = out_dir, find, rules, every
        self.file_format, self.limits, self.report = file_format, limits, report

    def crop(self, source: _Source, log: CropLog, bar: tqdm) -> None:
        """Looks at what an earlier run has not looked at."""
        self.report.sources += 1
        try:
            stamp, place = source.stamp, str(source.path)
        except OSError as error:  # it was there when the folder was looked through
            raise_if_outage(error)
            self.report.refused.append((source.name, f'cannot be read ({error.strerror or error})'))
            return
        last, done = log.last(place, stamp)
        if done:
            self.report.known += 1
            bar.update(_expected(source, self.every))
            return
        try:
            for frame in self._frames(source, last):
                log.forget_earlier(place, stamp)
                last = frame.number
                log.add(place, stamp, last, self._write(source, frame))
                self.report.pictures += 1
                bar.update()
        except (BadPictureError, BadVideoError) as error:
            self.report.refused.append((source.name, error.reason))
            if isinstance(error, BadPictureError) and not isinstance(error, UnreadPictureError):
                log.forget_earlier(place, stamp)  # of an image that is no more
            return
        log.forget_earlier(place, stamp)
        log.end(place, stamp, last)

    def _frames(self, source: _Source, last: int) -> Iterator[Frame]:
        if source.is_video:
            yield from video_frames(source.path, self.every, after=last)
        elif last < 0:
            yield Frame(0, 0.0, read_picture(source.path, self.limits))

    def _write(self, source: _Source, frame: Frame) -> list[dict]:
        boxes, scores = self.find(frame.picture)
        people, small, overlapping = choose_people(boxes, scores, frame.picture.shape[:2], self.rules)
        self.report.too_small += small
        self.report.overlapping += overlapping
        self.report.crops += len(people)
        return [self._write_one(source, frame, number, person) for number, person in enumerate(people)]

    def _write_one(self, source: _Source, frame: Frame, number: int, person: Person) -> dict:
        place = f'{source.key}/{frame.number:07d}' if source.is_video else source.key
        path = f'{place}_{number:02d}.{self.file_format}'
        left, top, right, bottom = person.box
        stream = io.BytesIO()
        crop = Image.fromarray(np.ascontiguousarray(frame.picture[top:bottom, left:right]))
        crop.save(stream, **FORMATS[self.file_format])  # type: ignore[arg-type]
        write_atomically(self.out_dir / path, stream.getbuffer())
        told: dict[str, Any] = dict(
            path=path, source=source.name, camera=source.camera, box=list(person.box), score=round(person.score, 4)
        )
        return dict(told, time=round(frame.time, 3)) if source.is_video else told


def _find_sources(sources: str | Path | Sequence[str | Path], out_dir: Path, report: CropReport) -> list[_Source]:
    given = [sources] if isinstance(sources, (str, Path)) else list(sources)
    found: dict[Path, _Source] = {}
    for place in map(Path, given):
        if place.is_dir():
            if out_dir.resolve().is_relative_to(place.resolve()):
                raise ValueError(f'out_dir must not lie in a folder that is looked through, {place}, but got {out_dir}')
            scan = scan_folder(place, suffixes=VIDEO_SUFFIXES)
            report.refused += [((place / name).as_posix(), reason) for name, reason in (*scan.refused, *scan.unread)]
            report.passed_over.update(scan.passed_over)
            for file in scan.files:
                path = file.path.resolve()
                found.setdefault(path, _Source((place / file.name).as_posix(), path))
        elif place.is_file():
            if not is_text(str(place.resolve())):
                report.refused.append((shown_path(place.as_posix()), NOT_TEXT))
                continue
            _check_content(place)
            found.setdefault(place.resolve(), _Source(place.as_posix(), place.resolve()))
        else:
            raise FileNotFoundError(f'sources must be images, videos or folders of such, but {place} is not there')
    return list(found.values())


def _check_content(file: Path) -> None:
    """Refuse a file that was named and is no image or video; what looks like an image is refused when it is read."""
    head = b'' if file.suffix.lower() in (*SUFFIXES, *VIDEO_SUFFIXES) else read_head(file, HEAD_BYTES)
    if head and not sniff_format(head):
        endings = ', '.join(VIDEO_SUFFIXES)
        raise ValueError(
            f'sources must be images, or videos whose names end in one of {endings}, but {file} {why_no_image(head)}'
        )


def _expected(source: _Source, every: float) -> int:
    """Pictures of a source, for the bar."""
    if not source.is_video:
        return 1
    try:
        return count_frames(source.path, every)
    except BadVideoError:
        return 0
