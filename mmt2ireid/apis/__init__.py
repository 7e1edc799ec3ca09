"""What users call from Python. Names are imported when they are first asked for: searching needs no training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmt2ireid.apis.lazy import lazy_names

if TYPE_CHECKING:
    from mmt2ireid.apis.model_zoo import find_config, get_model
    from mmt2ireid.apis.people import crop_people
    from mmt2ireid.apis.search import PersonSearcher
    from mmt2ireid.apis.vocabulary import build_vocabulary, checkpoint_vocabulary, vocabulary_file

_PLACES = {
    'PersonSearcher': 'search',
    'build_vocabulary': 'vocabulary',
    'checkpoint_vocabulary': 'vocabulary',
    'crop_people': 'people',
    'find_config': 'model_zoo',
    'get_model': 'model_zoo',
    'vocabulary_file': 'vocabulary',
}

__all__ = [
    'PersonSearcher',
    'build_vocabulary',
    'checkpoint_vocabulary',
    'crop_people',
    'find_config',
    'get_model',
    'vocabulary_file',
]

__getattr__, __dir__ = lazy_names(__name__, _PLACES)
