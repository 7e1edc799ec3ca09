"""Which parts of a model ``compile=True`` compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ['ENCODERS', 'compile_encoders']

ENCODERS = ('image_encoder', 'text_encoder')


def compile_encoders(model: nn.Module, settings: bool | dict[str, Any]) -> list[str]:
    """Has a model's encoders compiled by torch when they first train.

    They have nearly all of a step's arithmetic, on tensors of few shapes. The rest of a step works on Python objects,
    lists of captions of any length among them: compiled as a whole, a step is compiled anew for most batches. In
    evaluation the encoders stay as they are, so that figures equal those of a run that was not compiled.

    Args:
        model: with parts named as :data:`ENCODERS`, wrapped or not; changed in place. Names of weights stay.
        settings: ``True``, or arguments of ``torch.compile``.

    Returns:
        The names of the parts; none if the model has no such parts.

    Raises:
        ValueError: ``settings`` is no bool and no dict.
    """
    if not isinstance(settings, (bool, dict)):
        raise ValueError(f'compile must be True, False or a dict of arguments of torch.compile, but got {settings!r}')
    if settings is False:
        return []
    found = {name: part for name, part in model.named_modules() if name.rpartition('.')[-1] in ENCODERS}
    for part in found.values():
        part.forward = _in_training(part, dict() if settings is True else settings)
    return list(found)


def _in_training(part: nn.Module, settings: dict[str, Any]) -> Callable[..., Any]:
    plain = part.forward
    compiled = torch.compile(plain, **settings)

    def forward(*args: Any, **kwargs: Any) -> Any:
        return (compiled if part.training else plain)(*args, **kwargs)

    return forward
