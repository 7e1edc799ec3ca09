"""Cosine similarities of a few queries at a time with a whole gallery, in full precision and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

_EPS = 1e-12
# Longer rows are divided by their length before they are multiplied, lest the product overflows float32.
_MAX_LENGTH = 1e15
_MAX_BLOCK_BYTES = 2**25
# On a CPU the scores of a chunk should stay near the caches; a GPU wants large launches.
_MAX_ROWS = {'cpu': 256}
_MAX_ROWS_GPU = 4096


class ChunkedCosine:
    """Cosine similarities of chunks of queries with all gallery items.

    Products are taken of the features as they came and divided by the lengths afterwards: what ties in exact
    arithmetic (quantised features, say) is not torn apart by the rounding of a normalisation. Gallery rows that are
    equal bit for bit get equal scores whatever the order in which a matrix product sums.

    Args:
        query_feats: (Q, D), any real dtype; tensor, array, or list of rows.
        gallery_feats: (G, D).
        device: where to compute; None is where the gallery lies.
        max_bytes: memory that may be used beyond the features.

    Attributes:
        dtype: torch.float32, or torch.float64 where an input has it.
        query_scale: (Q,), multiplies a query's row of scores to make cosines of it.

    Raises:
        ValueError: features that are not two matrices of equal width, are empty, or hold NaN or infinite values.
    """

    def __init__(
        self, query_feats: Any, gallery_feats: Any, *, device: str | torch.device | None = None, max_bytes: int = 2**30
    ) -> None:
        query = _as_matrix(query_feats, 'query_feats')
        gallery = _as_matrix(gallery_feats, 'gallery_feats')
        if query.size(1) != gallery.size(1):
            raise ValueError(
                f'query_feats and gallery_feats must be equally wide, but got {query.size(1)} and {gallery.size(1)}'
            )
        self.max_bytes = max_bytes
        self.device = gallery.device if device is None else torch.device(device)
        self.dtype = torch.promote_types(torch.promote_types(query.dtype, gallery.dtype), torch.float32)
        self.query, self.query_scale = self._with_scale(query, 'query_feats')
        self.gallery, self._gallery_scale = self._with_scale(gallery, 'gallery_feats')
        self._repeated, self._originals = self._find_repeated_rows()

    @property
    def num_queries(self) -> int:
        """Q."""
        return self.query.size(0)

    @property
    def num_gallery(self) -> int:
        """G."""
        return self.gallery.size(0)

    def rows_per_chunk(self, bytes_per_score: int, bytes_per_query: int = 0) -> int:
        """How many queries fit into the memory at once.

        Args:
            bytes_per_score: what the caller needs per query and gallery item, beside the scores.
            bytes_per_query: what the caller needs per query.

        Raises:
            ValueError: not even one query fits.
        """
        size = self.dtype.itemsize
        per_score = bytes_per_score + size + (size if len(self._repeated) else 0)
        per_query = per_score * self.num_gallery + bytes_per_query + 2 * size * self.query.size(1)
        block = 0 if self.gallery.dtype == self.dtype else self._block_rows() * size * self.query.size(1)
        if per_query + block > self.max_bytes:
            raise ValueError(
                f'max_bytes must be at least {per_query + block} to rank {self.num_gallery} items, '
                f'but got {self.max_bytes}'
            )
        return min((self.max_bytes - block) // per_query, _MAX_ROWS.get(self.device.type, _MAX_ROWS_GPU))

    def buffers(self, rows: int) -> tuple[Tensor, Tensor]:
        """Two matrices (rows, G): for :meth:`scores` to write to, and for the caller's work."""
        shape = (rows, self.num_gallery)
        scores, work = (torch.empty(shape, dtype=self.dtype, device=self.device) for _ in range(2))
        return scores, work

    def scores(self, rows: Tensor, out: Tensor) -> Tensor:
        """Scores of some queries: cosines but for the factor ``query_scale``, which moves no rank.

        Args:
            rows: int64 (n,), which queries.
            out: (n or more, G), memory to write to.

        Returns:
            (n, G), a part of ``out``.
        """
        query = self.query[rows].to(self.dtype)
        scores = out[: len(rows)]
        with _full_precision():
            if self.gallery.dtype == self.dtype:
                torch.mm(query, self.gallery.T, out=scores)
            else:
                for part in _blocks(self.num_gallery, self._block_rows()):
                    torch.mm(query, self.gallery[part].to(self.dtype).T, out=scores[:, part])
        scores *= self._gallery_scale
        if len(self._repeated):
            scores[:, self._repeated] = scores[:, self._originals]
        return scores

    def _block_rows(self) -> int:
        limit = min(_MAX_BLOCK_BYTES, self.max_bytes // 16)
        return max(1, limit // (self.dtype.itemsize * self.query.size(1)))

    def _with_scale(self, feats: Tensor, name: str) -> tuple[Tensor, Tensor]:
        feats = feats.to(self.device)
        lengths, num_bad = [], 0
        block_rows = max(1, min(_MAX_BLOCK_BYTES, self.max_bytes // 16) // (self.dtype.itemsize * feats.size(1)))
        for part in _blocks(len(feats), block_rows):
            block = feats[part].to(self.dtype)
            num_bad += int((~torch.isfinite(block).all(1)).sum())
            lengths.append(torch.linalg.vector_norm(block.double(), dim=1))
        if num_bad:
            raise ValueError(
                f'{name} must be finite, but got {num_bad} of {len(feats)} rows with NaN or infinite values'
            )
        length = torch.cat(lengths).clamp_(min=_EPS)
        if length.max() > _MAX_LENGTH:
            feats = (feats.double() / length[:, None]).to(self.dtype)
            length = torch.ones_like(length)
        return feats, length.reciprocal_().to(self.dtype)

    def _find_repeated_rows(self) -> tuple[Tensor, Tensor]:
        """Gallery rows that equal an earlier one, and the first row that each of them equals; both int64 (R,)."""
        word = torch.int64 if self.dtype == torch.float64 else torch.int32
        generator = torch.Generator().manual_seed(0)
        factors = torch.randint(2**62, (self.gallery.size(1),), generator=generator).to(self.device)
        keys = []
        for part in _blocks(self.num_gallery, self._block_rows()):
            block = self.gallery[part].to(self.dtype) + 0.0  # makes 0.0 of -0.0
            keys.append((block.view(word).to(torch.int64) * factors).sum(1).cpu())
        _, first, inverse = np.unique(torch.cat(keys).numpy(), return_index=True, return_inverse=True)
        originals = first[inverse]
        repeated = np.flatnonzero(originals != np.arange(self.num_gallery))
        copies = torch.from_numpy(repeated).to(self.device)
        sources = torch.from_numpy(originals[repeated]).to(self.device)
        same = [
            (self.gallery[copies[part]] == self.gallery[sources[part]]).all(1)
            for part in _blocks(len(copies), self._block_rows())
        ]
        return (copies[torch.cat(same)], sources[torch.cat(same)]) if same else (copies, sources)


def _as_matrix(feats: Any, name: str) -> Tensor:
    if isinstance(feats, Sequence) and len(feats) and isinstance(feats[0], Tensor):
        feats = torch.stack(list(feats))
    if not isinstance(feats, Tensor):
        array = np.ascontiguousarray(feats)
        if array.dtype.kind not in 'fiub':
            raise ValueError(f'{name} must be numbers, but got dtype {array.dtype}')
        feats = torch.from_numpy(array if array.flags.writeable else array.copy())
    if feats.ndim != 2 or 0 in feats.shape:
        raise ValueError(f'{name} must be a matrix (items, width) that is not empty, but got {tuple(feats.shape)}')
    feats = feats.detach()
    return feats if feats.is_floating_point() else feats.float()


def _blocks(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32 or bfloat16 shortcuts inside; the caller's settings come back afterwards.

    Autocast needs no switching off: it does not touch products that are written to given memory.
    """
    backends: list[Any] = [torch.backends.cuda.matmul]
    if hasattr(torch.backends.mkldnn, 'matmul'):
        backends.append(torch.backends.mkldnn.matmul)
    if all(hasattr(backend, 'fp32_precision') for backend in backends):
        name, exact = 'fp32_precision', 'ieee'
    else:
        backends, name, exact = [_LegacyPrecision()], 'value', 'highest'
    before = [getattr(backend, name) for backend in backends]
    try:
        for backend in backends:
            setattr(backend, name, exact)
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            setattr(backend, name, value)


class _LegacyPrecision:
    """The one switch of torch before 2.9, as an attribute."""

    @property
    def value(self) -> str:
        return torch.get_float32_matmul_precision()

    @value.setter
    def value(self, precision: str) -> None:
        torch.set_float32_matmul_precision(precision)
