"""Crops whose files a look through their folder did not find: what was not seen is not gone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mmt2ireid.io.counts import counted
from mmt2ireid.io.folder_scan import FolderScan

_EMPTIED = 'has no image left, as if it were not mounted; its {} crops stay (--prune takes them out)'


class EmptiedFolderError(ValueError):
    """A folder has no picture any more, though a gallery has crops of it.

    Args:
        folder: without pictures.
        crops: how many the gallery has of it.
    """

    def __init__(self, folder: str | Path, crops: int) -> None:
        super().__init__(
            f'{folder} must hold images, but has none, and the gallery has {counted(crops, "crop")} of it: '
            'nothing is removed. Mount the folder, or take the crops out with --prune (in Python prune=True)'
        )
        self.folder, self.crops = folder, crops

    def __reduce__(self) -> tuple:
        return type(self), (self.folder, self.crops)


class Missing:
    """Crops of a gallery that a scan of their folder did not find, divided into gone, unseen and suspicious.

    A file is gone if its folder was listed without it. Of a folder that could not be listed nothing is known. A folder
    that is there without a single image in it or below it looks like the mount point of a disk that is not mounted.

    Args:
        scan: the folder.

    Attributes:
        gone: ids of crops.
        unseen: how many crops lie where nothing could be read.
        emptied: folders without any picture left -> ids of their crops.
    """

    def __init__(self, scan: FolderScan) -> None:
        self.gone: list[str] = []
        self.unseen = 0
        self.emptied: dict[str, list[str]] = {}
        self._unread = {name for name, _ in scan.unread}
        filled = {folder for picture in scan.files for folder in _folders_of(picture.name)}
        self._empty = scan.folders - filled

    def note(self, crop_id: str, name: str) -> None:
        """Takes in a crop.

        Args:
            crop_id: of the crop.
            name: of its file in the folder.
        """
        above = _folders_of(name)
        if not self._unread.isdisjoint([name, *above]):
            self.unseen += 1
            return
        emptied = next((folder for folder in above if folder in self._empty), None)
        if emptied is None:
            self.gone.append(crop_id)
        else:
            self.emptied.setdefault(emptied, []).append(crop_id)

    def reasons(self) -> list[tuple[str, str]]:
        """The emptied folders, and why their crops stay."""
        return [(folder, _EMPTIED.format(len(ids))) for folder, ids in self.emptied.items()]


def _folders_of(name: str) -> list[str]:
    """The folders above a file, from ``'.'`` down."""
    return [str(folder) for folder in reversed(PurePosixPath(name).parents)]
