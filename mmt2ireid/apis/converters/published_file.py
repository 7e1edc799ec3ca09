"""Reading a foreign checkpoint without running anything that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from mmt2ireid.compat import load_from_local

BYSTANDERS = (
    'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
    'pytorch_lightning.callbacks.lr_monitor.LearningRateMonitor',
)
"""Classes by which Lightning before 1.5 names its callbacks, saved beside the weights."""


def read_published(path: str, wrappers: Sequence[str], foreign: Mapping[str, str]) -> dict[str, Tensor]:
    """Reads the weights of a checkpoint as its authors' code wrote it.

    Args:
        path: the file.
        wrappers: keys under which the weights may stand. A file of bare tensors by name is read as well.
        foreign: keys by which files of other codes are known, and whose they are.

    Returns:
        Tensors on the CPU by name, without DataParallel's ``module.``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, foreign, wants to run code of its own, or holds no weights under these keys.
    """
    with _stand_ins():
        content = load_from_local(path, 'cpu')
    state = content
    if isinstance(content, dict):
        state = next((content[key] for key in wrappers if key in content), content)
        whose = next((foreign[key] for key in foreign if key in content), None)
        if state is content and whose:
            raise ValueError(f'{path} is {whose}')
    if not isinstance(state, dict) or not state or not all(isinstance(key, str) for key in state):
        raise ValueError(f'{path} must hold tensors by name {_places(wrappers)}, but holds {_contents(content)}')
    others = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f'{path} must hold tensors by name {_places(wrappers)}, but holds {_contents(content)}; '
            f'no tensor is {others[0]!r}, a {type(state[others[0]]).__name__}'
        )
    odd = next((key for key, value in state.items() if not _is_dense(value)), None)
    if odd is not None:
        value = state[odd]
        raise ValueError(
            f'{path} must hold dense tensors, but {odd!r} is {value.dtype}, {value.layout}, {value.device}'
        )
    wrapped = all(key.startswith('module.') for key in state)
    return {key.removeprefix('module.') if wrapped else key: value for key, value in state.items()}


def _is_dense(value: Tensor) -> bool:
    return value.layout is torch.strided and not value.is_quantized and not value.is_meta


def _stand_ins() -> AbstractContextManager:
    """Lets files name the bystanders; what is built in their place are empty classes, which do nothing."""
    empty: list[Any] = []
    for name in BYSTANDERS:
        module, _, cls = name.rpartition('.')
        empty.append(type(cls, (), {'__module__': module, '__doc__': f'Stands in for {name}.'}))
    if not hasattr(torch.serialization, 'safe_globals'):
        torch.serialization.add_safe_globals(empty)
        return nullcontext()
    return torch.serialization.safe_globals(empty)


def _places(wrappers: Sequence[str]) -> str:
    return f'(alone or under {" or ".join(map(repr, wrappers))})'


def _contents(content: Any) -> str:
    if not isinstance(content, dict):
        return f'a {type(content).__name__}'
    names = [str(key) for key in content]
    return f'{len(names)} entries: {", ".join(names[:6])}{", ..." if len(names) > 6 else ""}'
