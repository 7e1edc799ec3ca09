"""The tokenizers of exported models: the same ids as those of ``mmt2ireid.text``, without transformers or open_clip."""

from __future__ import annotations

import html
import json
import re
import string
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmt2ireid.apis.search.encoder import TextReading

CHARACTERS = 'characters.json'
_EXTRA = "pip install 'mmt2ireid[export]'"
_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
# Texts of which ftfy changes nothing: plain ASCII without control characters and HTML entities.
_PLAIN = re.compile(r'[\t\n\x20-\x25\x27-\x7e]*')


class ExportedTokenizer(ABC):
    """Texts in, token ids out.

    Args:
        settings: the part ``tokenizer`` of ``meta.json``.
        folder: where its files are.
    """

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.max_length: int = settings['max_length']
        self.unknown_ids = frozenset(settings.get('special_ids', ()))

    @abstractmethod
    def read(self, text: str) -> tuple[list[int], TextReading]:
        """The ids of a text, at most ``max_length``, and how much of it they are."""

    def _reading(self, ids: Sequence[int], words: Sequence[int], truncated: bool) -> TextReading:
        unknown = sum(token in self.unknown_ids for token in words)
        return TextReading(len(ids), truncated, len(words), unknown)


class SubwordTokenizer(ExportedTokenizer):
    """What ``HFTokenizer`` does (BERT and its relatives), by the library ``tokenizers``."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        super().__init__(settings, folder)
        self._backend = _open_backend(folder / settings['file'])
        self._backend.no_padding()
        self._backend.enable_truncation(self.max_length)
        self._backend.encode_special_tokens = True

    def read(self, text: str) -> tuple[list[int], TextReading]:
        """See :class:`ExportedTokenizer`."""
        encoding = self._backend.encode(text)
        words = [token for token, word in zip(encoding.ids, encoding.word_ids, strict=True) if word is not None]
        return encoding.ids, self._reading(encoding.ids, words, bool(encoding.overflowing))


class BytePairTokenizer(ExportedTokenizer):
    """What ``CLIPTokenizer`` does: dropped characters, cleaning, lower case, words by CLIP's pattern, byte pairs.

    Which characters are letters, digits and spaces is read from a file that the export wrote: libraries differ in the
    version of Unicode that they know. ftfy, which mends texts of broken encodings, is asked only where it may change
    something.
    """

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        super().__init__(settings, folder)
        self._backend = _open_backend(folder / settings['file'])
        self._specials: dict[str, int] = settings['specials']
        self._start, self._end = settings['start'], settings['end']
        self._blanks = dict.fromkeys(map(ord, settings.get('drop_characters', '')), ' ')
        # Single bytes beyond ASCII: CLIP has no unknown token and writes other scripts byte by byte.
        self.unknown_ids = frozenset(
            number for piece, number in self._backend.get_vocab().items() if number < 512 and not piece.isascii()
        )
        characters = json.loads((folder / CHARACTERS).read_text(encoding='utf-8'))
        self._pieces = _piece_pattern(list(self._specials), characters)

    def read(self, text: str) -> tuple[list[int], TextReading]:
        """See :class:`ExportedTokenizer`."""
        room = self.max_length - 2
        # A piece has one id at least: those beyond the room need not be looked at.
        ids = self._encode([match.group() for _, match in zip(range(room + 1), self._found(text), strict=False)])
        words = ids[:room]
        return [self._start, *words, self._end], self._reading([0, *words, 0], words, len(ids) > room)

    def _found(self, text: str) -> Any:
        kept = text.translate(self._blanks)
        return self._pieces.finditer(clean_for_clip(kept if kept.strip() else text))

    def _encode(self, pieces: list[str]) -> list[int]:
        ids: list[int] = []
        for piece in pieces:
            special = self._specials.get(piece)
            found = self._backend.encode([piece], is_pretokenized=True).ids if special is None else [special]
            ids.extend(found)
        return ids


class WordsTokenizer(ExportedTokenizer):
    """What ``WordTokenizer`` does: one id per word."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        super().__init__(settings, folder)
        content = json.loads((folder / settings['file']).read_text(encoding='utf-8'))
        self._word = re.compile(content['pattern'])
        self._unknown = settings['unknown_id']
        self._ids = {word: number for number, word in enumerate(content['words'], start=settings['first_id'])}
        # Folders of before these options existed have none of them.
        self._lower_case = settings.get('lower_case', True)
        self._delete_punctuation = settings.get('delete_punctuation', False)
        end_word = settings.get('end_word')
        self._end = [] if end_word is None else [self._ids[end_word]]

    def read(self, text: str) -> tuple[list[int], TextReading]:
        """See :class:`ExportedTokenizer`."""
        text = text.lower() if self._lower_case else text
        words = text.translate(_PUNCTUATION).split() if self._delete_punctuation else self._word.findall(text)
        ids = [self._ids.get(word, self._unknown) for word in words] or [self._unknown]
        kept = ids[: self.max_length - len(self._end)]
        return kept + self._end, self._reading(kept + self._end, kept, len(kept) < len(ids))


KINDS: dict[str, type[ExportedTokenizer]] = {
    'subwords': SubwordTokenizer,
    'clip': BytePairTokenizer,
    'words': WordsTokenizer,
}


def open_tokenizer(settings: dict[str, Any], folder: Path) -> ExportedTokenizer:
    """Opens the tokenizer of an exported model.

    Args:
        settings: the part ``tokenizer`` of its ``meta.json``.
        folder: of the model.

    Raises:
        ImportError: the library ``tokenizers`` is needed and not installed.
        ValueError: the kind is unknown, or a file is broken.
    """
    cls = KINDS.get(settings['kind'])
    if cls is None:
        raise ValueError(f'tokenizer.kind of {folder} must be one of {sorted(KINDS)}, but got {settings["kind"]!r}')
    try:
        return cls(settings, folder)
    except (KeyError, TypeError, OSError, ValueError, re.error) as error:
        raise ValueError(f'the tokenizer of the exported model {folder} is broken: {error!r}') from error


def clean_for_clip(text: str) -> str:
    """A text as CLIP's byte pairs want it: mended, HTML entities resolved, single spaces, lower case."""
    if not _PLAIN.fullmatch(text):
        text = _ftfy().fix_text(text)
    return ' '.join(html.unescape(html.unescape(text)).split()).lower()


def _piece_pattern(specials: Sequence[str], characters: dict[str, list[list[int]]]) -> re.Pattern[str]:
    """CLIP's pattern with its classes of characters spelt out.

    It is case-insensitive and runs over lower-case text, so all that its ``s`` and ``t`` match besides is the long s.
    """

    def ranges(*names: str) -> str:
        spans = [span for name in names for span in characters[name]]
        return ''.join(rf'\U{first:08x}-\U{last:08x}' for first, last in spans)

    literal = [re.escape(special).replace('s', '[s\u017f]') for special in specials]
    endings = [f"'{ending}" for ending in ('[s\u017f]', 't', 're', 've', 'm', 'll', 'd')]
    letters, numbers = ranges('letters'), ranges('numbers')
    others = ranges('spaces', 'letters', 'numbers')
    return re.compile('|'.join([*literal, *endings, f'[{letters}]+', f'[{numbers}]', f'[^{others}]+']))


def _open_backend(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ImportError(f'this exported model needs the library tokenizers: {_EXTRA}') from error
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise ValueError(f'{path} cannot be read by the library tokenizers: {error}') from error


def _ftfy() -> Any:
    try:
        import ftfy
    except ImportError as error:
        raise ImportError(f"CLIP's tokenizer needs ftfy for texts that are not plain ASCII: {_EXTRA}") from error
    return ftfy
