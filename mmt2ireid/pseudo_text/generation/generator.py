"""Divide, conquer, combine over millions of images: sharded, resumable, by one process or many."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mmt2ireid.io.locks import share_lock
from mmt2ireid.pseudo_text.conquer.choices import Choices
from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer, FeatureScorer
from mmt2ireid.pseudo_text.divide.catalogue import Catalogue
from mmt2ireid.pseudo_text.generation.batch_scoring import BatchScoring
from mmt2ireid.pseudo_text.generation.features import FeatureStore
from mmt2ireid.pseudo_text.generation.final_files import (
    Counts,
    are_final_files_whole,
    read_counts,
    refuse_damaged_shards,
    remove_final_files,
    write_final_files,
)
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions
from mmt2ireid.pseudo_text.generation.image_stamps import ImageStamps
from mmt2ireid.pseudo_text.generation.loading import ImageBatch, Unreadable, any_readable, batches_of, image_batches
from mmt2ireid.pseudo_text.generation.provenance import ResultFolder
from mmt2ireid.pseudo_text.generation.ranks import Ranks
from mmt2ireid.pseudo_text.generation.shard_files import ShardFiles
from mmt2ireid.pseudo_text.generation.store import PseudoTextStore
from mmt2ireid.pseudo_text.sources.image_source import ImageSource
from mmt2ireid.version import __version__

logger = logging.getLogger(__name__)

_KIND = 'pseudo-texts'
_STEM = 'pseudo_texts'
_NAMES = re.compile(_STEM + r'-\d+-of-\d+\.(arrow|parquet)|captions\.json|unreadable\.jsonl|summary\.json')
_MEANINGS = {'composer': 'templates, synonyms, say_most', 'source': 'names of the images'}
_PATIENCE = 120.0  # seconds until a network file system shows what another machine wrote


class Composer(Protocol):
    """What the generator needs of a :class:`~mmt2ireid.pseudo_text.CaptionComposer`."""

    seed: int

    @property
    def digest(self) -> str:
        """What tells it from another."""

    def compose_all(self, image_id: str, attributes: dict[str, str | None], count: int) -> list[str]:
        """Several captions of an image."""


class PseudoTextGenerator:
    """Captions the images of a source.

    Each shard is a file that is written whole or not at all and tells of every image of its range. A run that was
    killed goes on with the shards that are missing; its batches are those of an uninterrupted run, and so are its
    results, bit by bit. Several ranks take turns with the shards. When all are there, rank 0 puts ``captions.json``,
    ``unreadable.jsonl`` and ``summary.json`` together. Memory does not grow with the images, but for their names.

    One run at a time may write a folder: it is locked, until the last of the run's processes has ended.

    Args:
        source: the images.
        scorer: says how probable each phrase is.
        catalogue: the attributes.
        composer: writes the captions.
        out: folder of the results.
        features: folder where image features are kept, or were by an earlier run, whose images are then not read
            again; for a :class:`~mmt2ireid.pseudo_text.conquer.scorer.FeatureScorer` only.
        options: the defaults when None.
        ranks: None for a process that works alone.

    Raises:
        ValueError: the scorer has no features that could be kept, or an attribute has the name of a column.
    """

    def __init__(
        self,
        source: ImageSource,
        scorer: AttributeScorer,
        catalogue: Catalogue,
        composer: Composer,
        *,
        out: str | os.PathLike[str],
        features: str | os.PathLike[str] | None = None,
        options: GeneratorOptions | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.options = options = options or GeneratorOptions()
        self.ranks = ranks or Ranks()
        self._source, self._scorer, self._catalogue, self._composer = source, scorer, catalogue, composer
        self._out = Path(out)
        self._folder = ResultFolder(
            self._out, _KIND, _NAMES, advice='choose another folder, or make it anew with --fresh (fresh=True)',
            meanings=_MEANINGS,
        )  # fmt: skip
        self._stamps = ImageStamps(self._out, source, options.shard_size)
        self._features = None if features is None else self._feature_store(Path(features))
        self._feature_stamps = None if features is None else ImageStamps(Path(features), source, options.shard_size)
        files = ShardFiles(self._out, _STEM, f'.{options.file_format}', len(source), options.shard_size)
        self._scoring = BatchScoring(source, scorer, catalogue, self._features, options)
        # No path of this machine in a shard: the same images and options give the same bytes anywhere.
        self._store = PseudoTextStore(
            files, list(catalogue), {**self._provenance(), 'mmt2ireid': __version__}, split=options.split
        )

    def _feature_store(self, folder: Path) -> FeatureStore:
        if not isinstance(self._scorer, FeatureScorer):
            raise ValueError(f'features can be kept of a FeatureScorer only, but got {type(self._scorer).__name__}')
        if folder.resolve() == self._out.resolve():
            raise ValueError(f'features must be kept in a folder of their own, but got {folder} for both')
        options = self.options
        return FeatureStore(
            folder, num_images=len(self._source), shard_size=options.shard_size, dtype=options.feature_dtype
        )

    def _provenance(self) -> dict[str, Any]:
        """All that the results depend on."""
        options = self.options
        return {
            'scorer': self._scorer.provenance(), 'catalogue': self._catalogue.digest,
            'composer': self._composer.digest, 'seed': self._composer.seed, 'threshold': options.threshold,
            'num_captions': options.num_captions, 'images': len(self._source), 'source': self._source.fingerprint,
            'shard_size': options.shard_size, 'batch_size': options.batch_size, 'split': options.split,
            'file_format': options.file_format, 'embed_images': options.embed_images,
            'features': None if self._features is None else options.feature_dtype,
        }  # fmt: skip

    def run(self) -> Counts:
        """Makes what is missing.

        Returns:
            The counts of the whole run, also in ``summary.json``.

        Raises:
            ValueError: the folder holds results of other options; no image can be read; scores are not what they
                should be; a shard is damaged.
            FileExistsError: the folder holds something that this tool did not make.
            RuntimeError: a worker died, or another rank left shards out.
            LockedError: another run is writing the folder, or the features that this one would write.
            OSError: the machine failed, not an image: the disk is full, the file server is gone.
        """
        with self.ranks, ExitStack() as held:
            self.ranks.lead(lambda: self._prepare(held))
            if self.ranks.rank:
                held.enter_context(self._folder.lock(shared=True))
            self._folder.check(self._provenance())
            self._make(self._share())
            self.ranks.wait()
            self.ranks.lead(self._finish)
        counts = read_counts(self._out)
        assert counts is not None
        return counts

    def _prepare(self, held: ExitStack) -> None:
        recorded = {'mmt2ireid': __version__, 'torch': torch.__version__, 'source': self._source.where}
        features: dict[str, Any] = {}
        if self._features is not None:
            assert isinstance(self._scorer, FeatureScorer)
            features = self._features.wanted(self._scorer.encoder_provenance(), self._source.fingerprint)
            # Before anything is removed; their folder, maybe within the other, is made after that.
            self._features.folder.examine(features)
        self._folder.examine(self._provenance(), fresh=self.options.fresh)
        lock = held.enter_context(self._folder.lock())
        if self._features is not None and self._features.files.missing():
            held.enter_context(self._features.folder.lock())
        self._folder.prepare(self._provenance(), recorded, fresh=self.options.fresh)
        if self._features is not None:
            self._features.folder.prepare(features, recorded)
        self._refuse_changed_images()
        refuse_damaged_shards(self._out, self._store.files)
        if self._store.files.missing():
            remove_final_files(self._out)
        if self.ranks.world_size > 1:
            share_lock(lock, self._out)  # the other ranks take it, too: some may live on where this one is killed

    def _refuse_changed_images(self) -> None:
        missing, progress = set(self._store.files.missing()), self.options.progress
        done = [shard for shard in range(len(self._store.files)) if shard not in missing]
        advice = f'start over with --fresh (fresh=True), or remove these shards from {self._out}'
        self._stamps.clean(everything=self.options.fresh)
        self._stamps.refuse_changed(done, 'captions', advice, progress=progress)
        if self._features is not None and self._feature_stamps is not None:
            used = [shard for shard in sorted(missing) if self._features.has(shard)]
            advice = f'choose another folder for features, or remove these shards from {self._features.files.folder}'
            self._feature_stamps.clean(everything=False)
            self._feature_stamps.refuse_changed(used, 'features', advice, progress=progress)

    def _share(self) -> list[int]:
        """Shards of this rank, done or not."""
        return list(range(self.ranks.rank, len(self._store.files), self.ranks.world_size))

    def _make(self, share: Sequence[int]) -> None:
        files, missing = self._store.files, set(self._store.files.missing())
        todo = [shard for shard in share if shard in missing]
        done = sum(len(files.range_of(shard)) for shard in share if shard not in missing)
        to_read = [files.range_of(shard) for shard in todo if self._features is None or not self._features.has(shard)]
        options = self.options
        images = image_batches(
            self._source, self._scorer.transform, to_read, batch_size=options.batch_size,
            num_workers=options.num_workers, keep_contents=options.embed_images,
        )  # fmt: skip
        began, total = time.perf_counter(), sum(len(files.range_of(shard)) for shard in share)
        hidden = not options.progress or self.ranks.rank != 0
        with tqdm(total=total, initial=done, desc=_KIND, unit=' images', disable=hidden) as bar:
            try:
                for shard in todo:
                    self._make_shard(shard, images, bar)
            finally:
                images.close()  # ends the workers
        seconds = time.perf_counter() - began
        if todo:
            logger.info('rank %d: %d images in %.0f s, %.1f images/s', self.ranks.rank, total - done, seconds,
                        (total - done) / seconds)  # fmt: skip

    def _make_shard(self, shard: int, images: Generator[ImageBatch, None, None], bar: Any) -> None:
        is_kept = self._features is not None and self._features.has(shard)
        batches = list(batches_of(self._store.files.range_of(shard), self.options.batch_size))
        if is_kept:
            scored = self._scoring.from_features(self._features.read(shard), batches)  # type: ignore[union-attr]
        else:
            scored = self._scoring.from_images(images, batches)
        indices: list[int] = []
        parts: list[Tensor] = []
        unreadable: list[Unreadable] = []
        stamps: list[np.ndarray] = []
        with self._store.writer(shard) as writer:
            for batch in scored:
                names = [self._source.id_of(index) for index in batch.indices]
                captions = self._compose(names, batch.choices)
                writer.write(names, captions, batch.choices, batch.contents, batch.unreadable)
                indices += batch.indices
                unreadable += batch.unreadable
                if batch.features is not None:
                    parts.append(batch.features)
                if batch.stamps is not None:
                    stamps.append(batch.stamps)
                bar.update(len(batch.bounds))
            if not indices:
                self._refuse_wrong_root(unreadable)
            self._keep_stamps(shard, np.concatenate(stamps) if stamps else None)
            if self._features is not None and not is_kept:
                self._features.write(shard, indices, parts, unreadable)

    def _keep_stamps(self, shard: int, stamps: np.ndarray | None) -> None:
        if self._feature_stamps is not None and stamps is None:
            stamps = self._feature_stamps.read(shard)
        elif self._feature_stamps is not None:
            self._feature_stamps.write(shard, stamps)
        self._stamps.write(shard, stamps)

    def _refuse_wrong_root(self, unreadable: Sequence[Unreadable]) -> None:
        if not any_readable(self._source, self._scorer.transform):
            first = unreadable[0]
            raise ValueError(
                f'{self._source.where}: none of the {len(unreadable)} images of a shard can be read, nor any of a '
                f'sample of all {len(self._source)}. The first, {first.image_id!r}, {first.reason}. Is the root right?'
            )

    def _compose(self, names: Sequence[str], choices: Choices) -> list[list[str]]:
        count, attributes = self.options.num_captions, list(choices.phrases)
        # strict: a scorer's columns must not be silently cut to the shortest.
        rows = zip(*choices.phrases.values(), strict=True) if names else ()
        return [
            self._composer.compose_all(name, dict(zip(attributes, row, strict=True)), count)
            for name, row in zip(names, rows, strict=True)
        ]

    def _finish(self) -> None:
        """Puts the final files together, unless an earlier run has and they are as it wrote them."""
        waited = time.monotonic() + _PATIENCE * (self.ranks.world_size > 1)
        while missing := self._store.files.missing():
            if time.monotonic() >= waited:
                raise RuntimeError(f'{self._out}: {len(missing)} shards are missing, such as '
                                   f'{self._store.files.path(missing[0]).name}; start again')  # fmt: skip
            time.sleep(1)
        if not are_final_files_whole(self._out):
            logger.info('%s: putting %d shards together', self._out, len(self._store.files))
            write_final_files(self._out, self._store, list(self._catalogue), self._source.left_out)
