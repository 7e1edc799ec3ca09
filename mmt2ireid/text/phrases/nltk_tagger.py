"""NLTK's averaged perceptron tagger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

RESOURCE = 'averaged_perceptron_tagger_eng'
_FOLDER = f'taggers/{RESOURCE}/'
_OLDEST = (3, 9)


class NltkTagger:
    """Tags of the Penn Treebank by the perceptron, trained on newspapers.

    The data is looked for on NLTK's own path (``NLTK_DATA`` and its usual folders), and never fetched.

    Attributes:
        digest: identifies NLTK's version and the tagger's weights.

    Raises:
        ImportError: NLTK is not installed, or is older than 3.9, which would unpickle its data.
        FileNotFoundError: the data is not there.
    """

    name = 'nltk'

    def __init__(self) -> None:
        nltk = _import_nltk()
        self.digest = f'{self.name} {nltk.__version__} {_digest_of_data(nltk)}'
        self._perceptron: Any = None

    def load(self) -> None:
        """Reads the weights, if they have not been read."""
        if self._perceptron is None:
            from nltk.tag.perceptron import PerceptronTagger

            self._perceptron = PerceptronTagger(lang='eng')

    def tag(self, words: Sequence[str]) -> list[str]:
        """One tag for each word or mark of a sentence."""
        self.load()
        return [tag for _, tag in self._perceptron.tag(words)]


def _import_nltk() -> Any:
    try:
        import nltk
    except ImportError as error:
        raise ImportError(
            "tagger 'nltk' needs NLTK: pip install 'mmt2ireid[cmmt]', or take tagger='embedded'"
        ) from error
    if tuple(int(part) for part in nltk.__version__.split('.')[:2]) < _OLDEST:
        raise ImportError(f"tagger 'nltk' needs NLTK 3.9 or newer, but {nltk.__version__} is installed")
    return nltk


def _digest_of_data(nltk: Any) -> str:
    try:
        folder = nltk.data.find(_FOLDER)
        content = hashlib.sha256()
        for part in ('weights', 'tagdict', 'classes'):
            with folder.join(f'{RESOURCE}.{part}.json').open() as file:
                content.update(hashlib.sha256(file.read()).digest())
    except (LookupError, OSError) as error:
        raise FileNotFoundError(
            f"tagger 'nltk' needs NLTK's {RESOURCE}, but it is in none of {nltk.data.path}: run "
            f'python -m nltk.downloader {RESOURCE}, or put it at taggers/{RESOURCE} in a folder that the environment '
            f"variable NLTK_DATA names, or take tagger='embedded'"
        ) from error
    return content.hexdigest()
