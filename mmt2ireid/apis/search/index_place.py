"""Where the features of a folder of crops are kept if the user does not say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mmt2ireid.apis.search.stored_pictures import HIDDEN
from mmt2ireid.io.folder_scan import FolderWalk


def default_place(root: Path, fingerprint: str, tell: Callable[[str], None]) -> Path | None:
    """Find the place for features below the crops.

    Args:
        root: folder of the crops.
        fingerprint: of the model.
        tell: gets a sentence where features cannot be kept.

    Returns:
        The place; None where nothing can be written, and where there is no image: a folder whose disk is not mounted
        stays as it is.
    """
    place = root / HIDDEN / fingerprint
    existing = next(path for path in (place, *place.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        tell(f'{existing} cannot be written to: the features are not kept (--index PLACE keeps them elsewhere)')
        return None
    if existing not in (place, place.parent) and next(iter(FolderWalk(root)), None) is None:
        return None
    return place
