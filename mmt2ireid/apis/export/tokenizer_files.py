"""Tokenizers as files that ``mmt2ireid.apis.search.exported_tokenizers`` reads."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from mmt2ireid.apis.search.exported_tokenizers import CHARACTERS
from mmt2ireid.text import CLIPTokenizer, HFTokenizer, Tokenizer, WordTokenizer
from mmt2ireid.text.word_tokenizer import FIRST_WORD_ID, UNK_ID, WORD_PATTERN

_TOKENIZER, _WORDS = 'tokenizer.json', 'words.json'
_CLASSES = {'letters': r'\p{L}', 'numbers': r'\p{N}', 'spaces': r'\s'}


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> dict[str, Any]:
    """Writes a tokenizer.

    Args:
        tokenizer: any of the house.
        folder: where to.

    Returns:
        The part ``tokenizer`` of ``meta.json``.

    Raises:
        ValueError: it is of a kind that cannot be exported.
    """
    tokenizer.load()
    if isinstance(tokenizer, WordTokenizer):
        settings = _write_words(tokenizer, folder)
    elif isinstance(tokenizer, CLIPTokenizer):
        settings = _write_clip(tokenizer, folder)
    elif isinstance(tokenizer, HFTokenizer):
        (folder / _TOKENIZER).write_text(tokenizer.backend.to_str(), encoding='utf-8')
        settings = dict(kind='subwords', file=_TOKENIZER)
    else:
        raise ValueError(
            'The tokenizer must be an HFTokenizer, a CLIPTokenizer or a WordTokenizer to be exported, but got '
            f'{type(tokenizer).__name__}'
        )
    return dict(settings, max_length=tokenizer.max_length, special_ids=sorted(tokenizer.special_ids))


def _write_words(tokenizer: WordTokenizer, folder: Path) -> dict[str, Any]:
    content = dict(pattern=WORD_PATTERN, words=tokenizer.words)
    (folder / _WORDS).write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding='utf-8')
    return dict(kind='words', file=_WORDS, first_id=FIRST_WORD_ID, unknown_id=UNK_ID, **tokenizer.reading())


def _write_clip(tokenizer: CLIPTokenizer, folder: Path) -> dict[str, Any]:
    from tokenizers import Tokenizer as Backend
    from tokenizers import models, pre_tokenizers

    pairs = tokenizer.pairs
    merges = sorted(pairs.bpe_ranks, key=pairs.bpe_ranks.__getitem__)
    backend = Backend(models.BPE(vocab=pairs.encoder, merges=merges, end_of_word_suffix='</w>'))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    (folder / _TOKENIZER).write_text(backend.to_str(), encoding='utf-8')
    (folder / CHARACTERS).write_text(json.dumps(_character_classes()), encoding='utf-8')
    return dict(
        kind='clip',
        file=_TOKENIZER,
        start=pairs.sot_token_id,
        end=pairs.eot_token_id,
        drop_characters=tokenizer.drop_characters,
        specials={pairs.decoder[number]: number for number in pairs.all_special_ids},
    )


def _character_classes() -> dict[str, list[list[int]]]:
    """First and last of every run of characters that open_clip's pattern takes for letters, numbers and spaces."""
    import regex

    every = ''.join(map(chr, range(sys.maxunicode + 1)))
    found = {}
    for name, pattern in _CLASSES.items():
        members = (ord(match) for match in regex.findall(pattern, every))
        runs = groupby(enumerate(members), key=lambda item: item[1] - item[0])
        spans = [[number for _, number in run] for _, run in runs]
        found[name] = [[span[0], span[-1]] for span in spans]
    return found
