"""From a model and a folder of crops to a searcher that has encoded them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mmt2ireid.apis.search import PersonSearcher, load_encoder
from mmt2ireid.apis.search.index_place import default_place
from mmt2ireid.apis.search.loading import Model

MEMORY = 'memory'


def open_searcher(
    model: Model,
    folder: str | Path,
    *,
    index: str | Path | None = None,
    metadata: str | Path | None = None,
    pattern: str | None = None,
    prune: bool = False,
    progress: bool = True,
    tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> PersonSearcher:
    """Encodes what is new or has changed in a folder of crops, and opens it for searches.

    Args:
        model: an encoder, a pair (config, checkpoint), or the folder of an exported model.
        folder: of the crops.
        index: where the features are kept; by default below the folder, ``'memory'`` nowhere.
        metadata: CSV or JSONL file, see :meth:`~mmt2ireid.apis.PersonSearcher.add_folder`.
        pattern: regular expression with named groups over the paths.
        prune: take out the crops of folders without any picture left, too.
        progress: show a bar.
        tell: gets a sentence about what was found.

    Raises:
        FileNotFoundError: the folder or a file of the model is missing.
        ValueError: there is no crop, or something does not fit together.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f'the gallery must be a folder of crops, but there is no folder {root}')
    encoder = load_encoder(model)
    place = default_place(root, encoder.fingerprint, tell) if index is None else index
    searcher = PersonSearcher(encoder, None if place == MEMORY else place, image_root=root)
    try:
        report = searcher.add_folder(
            root, metadata=metadata, pattern=pattern, progress=progress, remove_missing=True, prune=prune
        )
        tell(f'{root}: {report}')
        if not len(searcher):
            raise ValueError(f'the gallery must hold pictures of persons, but {root} has none that can be read')
    except BaseException:
        searcher.close()
        raise
    return searcher
