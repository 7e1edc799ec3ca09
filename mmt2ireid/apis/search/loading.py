"""An encoder from whatever names a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmt2ireid.apis.search.encoder import Encoder

Model = Any  # Encoder | tuple[config, checkpoint] | str | Path


def load_encoder(model: Model) -> Encoder:
    """Loads a model to search with.

    Args:
        model: an :class:`~mmt2ireid.apis.search.encoder.Encoder`, taken as it is; a pair (config, checkpoint); or the
            folder of an exported model (``tools/export.py``), which needs neither torch nor MMEngine.

    Raises:
        FileNotFoundError: there is no such config, checkpoint or folder.
        ValueError: it is none of these, or does not fit together.
    """
    if isinstance(model, (str, Path)):
        if not Path(model).is_dir():
            raise FileNotFoundError(
                f'model must be a pair (config, checkpoint) or the folder of an exported model, but {model} is none'
            )
        from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder

        return OnnxEncoder(model)
    if isinstance(model, (tuple, list)):
        if len(model) != 2:
            raise ValueError(f'model must be a pair (config, checkpoint), but got {len(model)} parts')
        from mmt2ireid.apis.search.torch_encoder import TorchEncoder

        return TorchEncoder(model[0], model[1])
    if all(hasattr(model, name) for name in ('encode_images', 'encode_texts', 'dim', 'fingerprint')):
        return model
    raise ValueError(
        'model must be an encoder, a pair (config, checkpoint) or the folder of an exported model, but got '
        f'{type(model).__name__}'
    )
