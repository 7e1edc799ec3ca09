"""The noun phrases of all training captions, where the heads can look them up."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


class PhraseBank(nn.Module):
    """Phrase ids by caption; not in the checkpoint, for the captions tell them.

    Rows go over all phrases of the training set, so that columns mean the same on every rank.

    Attributes:
        num_phrases: different ids, K.
        num_empty: captions without any.
        tagger: what read the captions, ``nltk`` or ``embedded``; '' while nothing has been read.
    """

    ids: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Padded with K, a column that rows() cuts off.
        self.register_buffer('ids', torch.zeros(0, 0, dtype=torch.int64), persistent=False)
        self.num_phrases = self.num_empty = 0
        self.tagger = ''

    def read(
        self,
        captions: Sequence[str],
        *,
        tagger: str = 'auto',
        synonyms: str | os.PathLike | None = 'table',
        max_share: float = 1.0,
        cache_dir: str | os.PathLike | None = None,
        workers: int = 0,
        progress: bool = True,
    ) -> None:
        """Finds the noun phrases of the captions, or reads them from the cache.

        Args:
            captions: N texts, in the order of ``PairTargets.sample_idx``.
            max_share: see :meth:`mmt2ireid.text.PhraseTable.without_common`.
            tagger, synonyms, cache_dir, workers, progress: see :func:`mmt2ireid.text.phrase_table`.
        """
        from mmt2ireid.text import phrase_table  # only users of phrases need that room

        table = phrase_table(
            captions, tagger=tagger, synonyms=synonyms, cache_dir=cache_dir, workers=workers, progress=progress
        )
        self.tagger = table.tagger
        table = table.without_common(max_share)
        self.fill(table.indptr, table.indices, table.num_phrases)

    def fill(self, indptr: np.ndarray, indices: np.ndarray, num_phrases: int) -> None:
        """Takes over phrase ids.

        Args:
            indptr: int64 (N + 1,), where each caption's ids begin.
            indices: the ids, 0..K-1.
            num_phrases: K.
        """
        counts = np.diff(indptr)
        padded = np.full((len(counts), int(counts.max(initial=0))), num_phrases, dtype=np.int64)
        padded[np.arange(padded.shape[1]) < counts[:, None]] = indices
        self.ids = torch.from_numpy(padded).to(self.ids.device)
        self.num_phrases, self.num_empty = num_phrases, int((counts == 0).sum())

    def rows(self, index: Tensor) -> Tensor:
        """Which phrases captions have; needs no synchronisation with the device.

        Args:
            index: int64 (B,), numbers of captions.

        Returns:
            bool (B, K).

        Raises:
            RuntimeError: the bank is empty.
        """
        if not len(self.ids):
            raise RuntimeError('The phrase bank is empty: add NounPhraseHook to custom_hooks, or call read()')
        rows = torch.zeros(len(index), self.num_phrases + 1, dtype=torch.bool, device=self.ids.device)
        return rows.scatter_(1, self.ids.index_select(0, index), True)[:, : self.num_phrases]
