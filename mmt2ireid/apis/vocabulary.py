"""Word vocabularies of configs, for text encoders that know words by number."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmt2ireid.compat import load_from_local
from mmt2ireid.registry import DATASETS
from mmt2ireid.text import WordTokenizer

_READING = ('lower_case', 'delete_punctuation', 'end_word')


def vocabulary_file(cfg: Config) -> str:
    """The file that the training pipeline's word tokenizer reads.

    Args:
        cfg: a complete config.

    Returns:
        Its path.

    Raises:
        ValueError: there is no ``WordTokenizer`` with a file in the pipeline, or there are several.
    """
    found = sorted({tokenizer['vocab'] for tokenizer in _word_tokenizers(cfg.train_dataloader.dataset)})
    if len(found) != 1:
        raise ValueError(
            "The training pipeline must have one tokenizer=dict(type='WordTokenizer', vocab=FILE), but got "
            f'{found or "none"}'
        )
    return found[0]


def build_vocabulary(cfg: Config, min_count: int = 3) -> tuple[WordTokenizer, int]:
    """Counts the words of a config's training captions (CMMT, ICCV 2021: vocabulary of the training set).

    The images are not read. Captions are divided into words as the training pipeline's tokenizer does.

    Args:
        cfg: a complete config.
        min_count: words seen less often are left to UNK.

    Returns:
        A tokenizer with the words, and how many captions were counted.

    Raises:
        ValueError: no word occurs so often, or there are more words than the text encoder has embeddings for.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmt2ireid')):
        dataset = DATASETS.build(_without_pipeline(cfg.train_dataloader.dataset))
    captions = [caption for part in _parts(dataset) for caption in part.all_captions()]
    reading = next(_word_tokenizers(cfg.train_dataloader.dataset), {})
    styles = {name: reading[name] for name in _READING if name in reading}
    tokenizer = WordTokenizer.build(captions, min_count, **styles)
    known = cfg.model.text_encoder.get('vocab_size')
    if known is not None and known < tokenizer.vocab_size:
        raise ValueError(
            f'model.text_encoder.vocab_size must be at least {tokenizer.vocab_size}, the words found and two, but got '
            f'{known}'
        )
    return tokenizer, len(captions)


def checkpoint_vocabulary(path: str | os.PathLike) -> WordTokenizer:
    """The words that a checkpoint was trained with.

    Args:
        path: a checkpoint of a run with ``VocabularyHook``.

    Returns:
        A tokenizer with them.

    Raises:
        ValueError: the checkpoint does not tell.
    """
    checkpoint = load_from_local(os.fspath(path), 'cpu')
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    words = meta.get('vocabulary') if isinstance(meta, dict) else None
    if not words:
        raise ValueError(f'{path} must be of a run with VocabularyHook, but its meta holds no vocabulary')
    return WordTokenizer(words)


def _word_tokenizers(cfg: Any) -> Iterator[dict]:
    """All word tokenizers with a file, at any depth of a config."""
    if isinstance(cfg, dict):
        kind = cfg.get('type')
        name = kind.__name__ if isinstance(kind, type) else str(kind)
        if name.split('.')[-1] == 'WordTokenizer' and isinstance(cfg.get('vocab'), str):
            yield cfg
    for part in cfg.values() if isinstance(cfg, dict) else cfg if isinstance(cfg, (list, tuple)) else ():
        yield from _word_tokenizers(part)


def _without_pipeline(cfg: Any) -> Any:
    """A dataset's config without pipelines, which would ask for the vocabulary that is yet to be built."""
    if isinstance(cfg, dict):
        return {key: _without_pipeline(value) for key, value in cfg.items() if key != 'pipeline'}
    return [_without_pipeline(part) for part in cfg] if isinstance(cfg, (list, tuple)) else cfg


def _parts(dataset: Any) -> Iterator[Any]:
    """A dataset or, of wrappers such as ``ConcatDataset``, all within."""
    if hasattr(dataset, 'all_captions'):
        yield dataset
        return
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if parts == [None]:
        raise ValueError(f'The training set must be one with captions, but got {type(dataset).__name__}')
    for part in parts:
        yield from _parts(part)
