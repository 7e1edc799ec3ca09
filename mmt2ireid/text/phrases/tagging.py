"""Which tagger reads the captions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from mmt2ireid.text.phrases.embedded_tagger import EmbeddedTagger
from mmt2ireid.text.phrases.nltk_tagger import NltkTagger

TAGGERS = ('auto', 'nltk', 'embedded')

logger = logging.getLogger(__name__)


class Tagger(Protocol):
    """What tells nouns from adjectives.

    Attributes:
        name: ``nltk`` or ``embedded``.
    """

    name: str

    @property
    def digest(self) -> str:
        """Identifies all that the tags depend on."""

    def tag(self, words: Sequence[str]) -> list[str]:
        """One Penn Treebank tag for each lower-case word or mark of a sentence."""


def build_tagger(name: str = 'auto') -> Tagger:
    """The tagger of a name.

    Args:
        name: ``nltk`` is NLTK's perceptron, ``embedded`` this package's own; ``auto`` is the first where NLTK and its
            data are installed, else the second, and the log says which.

    Raises:
        ValueError: another name.
        ImportError: ``nltk`` is wanted and not installed.
        FileNotFoundError: ``nltk`` is wanted and its data is not there.
    """
    if name not in TAGGERS:
        raise ValueError(f'tagger must be one of {", ".join(TAGGERS)}, but got {name!r}')
    if name == 'embedded':
        return EmbeddedTagger()
    try:
        return NltkTagger()
    except (ImportError, FileNotFoundError) as error:
        if name == 'nltk':
            raise
        logger.info('noun phrases by the embedded tagger: %s', error)
        return EmbeddedTagger()
