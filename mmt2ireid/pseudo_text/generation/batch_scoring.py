"""Conquer, batch by batch: from images, or from features that were kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmt2ireid.io.image_files import BadImageError
from mmt2ireid.pseudo_text.conquer.choices import Choices, check_scores, choose_attributes
from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer, FeatureScorer
from mmt2ireid.pseudo_text.divide.catalogue import Attribute
from mmt2ireid.pseudo_text.generation.features import FeatureStore, ShardFeatures
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions
from mmt2ireid.pseudo_text.generation.loading import ImageBatch, Unreadable
from mmt2ireid.pseudo_text.sources.image_source import ImageSource


@dataclass
class ScoredBatch:
    """A batch on its way into a shard.

    Attributes:
        bounds: numbers of its images.
        indices: numbers of those that could be read.
        choices: their attributes.
        contents: these images, encoded, where they are to be embedded.
        unreadable: the others.
        features: rounded, of the readable ones, where they are to be kept.
        stamps: of all its images, where they were read; see :class:`ImageBatch`.
    """

    bounds: range
    indices: list[int]
    choices: Choices
    contents: list[bytes] | None
    unreadable: list[Unreadable]
    features: Tensor | None = None
    stamps: np.ndarray | None = None


class BatchScoring:
    """Chooses the attributes of batches.

    Args:
        source: the images.
        scorer: says how probable each phrase is; one with features where there is a store for them.
        catalogue: the attributes.
        features: None where they are not kept.
        options: threshold, and whether images are embedded.
    """

    def __init__(
        self,
        source: ImageSource,
        scorer: AttributeScorer,
        catalogue: Mapping[str, Attribute],
        features: FeatureStore | None,
        options: GeneratorOptions,
    ) -> None:
        self._source, self._scorer, self._catalogue = source, scorer, catalogue
        self._features, self._options = features, options

    def from_images(self, images: Iterator[ImageBatch], batches: Sequence[range]) -> Iterator[ScoredBatch]:
        """Takes the batches from what the workers read."""
        for bounds in batches:
            batch = next(images)
            assert batch.bounds == bounds
            features = self._encode(batch) if self._features is not None and batch.indices else None
            choices = self._choose(bounds, len(batch.indices), batch.images, features)
            contents = batch.contents if self._options.embed_images else None
            yield ScoredBatch(bounds, batch.indices, choices, contents, batch.unreadable, features, batch.stamps)

    def from_features(self, kept: ShardFeatures, batches: Sequence[range]) -> Iterator[ScoredBatch]:
        """Reads no image, unless they are to be embedded."""
        for bounds in batches:
            part = kept.part(bounds)
            indices = part.indices.tolist()
            choices = self._choose(bounds, len(indices), None, part.features)
            contents = [self._content(index) for index in indices] if self._options.embed_images else None
            yield ScoredBatch(bounds, indices, choices, contents, part.unreadable)

    def _encode(self, batch: ImageBatch) -> Tensor:
        assert isinstance(self._scorer, FeatureScorer) and self._features is not None
        with torch.inference_mode():
            return self._features.round(self._scorer.encode(batch.images))

    def _content(self, index: int) -> bytes:
        try:
            return self._source.read(index)
        except BadImageError as error:
            raise ValueError(
                f'{self._source.where}: {self._source.id_of(index)!r} could be read when its features were made, but '
                f'now it {error.reason}; put it back, choose another folder for features, or do not embed images'
            ) from error

    def _choose(self, bounds: range, count: int, images: Any, features: Tensor | None) -> Choices:
        if not count:
            return Choices({}, {})
        try:
            with torch.inference_mode():
                scores = self._score(images, features)
            check_scores(scores, self._catalogue, count)
            return choose_attributes(scores, self._catalogue, self._options.threshold)
        except ValueError as error:
            first, last = self._source.id_of(bounds[0]), self._source.id_of(bounds[-1])
            raise ValueError(f'{self._source.where}, images {first!r} to {last!r}: {error}') from error

    def _score(self, images: Any, features: Tensor | None) -> dict[str, Tensor]:
        if features is None:
            return self._scorer.score(images)
        assert isinstance(self._scorer, FeatureScorer)
        return self._scorer.score_features(features.float())
