"""Adding a folder of crops to a gallery: what is known already is not encoded again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.apis.search.encoding import FileEncoder
from mmt2ireid.apis.search.metadata import DEFAULT_FILES, Fields, check_fields, fields_of_paths, read_metadata
from mmt2ireid.apis.search.missing import Missing
from mmt2ireid.apis.search.pictures import BadPictureError, UnreadPictureError
from mmt2ireid.gallery import Crop, Gallery
from mmt2ireid.gallery.records import MAX_ID_BYTES, check_crops
from mmt2ireid.io.folder_scan import FolderScan, FoundFile, PassedOver

STAMP = '_file'
"""Field of a crop's metadata that says which version of its file was encoded; hidden from users."""
_LOOKED_UP = 1000  # crops that are asked of a gallery at a time
_WRITTEN = 1024  # crops that are added at a time
_EXAMPLES = 3
_WRITTEN_S = 20.0  # and at least so often: what a kill can lose


@dataclass
class AddReport:
    """What became of crops that were to be added.

    Attributes:
        added: crops that are new.
        changed: known crops whose picture has changed; encoded again.
        replaced: known crops with the same picture and other metadata.
        known: crops that are as they were.
        removed: crops taken out, since their picture is gone or damaged.
        kept: crops that were not seen and stay, since their folder or file could not be read or looks unmounted.
        refused: path (or id) and reason of what cannot be a crop.
        unmatched: lines of the metadata whose crop is not there.
        passed_over: files that are no images, hidden ones among them.
        unread: folders and files that could not be read, or look unmounted, and why.
    """

    added: int = 0
    changed: int = 0
    replaced: int = 0
    known: int = 0
    removed: int = 0
    kept: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    passed_over: PassedOver = field(default_factory=PassedOver)
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def other(self) -> int:
        """How many files are no images."""
        return self.passed_over.total

    def __str__(self) -> str:
        parts = [
            f'{number} {words}'
            for number, words in (
                (self.added, 'added'),
                (self.changed, 'encoded again'),
                (self.replaced, 'with new metadata'),
                (self.known, 'known already'),
                (self.removed, 'removed'),
                (len(self.refused), 'refused'),
                (len(self.unmatched), 'lines of metadata without a picture'),
                (len(self.unread), 'folders or files not read'),
                (self.kept, 'crops kept that were not seen'),
            )
            if number
        ]
        passed = [f'\n  passed over: {self.passed_over}'] if self.passed_over.total else []
        examples = [f'\n  refused: {name}: {reason}' for name, reason in self.refused[:_EXAMPLES]]
        examples += [f'\n  not read: {name}: {reason}' for name, reason in self.unread[:_EXAMPLES]]
        return (', '.join(parts) or 'nothing to add') + ''.join([*examples, *passed])


def folder_metadata(
    folder: Path, names: Sequence[str], metadata: str | Path | Mapping[str, Fields] | None, pattern: str | None
) -> tuple[dict[str, Fields], list[str]]:
    """What is known of the crops of a folder.

    Args:
        folder: of the crops.
        names: their paths in it.
        metadata: a table or its file; None for the folder's own, if it has one.
        pattern: regular expression with named groups over the paths. Where both tell a field, the table's counts.

    Returns:
        Name to metadata, and the names in the table that are none of the crops.
    """
    if metadata is None:
        metadata = next((folder / name for name in DEFAULT_FILES if (folder / name).is_file()), {})
    if isinstance(metadata, Mapping):
        table = {name: check_fields(known, f'metadata of {name}') for name, known in metadata.items()}
    else:
        table = read_metadata(metadata)
    of_paths = fields_of_paths(pattern, names) if pattern is not None else {}
    known = set(names)
    fields = {name: {**of_paths.get(name, {}), **table.get(name, {})} for name in names}
    return fields, [name for name in table if name not in known]


class FolderAdder:
    """Brings a gallery to the state of a folder.

    Args:
        gallery: to add to.
        files: encodes pictures.
        place: (id, path) of a crop by its file.
        progress: show a bar.
    """

    def __init__(
        self, gallery: Gallery, files: FileEncoder, place: Callable[[FoundFile], tuple[str, str]], progress: bool
    ) -> None:
        self.gallery, self.files, self.place, self.progress = gallery, files, place, progress
        self.report = AddReport()

    def add(self, scan: FolderScan, fields: Mapping[str, Fields]) -> AddReport:
        """Adds what is new, encodes again what has changed.

        Args:
            scan: the folder.
            fields: name to metadata.
        """
        self.report.refused += scan.refused
        self.report.unread += scan.unread
        self.report.passed_over = scan.passed_over
        pairs = [(self._crop(picture, fields.get(picture.name, {})), picture) for picture in scan.files]
        long = [picture.name for crop, picture in pairs if len(crop.id.encode()) > MAX_ID_BYTES]
        self.report.refused += [(name, f'has a path of more than {MAX_ID_BYTES} bytes') for name in long]
        pairs = [(crop, picture) for crop, picture in pairs if len(crop.id.encode()) <= MAX_ID_BYTES]
        check_crops(crop for crop, _ in pairs)  # metadata that no gallery takes are told before hours of encoding
        before = self._known([crop.id for crop, _ in pairs])
        todo, updated = [], []
        for crop, picture in pairs:
            known = before.get(crop.id)
            if known is None or known.metadata.get(STAMP) != crop.metadata[STAMP] or known.path != crop.path:
                todo.append((crop, picture))
            elif dict(known.metadata) != dict(crop.metadata):
                updated.append(crop)
            else:
                self.report.known += 1
        for part in _parts(updated):
            self.gallery.add(part, self.gallery.vectors([crop.id for crop in part]), replace=True)
            self.report.replaced += len(part)
        self._encode(todo, before)
        return self.report

    def find_missing(self, scan: FolderScan, prefix: str) -> Missing:
        """Compares the gallery with a folder.

        Args:
            scan: the folder.
            prefix: how ids of the folder's crops begin.
        """
        there = {f'{prefix}{picture.name}' for picture in scan.files}
        ids = [name for name in self.gallery.ids() if name.startswith(prefix) and name not in there]
        missing = Missing(scan)
        for part in _parts(ids):
            for crop in self.gallery.get(part):
                if STAMP in crop.metadata:
                    missing.note(crop.id, crop.id[len(prefix) :])
        return missing

    def remove(self, missing: Missing, *, prune: bool) -> None:
        """Takes out crops whose files are gone; those that were not seen stay.

        Args:
            missing: of :meth:`find_missing`.
            prune: take out the crops of emptied folders, too.
        """
        gone = [*missing.gone, *(name for names in missing.emptied.values() for name in names if prune)]
        if gone:
            self.report.removed += self.gallery.delete(gone)
        self.report.kept += missing.unseen
        if not prune:
            self.report.kept += sum(map(len, missing.emptied.values()))
            self.report.unread += missing.reasons()

    def _crop(self, picture: FoundFile, fields: Fields) -> Crop:
        name, path = self.place(picture)
        return Crop(name, path, {**fields, STAMP: picture.stamp})

    def _known(self, ids: Sequence[str]) -> dict[str, Crop]:
        found: dict[str, Crop] = {}
        for part in _parts(ids):
            known = self.gallery.known(part)
            found.update((crop.id, crop) for crop in self.gallery.get([name for name in part if name in known]))
        return found

    def _encode(self, todo: list[tuple[Crop, FoundFile]], before: Mapping[str, Crop]) -> None:
        crops: list[Crop] = []
        vectors: list[np.ndarray] = []
        written = time.monotonic()
        for batch in self.files.encode([picture.path for _, picture in todo], progress=self.progress):
            for number, found in batch:
                crop, picture = todo[number]
                if isinstance(found, UnreadPictureError):
                    self.report.unread.append((picture.name, found.reason))
                    self.report.kept += crop.id in before  # its file was not seen, which is no reason to forget it
                elif isinstance(found, BadPictureError):
                    self._refuse(crop, picture, found.reason, before)
                else:
                    crops.append(crop)
                    vectors.append(found)
            if len(crops) >= _WRITTEN or time.monotonic() - written > _WRITTEN_S:
                self._write(crops, vectors, before)
                crops, vectors, written = [], [], time.monotonic()
        self._write(crops, vectors, before)

    def _write(self, crops: list[Crop], vectors: list[np.ndarray], before: Mapping[str, Crop]) -> None:
        if crops:
            self.gallery.add(crops, np.stack(vectors), replace=True)
            self.report.changed += sum(crop.id in before for crop in crops)
            self.report.added += sum(crop.id not in before for crop in crops)

    def _refuse(self, crop: Crop, picture: FoundFile, reason: str, before: Mapping[str, Crop]) -> None:
        self.report.refused.append((picture.name, reason))
        if crop.id in before:  # its vector is of a picture that is no more
            self.report.removed += self.gallery.delete([crop.id])


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _LOOKED_UP):
        yield items[start : start + _LOOKED_UP]
