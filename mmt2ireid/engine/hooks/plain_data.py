"""Between what MMEngine keeps beside the weights and what a checkpoint may hold: tensors and plain data."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor


def pack_histories(message_hub: dict[str, Any]) -> None:
    """Replaces the number histories in a message hub's state by dicts of float64 tensors, in place.

    Args:
        message_hub: ``MessageHub.state_dict()``.
    """
    scalars = message_hub['log_scalars']
    for name, history in scalars.items():
        if isinstance(history, HistoryBuffer):
            values, counts = (torch.from_numpy(np.array(part, dtype=np.float64)) for part in history.data)
            scalars[name] = dict(values=values, counts=counts, max_length=history.max_length)
    message_hub['log_scalars'] = dict(scalars)
    message_hub['runtime_info'] = dict(message_hub['runtime_info'])


def unpack_histories(message_hub: dict[str, Any]) -> None:
    """Undoes :func:`pack_histories`, in place; histories of MMEngine's own hook are left as they are.

    Args:
        message_hub: from a checkpoint.
    """
    scalars = message_hub['log_scalars']
    for name, packed in scalars.items():
        if isinstance(packed, dict):
            scalars[name] = HistoryBuffer(
                packed['values'].cpu().numpy(), packed['counts'].cpu().numpy(), packed['max_length']
            )


def to_plain(entries: dict[str, Any]) -> list[str]:
    """Makes plain data of a dict's values, in place: numpy becomes numbers and lists, kinds of dict become dict.

    Args:
        entries: changed in place; an entry that cannot be made plain is removed.

    Returns:
        The keys of the removed entries.
    """
    dropped = []
    for key, value in list(entries.items()):
        try:
            entries[key] = _plain(value)
        except TypeError:
            dropped.append(key)
            del entries[key]
    return dropped


def _plain(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, Tensor):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        kind = type(value) if type(value) in (list, tuple, set) else list
        return kind(_plain(item) for item in value)
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    raise TypeError(f'{type(value).__name__} is no plain data')
