"""The phrases of a data set as numbers, and their file."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmt2ireid.compat import write_atomically

FORMAT = 1


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """Ids of the noun phrases of every caption; synonymous phrases share an id.

    Attributes:
        indptr: int64 (N + 1), where each caption's ids begin in ``indices``.
        indices: int32, the ids of caption after caption, ascending and each once within a caption.
        names: the phrase of every id, in alphabetical order: words in the form of their synonym class.
        tagger: ``nltk`` or ``embedded``, what read the captions.
    """

    indptr: np.ndarray
    indices: np.ndarray
    names: tuple[str, ...]
    tagger: str

    def __post_init__(self) -> None:
        indptr, indices = self.indptr, self.indices
        if indptr.dtype != np.int64 or indptr.ndim != 1 or not len(indptr) or indptr[0] != 0:
            raise ValueError('indptr must be int64 (N + 1) and begin with 0, but it is not')
        if (np.diff(indptr) < 0).any() or indptr[-1] != len(indices):
            raise ValueError('indptr must ascend to the length of indices, but it does not')
        if indices.dtype != np.int32 or indices.ndim != 1:
            raise ValueError('indices must be int32 of one dimension, but they are not')
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(self.names):
            raise ValueError(f'indices must be ids from 0 to {len(self.names) - 1}, but they are not')

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def num_phrases(self) -> int:
        """Number of different ids."""
        return len(self.names)

    @property
    def empty(self) -> np.ndarray:
        """int64, indices of the captions without any noun phrase."""
        return np.flatnonzero(np.diff(self.indptr) == 0)

    def ids(self, index: int) -> np.ndarray:
        """int32, the phrase ids of a caption; a view.

        Raises:
            IndexError: there is no such caption.
        """
        if not 0 <= index < len(self):
            raise IndexError(f'caption must be from 0 to {len(self) - 1}, but got {index}')
        return self.indices[self.indptr[index] : self.indptr[index + 1]]

    def phrases(self, index: int) -> list[str]:
        """The phrases of a caption, in the form of their synonym classes."""
        return [self.names[i] for i in self.ids(index)]

    def without_common(self, max_share: float) -> PhraseTable:
        """The table without phrases that tell little, because many captions have them ("man", "white shoe").

        Args:
            max_share: a phrase stays if at most this share of the captions has it, in (0, 1]; 1 keeps all.

        Returns:
            A table of as many captions, with ids of its own; a caption may be left without any.

        Raises:
            ValueError: ``max_share`` is not in (0, 1].
        """
        if not 0 < max_share <= 1:
            raise ValueError(f'max_share must be in (0, 1], but got {max_share!r}')
        stays = np.bincount(self.indices, minlength=self.num_phrases) / len(self) <= max_share
        kept = stays[self.indices]
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept, dtype=np.int64)])
        new_ids = np.cumsum(stays, dtype=np.int32) - 1
        names = tuple(name for name, stay in zip(self.names, stays, strict=True) if stay)
        return PhraseTable(before[self.indptr], new_ids[self.indices[kept]], names, self.tagger)


def save_table(path: str | os.PathLike, table: PhraseTable, key: str) -> None:
    """Writes a table as ``.npz`` without objects, whole or not at all.

    Args:
        path: where to write; folders are made.
        table: what to write.
        key: identifies what the table was made of; :func:`load_table` asks for it.
    """
    meta = json.dumps({'format': FORMAT, 'key': key, 'tagger': table.tagger, 'names': table.names}, ensure_ascii=False)
    buffer = io.BytesIO()
    np.savez(buffer, indptr=table.indptr, indices=table.indices, meta=np.frombuffer(meta.encode(), dtype=np.uint8))
    write_atomically(path, buffer.getbuffer())


def load_table(path: str | os.PathLike, key: str) -> PhraseTable:
    """Reads what :func:`save_table` wrote; nothing is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, of another format, or was made of something else.
    """
    try:
        # Reading a member checks its CRC.
        with np.load(Path(path), allow_pickle=False) as file:
            indptr, indices, meta = file['indptr'], file['indices'], json.loads(file['meta'].tobytes())
        if (found := (meta['format'], meta['key'])) != (FORMAT, key):
            raise ValueError(f'format and key must be {(FORMAT, key)}, but got {found}')
        return PhraseTable(indptr, indices, tuple(meta['names']), meta['tagger'])
    except FileNotFoundError:
        raise
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f'{path}: must be a complete table of phrases, but: {error}') from error
