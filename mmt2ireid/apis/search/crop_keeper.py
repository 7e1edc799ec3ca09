"""A model with a gallery of crops: adding, taking out, showing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from mmt2ireid.apis.search.adding import STAMP, AddReport, FolderAdder, folder_metadata
from mmt2ireid.apis.search.encoder import check_pictures
from mmt2ireid.apis.search.encoding import FileEncoder
from mmt2ireid.apis.search.loading import Model, load_encoder
from mmt2ireid.apis.search.metadata import DEFAULT_FILES, Fields, check_fields
from mmt2ireid.apis.search.missing import EmptiedFolderError
from mmt2ireid.apis.search.pictures import BadPictureError, PictureLimits, Source, read_picture
from mmt2ireid.apis.search.stored_pictures import StoredPictures
from mmt2ireid.gallery import AddCount, Crop, Gallery, open_gallery
from mmt2ireid.gallery.records import check_ids
from mmt2ireid.io.folder_scan import FoundFile, scan_folder

Keeper = TypeVar('Keeper', bound='CropKeeper')


class CropKeeper:
    """A model and the gallery of crops that it has encoded.

    The id of a crop that a folder gave is its path: relative to ``image_root`` where there is one, so that gallery and
    pictures can be moved together; absolute else. All methods may be called from several threads.

    Args:
        model: an :class:`~mmt2ireid.apis.search.encoder.Encoder`, a pair (config, checkpoint), or the folder of an
            exported model.
        gallery: a gallery, a place for :func:`mmt2ireid.gallery.open_gallery` (a folder, a ``.db`` file, the address of
            a Milvus server), or None for one in memory.
        image_root: folder that the paths of crops are relative to. Nothing outside of it is added or shown.
        limits: of pictures that are read.
        workers: threads that read and decode pictures of folders.

    Attributes:
        encoder: the model.
        gallery: the gallery.

    Raises:
        FileNotFoundError: a file of the model is missing.
        NotADirectoryError: ``image_root`` is no folder.
        ValueError: an argument does not fit, or the gallery was made with another model.
    """

    def __init__(
        self,
        model: Model,
        gallery: Gallery | str | Path | None = None,
        *,
        image_root: str | Path | None = None,
        limits: PictureLimits | None = None,
        workers: int = 4,
    ) -> None:
        self.limits = limits or PictureLimits()
        self.encoder = load_encoder(model)
        self._encoding, self._writing = threading.Lock(), threading.Lock()
        self._files = FileEncoder(self.encoder, self.limits, workers, self._encoding)
        self._pictures = StoredPictures(image_root, self.limits)
        self._is_own = not isinstance(gallery, Gallery)
        if isinstance(gallery, Gallery):
            if (gallery.model, gallery.dim) != (self.encoder.fingerprint, self.encoder.dim):
                raise ValueError(
                    f'gallery must be of model {self.encoder.fingerprint} with vectors of {self.encoder.dim}, but is '
                    f'of model {gallery.model} with {gallery.dim}'
                )
            self.gallery = gallery
        else:
            self.gallery = open_gallery(gallery, model=self.encoder.fingerprint, dim=self.encoder.dim)

    @property
    def image_root(self) -> Path | None:
        """Folder that the paths of crops are relative to."""
        return self._pictures.root

    def __len__(self) -> int:
        return len(self.gallery)

    def __enter__(self: Keeper) -> Keeper:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the gallery, if it was opened here."""
        if self._is_own:
            self.gallery.close()

    def add_folder(
        self,
        folder: str | Path,
        *,
        metadata: str | Path | Mapping[str, Fields] | None = None,
        pattern: str | None = None,
        progress: bool = True,
        remove_missing: bool = False,
        prune: bool = False,
    ) -> AddReport:
        """Adds all pictures below a folder, sorted by path.

        A crop whose file has the same path, size and time of change as before is not encoded again. Crops are written
        batch by batch: what a kill interrupts, the same call completes.

        Args:
            folder: of the crops; hidden files and folders in it are passed over.
            metadata: a CSV or JSONL file with a column ``path``, relative to the folder (see
                :func:`~mmt2ireid.apis.search.metadata.read_metadata`), or path to fields. None: ``metadata.csv``,
                ``metadata.jsonl`` or ``crops.jsonl`` of the folder, the first that is there.
            pattern: regular expression with named groups over the paths, such as ``(?P<camera>cam_[a-z])/``.
            progress: show a bar with rate and time left.
            remove_missing: take out crops of this folder whose files are gone. What was not seen is not gone: crops
                stay whose folder could not be read, or is there but has no picture left, as if it were not mounted.
            prune: take out the crops of folders without any picture left, too.

        Returns:
            What became of them; what is no picture is refused and named there.

        Raises:
            FileNotFoundError: the metadata is missing.
            NotADirectoryError: there is no such folder.
            OSError: the folder cannot be listed.
            EmptiedFolderError: ``remove_missing`` without ``prune``, and the whole folder has no picture left, though
                the gallery has crops of it. Nothing has been changed.
            ValueError: the metadata or pattern is not what it should be, or the folder is outside ``image_root``.
        """
        scan = scan_folder(folder, known=DEFAULT_FILES)
        root = Path(folder).resolve()
        prefix = self._pictures.prefix(root)
        fields, unmatched = folder_metadata(root, [picture.name for picture in scan.files], metadata, pattern)

        def place(picture: FoundFile) -> tuple[str, str]:
            name = f'{prefix}{picture.name}'
            return name, name if self.image_root is not None else str(picture.path.resolve())

        with self._writing:
            adder = FolderAdder(self.gallery, self._files, place, progress)
            missing = adder.find_missing(scan, prefix) if remove_missing else None
            if missing is not None and not prune and '.' in missing.emptied:
                raise EmptiedFolderError(folder, len(missing.emptied['.']))
            report = adder.add(scan, fields)
            if missing is not None:
                adder.remove(missing, prune=prune)
        report.unmatched = unmatched
        return report

    def add_pictures(
        self,
        pictures: Sequence[np.ndarray | Source],
        ids: Sequence[str],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        *,
        keep: bool = False,
    ) -> AddReport:
        """Adds pictures that lie in no folder, such as uploads.

        Args:
            pictures: uint8 RGB arrays (H, W, 3), or what :func:`~mmt2ireid.apis.search.pictures.read_picture` reads.
            ids: a name for each; a known one gets the new picture.
            metadata: of each.
            keep: write the pictures below ``image_root``, so that they can be shown later; :meth:`delete` deletes them.

        Returns:
            What became of them; what is no picture is refused and named there by its id.

        Raises:
            ValueError: the lengths differ, an id comes twice or is empty, a field does not fit, or ``keep`` without
                ``image_root``.
        """
        fields = [{} for _ in ids] if metadata is None else metadata
        if not len(pictures) == len(ids) == len(fields):
            raise ValueError(f'there must be as many ids and metadata as the {len(pictures)} pictures')
        if len(set(ids)) < len(ids) or not all(isinstance(name, str) and name for name in ids):
            raise ValueError('ids must be texts, each of them once and none empty')
        checked = [check_fields(known, f'metadata of {name}') for name, known in zip(ids, fields, strict=True)]
        if keep and self.image_root is None:
            raise ValueError('image_root must be given to keep pictures, but is None')
        report, arrays, crops = AddReport(), [], []
        for name, picture, known in zip(ids, pictures, checked, strict=True):
            try:
                arrays.append(self._picture(picture))
            except BadPictureError as error:
                report.refused.append((name, error.reason))
                continue
            crops.append(Crop(name, '', known))
        if crops:
            vectors = self._encode_images(arrays)
            with self._writing:
                count = self._add(crops, vectors, arrays if keep else None)
            report.added, report.changed = count.added, count.replaced
        return report

    def _add(self, crops: list[Crop], vectors: np.ndarray, kept: list[np.ndarray] | None) -> AddCount:
        """Adds crops and keeps their pictures; where they cannot be added, no new picture stays behind."""
        if kept is None:
            return self.gallery.add(crops, vectors, replace=True)
        known = self.gallery.known([crop.id for crop in crops])
        new: list[str] = []
        try:
            for number, (crop, picture) in enumerate(zip(crops, kept, strict=True)):
                path = self._pictures.keep(crop.id, picture)
                crops[number] = replace(crop, path=path)
                if crop.id not in known:
                    new.append(path)
            return self.gallery.add(crops, vectors, replace=True)
        except BaseException:
            for path in new:
                self._pictures.forget(path)
            raise

    def delete(self, ids: Iterable[str]) -> int:
        """Takes crops out of the gallery; pictures that :meth:`add_pictures` kept are deleted, others not.

        Args:
            ids: of the crops; unknown ones are passed over.

        Returns:
            How many there were.
        """
        ids = check_ids(ids)
        with self._writing:
            known = self.gallery.known(ids)
            crops = self.gallery.get([name for name in dict.fromkeys(ids) if name in known])
            deleted = self.gallery.delete([crop.id for crop in crops])
            for crop in crops:  # before another thread adds a crop of the same name
                self._pictures.forget(crop.path)
        return deleted

    def picture(self, crop: Crop | str) -> np.ndarray:
        """The picture of a crop of the gallery.

        Args:
            crop: the crop or its id; where it lies, the gallery says.

        Returns:
            uint8 RGB (H, W, 3).

        Raises:
            KeyError: there is no such crop.
            BadPictureError: its picture is gone, was never kept, or lies outside of ``image_root``.
        """
        return read_picture(self.picture_path(crop), self.limits)

    def picture_path(self, crop: Crop | str) -> Path:
        """Where the picture of a crop of the gallery lies; arguments and errors as of :meth:`picture`."""
        (known,) = self.gallery.get([crop if isinstance(crop, str) else crop.id])
        return self._pictures.find(known)

    def get(self, ids: Iterable[str]) -> list[Crop]:
        """Crops by their ids.

        Raises:
            KeyError: one is not there.
        """
        return [public_crop(crop) for crop in self.gallery.get(check_ids(ids))]

    def fields(self) -> dict[str, Any]:
        """What crops can be filtered by: a field's values, or its lowest and highest where there are many."""
        return {name: values for name, values in self.gallery.fields().items() if not name.startswith('_')}

    def _encode_images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        if not pictures:
            return np.zeros((0, self.encoder.dim), dtype=np.float32)
        with self._encoding:
            return self.encoder.encode_images(pictures)

    def _picture(self, picture: np.ndarray | Source) -> np.ndarray:
        if isinstance(picture, np.ndarray):
            check_pictures([picture])
            if picture.shape[0] * picture.shape[1] > self.limits.max_pixels:
                raise BadPictureError('the picture', f'has more than {self.limits.max_pixels} pixels')
            return picture
        return read_picture(picture, self.limits)


def public_crop(crop: Crop) -> Crop:
    """Without what the searcher keeps for itself."""
    if STAMP not in crop.metadata:
        return crop
    return replace(crop, metadata={name: value for name, value in crop.metadata.items() if name != STAMP})
