"""A short name for a model with its preprocessing: equal names, equal vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmt2ireid.io.images import READER_VERSION
from mmt2ireid.models import BaseHead
from mmt2ireid.text import CLIPTokenizer, HFTokenizer, Tokenizer, WordTokenizer

_DIGITS = 16
_PARTS = ('image_encoder', 'text_encoder', 'img_neck', 'txt_neck')
# What tokenizers of one vocabulary may treat differently: case, accents, punctuation, hyphens, other scripts.
_PROBES = ("A woman's RED t-shirt, size 42!", 'Café naïve señor', 'кот 人 🙂', 'semi-transparent_bag; jekyll')


def model_fingerprint(model: nn.Module, *, picture_steps: Sequence[Mapping], tokenizer: Tokenizer) -> str:
    """Names a model together with what is done to pictures and texts before it sees them.

    It is taken of the names, shapes and values (as float32) of the encoders, necks and heads whose features are
    compared, of ``test_features``, mean and standard deviation of the pixels, the test pipeline's picture transforms,
    the tokenizer's words, and the version of the reader of images. Heads for training, the config's
    path and the versions of libraries do not count.

    Args:
        model: a ``DualEncoder`` or ``MutualTeaching`` in the precision of its checkpoint; of others all weights count.
        picture_steps: configs of the transforms.
        tokenizer: of the texts.

    Returns:
        16 hexadecimal digits.
    """
    network = retrieval_network(model)
    digest = hashlib.sha256()
    for name, value in sorted(retrieval_state(model).items()):
        digest.update(f'{name} {tuple(value.shape)}\n'.encode())
        digest.update(value.detach().to('cpu', torch.float32).contiguous().numpy().tobytes())
    settings = dict(
        test_features=getattr(network, 'test_features', None),
        pixels=_pixels(getattr(model, 'data_preprocessor', None)),
        pictures=_plain(picture_steps),
        texts=describe_tokenizer(tokenizer),
    )
    if READER_VERSION > 1:  # the first one is not in the names of galleries that it filled
        settings['reader'] = READER_VERSION
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:_DIGITS]


def retrieval_network(model: nn.Module) -> nn.Module:
    """The network that retrieval runs: of two that teach each other the first teacher, else the model itself."""
    teachers: Any = getattr(model, 'teachers', None)
    return teachers[0] if teachers is not None else model


def retrieval_heads(model: nn.Module) -> list[str]:
    """Names of the heads whose features are compared in retrieval."""
    network: Any = retrieval_network(model)
    chosen = getattr(network, 'test_features', 'global')
    if chosen != 'both':
        return [] if chosen == 'global' else [chosen]
    return [name for name, head in network.heads.items() if type(head).embed is not BaseHead.embed]


def retrieval_state(model: nn.Module) -> dict[str, Tensor]:
    """Weights and statistics that retrieval uses, by their names in :func:`retrieval_network`."""
    state = {key: value for key, value in retrieval_network(model).state_dict().items() if isinstance(value, Tensor)}
    prefixes = tuple(f'{part}.' for part in (*_PARTS, *(f'heads.{name}' for name in retrieval_heads(model))))
    used = {key: value for key, value in state.items() if key.startswith(prefixes)}
    return {key: value for key, value in (used or state).items() if not key.endswith('num_batches_tracked')}


def describe_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """What decides which ids a text becomes: kind, length, vocabulary, and the ids of some texts."""
    tokenizer.load()
    if isinstance(tokenizer, WordTokenizer):
        words: Any = tokenizer.words
        if tokenizer.reading() != WordTokenizer(words).reading():
            words = [words, tokenizer.reading()]
    elif isinstance(tokenizer, HFTokenizer):
        words = sorted(tokenizer.backend.get_vocab(True).items())
    else:
        words = [tokenizer.vocab_size, isinstance(tokenizer, CLIPTokenizer) and tokenizer.mask_token]
        if isinstance(tokenizer, CLIPTokenizer) and tokenizer.drop_characters:
            words.append(''.join(sorted(set(tokenizer.drop_characters))))
    vocabulary = hashlib.sha256(json.dumps(words).encode()).hexdigest()
    before = tokenizer.num_truncated
    probes = tokenizer(_PROBES)
    tokenizer.num_truncated = before
    return dict(kind=type(tokenizer).__name__, max_length=tokenizer.max_length, vocabulary=vocabulary, probes=probes)


def _pixels(preprocessor: Any) -> dict[str, Any]:
    found = {name: getattr(preprocessor, name, None) for name in ('mean', 'std', 'to_rgb')}
    return {name: value.flatten().tolist() if isinstance(value, Tensor) else value for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, type):
        return value.__name__
    return value if value is None or isinstance(value, (str, int, float, bool)) else repr(value)
