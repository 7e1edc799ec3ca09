"""Searching galleries of crops. Names are imported when they are first asked for: an exported model needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmt2ireid.apis.lazy import lazy_names

if TYPE_CHECKING:
    from mmt2ireid.apis.search.adding import AddReport
    from mmt2ireid.apis.search.encoder import Encoder, TextReading, TextWarning
    from mmt2ireid.apis.search.fingerprint import model_fingerprint
    from mmt2ireid.apis.search.loading import load_encoder
    from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder
    from mmt2ireid.apis.search.pictures import BadPictureError, PictureLimits, read_picture
    from mmt2ireid.apis.search.searcher import PersonSearcher
    from mmt2ireid.apis.search.torch_encoder import TorchEncoder

_PLACES = {
    'AddReport': 'adding',
    'BadPictureError': 'pictures',
    'Encoder': 'encoder',
    'OnnxEncoder': 'onnx_encoder',
    'PersonSearcher': 'searcher',
    'PictureLimits': 'pictures',
    'TextReading': 'encoder',
    'TextWarning': 'encoder',
    'TorchEncoder': 'torch_encoder',
    'load_encoder': 'loading',
    'model_fingerprint': 'fingerprint',
    'read_picture': 'pictures',
}

__all__ = [
    'AddReport',
    'BadPictureError',
    'Encoder',
    'OnnxEncoder',
    'PersonSearcher',
    'PictureLimits',
    'TextReading',
    'TextWarning',
    'TorchEncoder',
    'load_encoder',
    'model_fingerprint',
    'read_picture',
]

__getattr__, __dir__ = lazy_names(__name__, _PLACES)
