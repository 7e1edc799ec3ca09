"""Noisy pairs: captions of a part of the training pairs exchanged among them (RDE, Qin et al., CVPR 2024)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.logging import print_log
from mmengine.utils import is_abs

from mmt2ireid.datasets.annotations import Record
from mmt2ireid.datasets.errors import AnnotationError

_FORMS = "dict(file='CUHK-PEDES_0.2.npy') or dict(rate=0.2, seed=0)"


class NoisyPairs:
    """Which caption stands beside which image of a training set.

    Pairs are numbered as the annotation file lists them: all captions of its first training image, then those of the
    next. Pair i keeps its image and its identity, and gets the caption of pair ``order[i]``. Either the authors' files
    give the order, or a share ``rate`` of the pairs, drawn with ``seed``, exchange their captions at random (as the
    authors drew theirs; some get their own back, so slightly fewer are noisy).

    Args:
        options: ``dict(file=...)``, relative to ``data_root``, or ``dict(rate=..., seed=...)`` with seed 0 by default.
        data_root: folder of the dataset.

    Raises:
        ValueError: the options are others, or out of range.
    """

    def __init__(self, options: Mapping, data_root: str | None = '') -> None:
        self.options = dict(options)
        self.file, self.rate, self.seed = options.get('file'), options.get('rate'), options.get('seed', 0)
        if not (set(options) == {'file'} or {'rate'} <= set(options) <= {'rate', 'seed'}):
            raise ValueError(f'noise must be {_FORMS}, but got {dict(options)}')
        if self.file is not None and not is_abs(self.file):
            self.file = os.path.join(data_root or '', self.file)
        if self.rate is not None and (not isinstance(self.rate, (int, float)) or not 0 <= self.rate <= 1):
            raise ValueError(f'noise.rate must be a number from 0 to 1, but got {self.rate!r}')

    def order(self, num_pairs: int) -> np.ndarray:
        """The pair whose caption each pair gets, int64 (num_pairs,).

        Raises:
            FileNotFoundError: the file is not there.
            AnnotationError: the file is not for so many pairs, or no permutation.
        """
        if self.file is not None:
            return read_order(self.file, num_pairs)
        # The legacy generator, because its stream is frozen: the same pairs with every version of NumPy.
        rng = np.random.RandomState(self.seed)
        order = np.arange(num_pairs, dtype=np.int64)
        chosen = rng.permutation(num_pairs)[: int((self.rate or 0) * num_pairs)]
        order[chosen] = rng.permutation(chosen)
        return order

    def apply(self, records: Sequence[Record], where: str) -> tuple[list[Record], np.ndarray]:
        """Exchanges captions, and logs how many.

        Args:
            records: all images of the training split, in the order of the annotation file.
            where: the annotation file, for the log.

        Returns:
            The records with the captions they get, and :meth:`order`.
        """
        captions = [caption for record in records for caption in record.captions]
        owners = np.repeat(np.arange(len(records)), [len(record.captions) for record in records])
        order = self.order(len(captions))
        _log(records, owners, order, where)
        given = iter([captions[pair] for pair in order])
        return [record._replace(captions=[next(given) for _ in record.captions]) for record in records], order


def read_order(file: str, num_pairs: int) -> np.ndarray:
    """Reads the order of a ``.npy`` file.

    Args:
        file: its path; nothing in it is unpickled.
        num_pairs: pairs of the training set.

    Returns:
        int64 (num_pairs,), a permutation.

    Raises:
        FileNotFoundError: it is not there.
        AnnotationError: it is no permutation of so many pairs.
    """
    expected = f'{file}: expected a permutation of the {num_pairs} training pairs, int64 ({num_pairs},)'
    try:
        order = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise FileNotFoundError(
            f'no file {file}: expected a permutation of noisy pairs. Copy it there, or give rate and seed instead'
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise AnnotationError(f'{expected}, but it is no array: {error}') from error
    if not isinstance(order, np.ndarray) or order.dtype.kind not in 'iu':
        raise AnnotationError(f'{expected}, but it holds {getattr(order, "dtype", type(order).__name__)}')
    if order.shape != (num_pairs,):
        advice = 'It is counted over all training pairs: hold none out, and use the official annotation'
        raise AnnotationError(f'{expected}, but it has the shape {order.shape}. {advice}')
    if not np.array_equal(np.sort(order), np.arange(num_pairs)):
        raise AnnotationError(f'{expected}, but a pair is missing or stands there twice')
    return order.astype(np.int64)


def _log(records: Sequence[Record], owners: np.ndarray, order: np.ndarray, where: str) -> None:
    moved = np.flatnonzero(order != np.arange(len(order)))
    pids = np.array([record.pid for record in records], dtype=np.int64)
    own, given = owners[moved], owners[order[moved]]
    right = (own == given) | ((pids[own] == pids[given]) & (pids[own] >= 0))
    print_log(
        f'{where}: {len(moved)} of {len(order)} pairs ({len(moved) / max(len(order), 1):.1%}) are noisy, with the '
        f'caption of another pair; that of {int(right.sum())} is of the same identity all the same',
        logger='current',
    )
