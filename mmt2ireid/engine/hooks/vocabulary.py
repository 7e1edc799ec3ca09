"""The words that a run's token ids stand for: kept with the run, and compared when its weights are loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.registry import HOOKS

FILE_NAME = 'vocabulary.json'
META_KEY = 'vocabulary'


@HOOKS.register_module()
class VocabularyHook(Hook):
    """Lets a word vocabulary travel with the weights that were trained with it.

    A vocabulary in another order has the same size, so that weights would load and every word would mean another. The
    words of the pipelines' tokenizers (those that have ``words``) go into every checkpoint's meta and into
    ``vocabulary.json`` in the working directory; a checkpoint with other words is refused, whether it is resumed,
    tested or started from. Pipelines without such a tokenizer (BERT's) have nothing to keep, and the hook does
    nothing.
    """

    def __init__(self) -> None:
        self.words: list[str] | None = None

    def before_run(self, runner: Runner) -> None:
        """Finds the vocabulary and compares it with the text encoder.

        Args:
            runner: the runner.

        Raises:
            ValueError: two pipelines have different words, or the text encoder has not an embedding for each.
        """
        for tokenizer in _tokenizers(runner):
            words = list(tokenizer.words)
            if self.words is not None and words != self.words:
                told = _difference(words, self.words, 'one', 'another')
                raise ValueError(f'Pipelines of a run must have one vocabulary, but {told}')
            self.words, needed = words, tokenizer.vocab_size
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        known = getattr(getattr(model, 'text_encoder', None), 'vocab_size', None)
        if self.words is not None and known is not None and known < needed:
            raise ValueError(
                f'text_encoder.vocab_size must be at least {needed}, the words of the vocabulary and two, but got '
                f'{known}'
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compares.

        Args:
            runner: the runner.
            checkpoint: what was loaded.

        Raises:
            ValueError: the checkpoint was trained with other words.
        """
        if self.words is None:
            return
        name = f'checkpoint {runner._load_from or "of the working directory"}'
        meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
        theirs = meta.get(META_KEY) if isinstance(meta, dict) else None
        if theirs is None:
            runner.logger.warning(f'{name} does not say which words it was trained with: they cannot be compared')
        elif list(theirs) != self.words:
            raise ValueError(
                f'{name} must have the vocabulary of the pipelines, but '
                f'{_difference(theirs, self.words, "the checkpoint", "the pipelines")}; write its words with '
                'tools/build_vocabulary.py CONFIG --checkpoint CHECKPOINT'
            )

    def before_train(self, runner: Runner) -> None:
        """Writes the vocabulary into the working directory.

        Args:
            runner: the runner.
        """
        if self.words is not None and is_main_process():
            next(_tokenizers(runner)).save(os.path.join(runner.work_dir, FILE_NAME))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Adds the words to the checkpoint's meta.

        Args:
            runner: the runner.
            checkpoint: changed in place.
        """
        if self.words is not None:
            checkpoint['meta'][META_KEY] = list(self.words)


def _tokenizers(runner: Runner) -> Iterator[Any]:
    """Tokenizers with words, of all pipelines of the loops that are built."""
    for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
        if isinstance(loop, BaseLoop):
            for pipeline in _pipelines(loop.dataloader.dataset):
                tokenizers = [getattr(transform, 'tokenizer', None) for transform in pipeline.transforms]
                yield from (tokenizer for tokenizer in tokenizers if hasattr(tokenizer, 'words'))


def _pipelines(dataset: Any) -> Iterator[Any]:
    """Pipelines of a dataset and of those that a wrapper such as ``ConcatDataset`` holds."""
    if dataset is None:
        return
    if hasattr(dataset, 'pipeline'):
        yield dataset.pipeline
    for part in getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]:
        yield from _pipelines(part)


def _difference(words: Sequence[str], others: Sequence[str], who: str, other: str) -> str:
    """Says how two vocabularies differ: their lengths, and the first place where they do."""
    place = next(n for n, (word, theirs) in enumerate(zip_longest(words, others)) if word != theirs)
    first, second = (repr(part[place]) if place < len(part) else 'none' for part in (words, others))
    return f'{who} has {len(words)} words and {other} {len(others)}; word {place} is {first} there and {second} here'
