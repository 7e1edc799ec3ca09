"""A small WordPiece vocabulary in BERT's format."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Iterable

VOCAB_SIZE = 1024
SPECIALS = ('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]')


def words_of(caption: str) -> list[str]:
    """Lower-case words without punctuation, as CUHK-PEDES has them: ``t-shirt`` stays one word."""
    return re.findall(r"[a-z0-9]+(?:[-'][a-z0-9]+)*", caption.lower())


def build_vocabulary(captions: Iterable[str], size: int = VOCAB_SIZE) -> list[str]:
    """Special tokens, characters and continuations (so that no word is unknown), punctuation, then whole words.

    Args:
        captions: of the sets that a model is trained on.
        size: number of entries; what the words leave is filled up with ``[unused0]`` and so on, so that model configs
            can state it.

    Returns:
        Entries; the position of each is its id. Words are sorted by falling frequency, then by alphabet.

    Raises:
        ValueError: there are more entries than ``size``.
    """
    characters = string.ascii_lowercase + string.digits
    # BERT splits at punctuation, so that "t-shirt" is read as three words.
    counts = Counter(word for caption in captions for word in re.findall(r'[a-z0-9]+', caption.lower()))
    words = sorted((word for word in counts if len(word) > 1), key=lambda word: (-counts[word], word))
    entries = [*SPECIALS, *characters, *(f'##{c}' for c in characters), *string.punctuation, *words]
    if len(entries) > size:
        raise ValueError(f'the vocabulary must fit into {size} entries, but got {len(entries)}')
    return entries + [f'[unused{i}]' for i in range(size - len(entries))]


def tokenizer_files(captions: Iterable[str], size: int = VOCAB_SIZE) -> dict[str, str]:
    """Name and text of the files from which ``transformers`` loads the vocabulary."""
    config = {
        'tokenizer_class': 'BertTokenizer', 'do_lower_case': True, 'model_max_length': 512,
        'unk_token': '[UNK]', 'sep_token': '[SEP]', 'pad_token': '[PAD]', 'cls_token': '[CLS]', 'mask_token': '[MASK]',
    }  # fmt: skip
    return {
        'vocab.txt': ''.join(f'{entry}\n' for entry in build_vocabulary(captions, size)),
        'tokenizer_config.json': json.dumps(config, indent=2) + '\n',
    }
