"""Tiny parts whose pipelines tokenise with a vocabulary of words."""

from __future__ import annotations

from types import SimpleNamespace

from tiny_parts import TinyModel, TinyPairs
from torch.utils.data import ConcatDataset

from mmt2ireid.registry import DATASETS, MODELS
from mmt2ireid.text import WordTokenizer


@DATASETS.register_module()
class WordPairs(TinyPairs):
    """The tiny pairs with a pipeline that holds a word tokenizer."""

    def __init__(self, vocab: str, **kwargs) -> None:
        super().__init__(**kwargs)
        transforms = [SimpleNamespace(), SimpleNamespace(tokenizer=WordTokenizer(vocab))]
        self.pipeline = SimpleNamespace(transforms=transforms)


@DATASETS.register_module()
class WordPairsTwice(ConcatDataset):
    """Two of them, joined."""

    metainfo = dict(name='tiny')

    def __init__(self, vocab: str) -> None:
        super().__init__([WordPairs(vocab, num_pids=3), WordPairs(vocab, num_pids=3, seed=1)])


@MODELS.register_module()
class WordModel(TinyModel):
    """The tiny model with a text encoder that has so many embeddings."""

    def __init__(self, vocab_size: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.text_encoder = SimpleNamespace(vocab_size=vocab_size)
