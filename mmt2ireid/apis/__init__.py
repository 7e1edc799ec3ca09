"""What users call from Python. Names are imported when they are first asked for: searching needs no training."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(importlib.import_module(f'{__name__}.{_PLACES[name]}'), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
