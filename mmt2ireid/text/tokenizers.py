"""BERT's and CLIP's tokenizers behind one call, and their building from a config."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from mmt2ireid.text.tokenizer_base import Tokenizer
from mmt2ireid.text.word_tokenizer import WordTokenizer

_NUM_BYTE_TOKENS = 512  # of CLIP's vocabulary: a byte within a word, and one that ends it


class HFTokenizer(Tokenizer):
    """A fast tokenizer of transformers, for BERT and its relatives.

    It is loaded at the first call, so that a config can be built without network. Captions are encoded one by one: the
    library's own threads, which do not survive the fork of data-loading workers, are never started.

    Args:
        name_or_dir: name on the Hugging Face hub, or a local directory with the tokenizer's files.
        max_length: most ids of a caption, special tokens included.
    """

    def __init__(self, name_or_dir: str = 'bert-base-uncased', max_length: int = 100) -> None:
        super().__init__(max_length)
        if not name_or_dir or not isinstance(name_or_dir, str):
            raise ValueError(f'name_or_dir must be the name or directory of a tokenizer, but got {name_or_dir!r}')
        self.name_or_dir = name_or_dir
        self._tokenizer: Any = None
        self._backend: Any = None
        self._unknown_ids: frozenset[int] = frozenset()

    def load(self) -> None:
        """Loads the tokenizer from its directory, the hub's cache or the hub.

        Raises:
            FileNotFoundError: it cannot be had.
            ValueError: it is no fast tokenizer, or has no padding token.
        """
        if self._backend is not None:
            return
        tokenizer = _load_hf_tokenizer(os.path.expanduser(self.name_or_dir))
        if not getattr(tokenizer, 'is_fast', False):
            raise ValueError(f'name_or_dir must name a fast tokenizer, but {self.name_or_dir!r} has none')
        if tokenizer.pad_token_id is None:
            raise ValueError(
                f'name_or_dir must name a tokenizer that pads, but {self.name_or_dir!r} has no padding token'
            )
        backend = tokenizer.backend_tokenizer
        backend.no_padding()
        backend.enable_truncation(self.max_length)
        backend.encode_special_tokens = True  # a caption that says '[MASK]' means these letters
        self._tokenizer, self._backend = tokenizer, backend
        self.num_added = backend.num_special_tokens_to_add(False)
        self._unknown_ids = frozenset(() if tokenizer.unk_token_id is None else (tokenizer.unk_token_id,))

    @property
    def backend(self) -> Any:
        """The library's own ``tokenizers.Tokenizer``, as captions are encoded by it."""
        self.load()
        return self._backend

    def _encode(self, caption: str) -> tuple[list[int], bool]:
        self.load()
        encoding = self._backend.encode(caption)
        return encoding.ids, bool(encoding.overflowing)

    def word_ids(self, caption: str) -> list[int]:
        """For every id of the caption the number of its word; -1 for special tokens."""
        self.load()
        return [-1 if word is None else word for word in self._backend.encode(caption).word_ids]

    @property
    def pad_id(self) -> int:
        """Id of the padding token."""
        self.load()
        return self._tokenizer.pad_token_id

    @property
    def mask_id(self) -> int | None:
        """Id of the mask token."""
        self.load()
        return self._tokenizer.mask_token_id

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of [PAD], [UNK], [CLS], [SEP], [MASK] or what stands for them."""
        self.load()
        return frozenset(self._tokenizer.all_special_ids)

    @property
    def unknown_ids(self) -> frozenset[int]:
        """Id of [UNK] or what stands for it; none where the tokenizer falls back on bytes."""
        self.load()
        return self._unknown_ids

    @property
    def vocab_size(self) -> int:
        """Size of the vocabulary, added tokens included."""
        self.load()
        return len(self._tokenizer)

    def __getstate__(self) -> dict:
        # A spawned worker loads its own: cheaper than to send the whole vocabulary, and it works for every tokenizer.
        return {**self.__dict__, '_tokenizer': None, '_backend': None}


class CLIPTokenizer(Tokenizer):
    """CLIP's byte-pair tokenizer, as shipped inside open_clip (no download).

    CLIP pads with 0, which is also the id of '!': tell padding by length, never by id.

    Args:
        max_length: most ids of a caption, start and end token included.
        mask_token: give up the last byte pair of the vocabulary, 'jekyll', and make its id the mask token, so that
            captions can be masked and the embedding keeps its size. The word is then written in smaller pieces.
        drop_characters: characters that are read as blanks; TBPS-CLIP drops ``.!"()*#:;~``. A caption that consists
            of nothing else is read as it is. None are dropped by default, as in CLIP.
    """

    num_added = 2

    def __init__(self, max_length: int = 77, mask_token: bool = False, drop_characters: str = '') -> None:
        super().__init__(max_length)
        if not isinstance(drop_characters, str):
            raise ValueError(f'drop_characters must be one str of characters, but got {drop_characters!r}')
        self.mask_token, self.drop_characters = mask_token, drop_characters
        self._blanks = dict.fromkeys(map(ord, drop_characters), ' ')
        self._bpe: Any = None
        self._unknown_ids: frozenset[int] = frozenset()

    def load(self) -> None:
        """Reads the merges out of the installed open_clip."""
        if self._bpe is None:
            try:
                from open_clip.tokenizer import SimpleTokenizer
            except ImportError as error:
                raise ImportError("CLIPTokenizer needs open_clip: pip install 'mmt2ireid[clip]'") from error
            bpe = SimpleTokenizer()
            if self.mask_token:
                bpe.bpe_ranks.popitem()  # the tokenizer is this instance's own
            self._bpe = bpe
            self._unknown_ids = frozenset(
                number for number in range(_NUM_BYTE_TOKENS) if not bpe.decoder[number].isascii()
            )

    @property
    def pairs(self) -> Any:
        """open_clip's own ``SimpleTokenizer``, as captions are encoded by it."""
        self.load()
        return self._bpe

    def _encode(self, caption: str) -> tuple[list[int], bool]:
        self.load()
        kept = caption.translate(self._blanks)
        ids = self._bpe.encode(kept if kept.strip() else caption)
        room = self.max_length - 2
        return [self._bpe.sot_token_id, *ids[:room], self._bpe.eot_token_id], len(ids) > room

    def word_ids(self, caption: str) -> list[int]:
        """For every id of the caption the number of its word; -1 for the start and end token."""
        words, current = [], 0
        for token in self._encode(caption)[0][1:-1]:
            words.append(current)
            current += self._bpe.decoder[token].endswith('</w>')
        return [-1, *words, -1]

    @property
    def pad_id(self) -> int:
        """0, as CLIP was trained."""
        return 0

    @property
    def mask_id(self) -> int | None:
        """Id of the mask token, 49,405; None where ``mask_token`` is off: CLIP has none."""
        self.load()
        return self._bpe.sot_token_id - 1 if self.mask_token else None

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of the start and end token, and of the mask token where there is one."""
        mask = () if self.mask_id is None else (self.mask_id,)
        return frozenset((self._bpe.sot_token_id, self._bpe.eot_token_id, *mask))

    @property
    def unknown_ids(self) -> frozenset[int]:
        """Ids of single bytes beyond ASCII: CLIP has no unknown token and writes other scripts byte by byte."""
        self.load()
        return self._unknown_ids

    @property
    def vocab_size(self) -> int:
        """49,408."""
        self.load()
        return self._bpe.vocab_size

    def __getstate__(self) -> dict:
        return {**self.__dict__, '_bpe': None, '_unknown_ids': frozenset()}


_TYPES: dict[str, type[Tokenizer]] = {cls.__name__: cls for cls in (HFTokenizer, CLIPTokenizer, WordTokenizer)}


def build_tokenizer(cfg: dict) -> Tokenizer:
    """Builds a tokenizer.

    Args:
        cfg: ``type`` ('HFTokenizer', 'CLIPTokenizer' or 'WordTokenizer') and the arguments of its constructor.

    Raises:
        ValueError: the type is unknown, or an argument does not fit.
    """
    arguments = dict(cfg)
    name = arguments.pop('type', None)
    cls = _TYPES.get(str(name).removeprefix('mmt2ireid.'))
    if cls is None:
        raise ValueError(f'type of a tokenizer must be one of {sorted(_TYPES)}, but got {name!r}')
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ValueError(f'arguments of {name} must fit its constructor, but got {arguments}: {error}') from error


def shared_tokenizer(cfg: dict) -> Tokenizer:
    """Like :func:`build_tokenizer`, but equal configs get the same instance within a process and a working folder."""
    return _shared(json.dumps(cfg, sort_keys=True, default=os.fspath), os.getcwd())


@functools.cache
def _shared(cfg: str, folder: str) -> Tokenizer:
    # A path in the config may be relative: in another working folder it is another tokenizer.
    return build_tokenizer(json.loads(cfg))


def _load_hf_tokenizer(name: str) -> Any:
    is_directory = os.path.isdir(name)
    # "a/b" may be a name on the hub; what has more parts, or begins like a path, can only be a directory.
    if not is_directory and (name.count('/') > 1 or name.startswith(('.', '/')) or os.path.exists(name)):
        raise FileNotFoundError(_MISSING.format(name=name, reason='there is no such directory'))
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, local_files_only=is_directory)
    except (OSError, ValueError) as error:
        reason = str(error).strip().split('\n')[0]
        raise FileNotFoundError(_MISSING.format(name=name, reason=reason)) from error


_MISSING = (
    'cannot load the transformers tokenizer {name!r}: {reason}. Give the name of a tokenizer on the Hugging Face hub '
    '(without network it is looked for in the cache, $HF_HOME), or a local directory that holds its files '
    '(tokenizer.json, or vocab.txt and tokenizer_config.json)'
)
