"""Finding persons in a gallery of crops by words, by a picture, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from mmt2ireid.apis.search.crop_keeper import CropKeeper, public_crop
from mmt2ireid.apis.search.encoder import clean_text
from mmt2ireid.apis.search.pictures import Source
from mmt2ireid.gallery import Hit, Where

Filter: TypeAlias = Where | str | Sequence[str] | None


class PersonSearcher(CropKeeper):
    """Finds persons in a gallery of crops.

    ::

        searcher = PersonSearcher(('unipt/vitb16_cuhk', 'best.pth'), 'work_dirs/gallery')
        searcher.add_folder('crops')
        for hit in searcher.search('a woman in a red coat', top_k=5, where='camera=c1,c2'):
            print(hit.score, hit.crop.path)

    Arguments, and how crops get in and out: :class:`~mmt2ireid.apis.search.crop_keeper.CropKeeper`.
    """

    def search(
        self,
        text: str | None = None,
        image: np.ndarray | Source | None = None,
        *,
        top_k: int = 10,
        where: Filter = None,
        text_weight: float = 0.5,
    ) -> list[Hit]:
        """Finds the crops that fit best.

        Args:
            text: a description.
            image: a picture of the person: a PIL image, an array uint8 RGB (H, W, 3), or a path, bytes or file.
            top_k: how many crops.
            where: only crops whose metadata fit: ``'camera=c1,c2'``, or several such conditions, all of which must
                hold.
            text_weight: of the text where both are given, from 0 to 1; the weighted sum of the two vectors, brought to
                unit length, is searched with.

        Returns:
            Best first: crop and cosine similarity.

        Raises:
            BadPictureError: the picture cannot be read.
            ValueError: there is neither text nor picture, or an argument does not fit.
        """
        texts, images = None if text is None else [text], None if image is None else [image]
        return self.search_batch(texts, images, top_k=top_k, where=where, text_weight=text_weight)[0]

    def search_batch(
        self,
        texts: Sequence[str] | None = None,
        images: Sequence[np.ndarray | Source] | None = None,
        *,
        top_k: int = 10,
        where: Filter = None,
        text_weight: float = 0.5,
    ) -> list[list[Hit]]:
        """Like :meth:`search`, for several queries at once.

        Args:
            texts: a text per query.
            images: a picture per query; as many as texts where both are given.
            top_k: how many crops per query.
            where: as in :meth:`search`.
            text_weight: as in :meth:`search`.

        Returns:
            For each query its crops.
        """
        self._check_top_k(top_k)
        condition = parse_filter(where)
        vectors = self.encode(texts, images, text_weight=text_weight)
        return [self._shown(hits) for hits in self.gallery.search(vectors, top_k, condition)]

    def encode(
        self,
        texts: Sequence[str] | None = None,
        images: Sequence[np.ndarray | Source] | None = None,
        *,
        text_weight: float = 0.5,
    ) -> np.ndarray:
        """What is searched with.

        Args:
            texts: as in :meth:`search_batch`.
            images: as in :meth:`search_batch`.
            text_weight: as in :meth:`search`.

        Returns:
            float32 (Q, D), rows of unit length.
        """
        if texts is None and images is None:
            raise ValueError('a search must have a text or a picture, but got neither')
        if texts is not None and images is not None and len(texts) != len(images):
            raise ValueError(f'there must be as many texts as pictures, but got {len(texts)} and {len(images)}')
        if not 0 <= text_weight <= 1:
            raise ValueError(f'text_weight must be from 0 to 1, but got {text_weight}')
        of_texts = None if texts is None else self._encode_texts(texts)
        of_images = None if images is None else self._encode_images([self._picture(image) for image in images])
        if of_texts is None or of_images is None:
            return of_images if of_texts is None else of_texts  # type: ignore[return-value]
        joint = text_weight * of_texts + (1 - text_weight) * of_images
        lengths = np.linalg.norm(joint, axis=1, keepdims=True)
        if not (lengths > 1e-6).all():
            raise ValueError('text and picture must not cancel each other out: give another text_weight')
        return (joint / lengths).astype(np.float32)

    def neighbours(self, crop_id: str, top_k: int = 10, where: Filter = None) -> list[Hit]:
        """The crops that are most like one of the gallery, without itself.

        Args:
            crop_id: of the crop.
            top_k: how many.
            where: as in :meth:`search`.

        Raises:
            KeyError: there is no such crop.
        """
        self._check_top_k(top_k)
        vector = self.gallery.vectors([crop_id])
        hits = self.gallery.search(vector, top_k + 1, parse_filter(where))[0]
        return self._shown([hit for hit in hits if hit.crop.id != crop_id][:top_k])

    def notes(self, text: str) -> list[str]:
        """What a user should know about a text: that it is too long to be read whole, or not understood.

        Args:
            text: what will be searched for.

        Returns:
            Sentences; none if all is well or the model can't tell.

        Raises:
            ValueError: the text holds no word, or is far too long.
        """
        cleaned = clean_text(text)
        read = getattr(self.encoder, 'read_text', None)
        return [] if read is None else read(cleaned).notes

    def _encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        if isinstance(texts, str):
            raise ValueError(f'texts must be a list of str, but got one str: {texts[:60]!r}')
        cleaned = [clean_text(text) for text in texts]
        if not cleaned:
            return np.zeros((0, self.encoder.dim), dtype=np.float32)
        with self._encoding:
            return self.encoder.encode_texts(cleaned)

    @staticmethod
    def _check_top_k(top_k: int) -> None:
        if not isinstance(top_k, (int, np.integer)) or top_k < 1:
            raise ValueError(f'top_k must be an integer of at least 1, but got {top_k!r}')

    @staticmethod
    def _shown(hits: Sequence[Hit]) -> list[Hit]:
        return [replace(hit, crop=public_crop(hit.crop)) for hit in hits]


def parse_filter(where: Filter) -> Where | None:
    """A filter from conditions such as ``'camera=c1,c2'``.

    Args:
        where: one condition, several, a filter as it is, or None.

    Raises:
        ValueError: a condition cannot be read.
    """
    if where is None or isinstance(where, Where):
        return where
    return Where.parse(where) or None
