"""Checkpoints are loaded weights-only, from files and from the web."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn
from urllib.parse import urlparse

UNSAFE_LOAD = 'MMT2IREID_UNSAFE_LOAD'


def patch_checkpoint_loader() -> None:
    """``load_from``, ``resume`` and ``Pretrained`` load weights only, from files and from the web.

    MMEngine 0.10.7 and 0.11.0rc3 call ``torch.load`` bare: it fails on their own checkpoints with torch >= 2.6 and runs
    whatever code the file holds with older ones. To be retired by the release that passes ``weights_only=True`` and
    allow-lists its own classes.
    """
    from mmengine.runner import checkpoint

    checkpoint.CheckpointLoader.register_scheme('', load_from_local, force=True)
    checkpoint.CheckpointLoader.register_scheme(('http://', 'https://'), load_from_http, force=True)
    # The loaders of torchvision:// and open-mmlab:// look these up by name.
    checkpoint.load_from_local, checkpoint.load_from_http = load_from_local, load_from_http


def load_from_local(filename: str, map_location: Any = None, *, mmap: bool = False) -> Any:
    """Loads a checkpoint file weights-only.

    Args:
        filename: a file of ``torch.save``, or ``.safetensors``.
        map_location: as for ``torch.load``.
        mmap: leave the tensors on disk until they are read.

    Returns:
        What the file holds; for ``.safetensors`` the state dict.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, corrupt, or wants to run code of its own; the message names it.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} must be a file, but there is none')
    if path.endswith('.safetensors'):
        return _load_safetensors(path, map_location)
    import torch

    if os.environ.get(UNSAFE_LOAD) == '1':
        return torch.load(path, map_location=map_location, weights_only=False, mmap=mmap)
    try:
        with _harmless_globals():
            return torch.load(path, map_location=map_location, weights_only=True, mmap=mmap)
    except Exception as error:
        _explain(path, error)


def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Downloads a checkpoint into torch hub's cache, once per machine, and loads it weights-only.

    Args:
        filename: its URL.
        map_location: as for ``torch.load``.

    Returns:
        What the file holds.

    Raises:
        FileNotFoundError: it could not be downloaded; the message says which file, from where, and how to bring it.
        ValueError: as :func:`load_from_local`.
    """
    import torch
    from mmengine.dist import barrier, get_world_size

    target = os.path.join(torch.hub.get_dir(), 'checkpoints', os.path.basename(urlparse(filename).path))
    failure: Exception | None = None
    if not os.path.isfile(target) and int(os.environ.get('LOCAL_RANK', 0)) == 0:
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            torch.hub.download_url_to_file(filename, target, progress=sys.stderr.isatty())
        except Exception as error:
            failure = error
    if get_world_size() > 1:
        barrier()
    if not os.path.isfile(target):
        name = os.path.basename(target)
        reason = failure or 'the first process of this machine says why'
        raise FileNotFoundError(
            f'The weights {name} are not in the cache at {target}, and could not be downloaded from {filename} '
            f'({reason}). On a machine with network run `curl -L -o {name} {filename}`, bring the file to this one and '
            f'put it at {target}, or name it where the config names the address: --cfg-options '
            'model.image_encoder.init_cfg.checkpoint=FILE for an image encoder, load_from=FILE for a whole model'
        ) from failure
    return load_from_local(target, map_location)


def _load_safetensors(path: str, map_location: Any) -> dict[str, Any]:
    from safetensors.torch import load_file

    device = 'cpu' if map_location is None or callable(map_location) else str(map_location)
    try:
        return load_file(path, device=device)
    except Exception as error:
        raise ValueError(f'checkpoint {path} must be a complete safetensors file, but: {error}') from error


def _explain(path: str, error: Exception) -> NoReturn:
    refused = re.search(r'GLOBAL ([\w.]+)|unrecognized function (.+)', str(error))
    if refused is None:
        # Only what is wrong: torch goes on to advise loading the file without protection.
        reason = str(error).rsplit('WeightsUnpickler error:', 1)[-1].strip().split('\n', 1)[0].split('. ', 1)[0]
        raise ValueError(
            f'checkpoint {path} must be a complete file of torch.save, but it is truncated, corrupt or '
            f'something else ({type(error).__name__}: {reason})'
        ) from error
    wanted = next(name for name in refused.groups() if name)
    raise ValueError(
        f'checkpoint {path} is refused: it must hold weights and plain data, but it wants to run '
        f'{wanted}. If you trust whoever wrote it, set {UNSAFE_LOAD}=1'
    ) from error


def _harmless_globals() -> AbstractContextManager:
    """What checkpoints hold beside plain data: MMEngine's number histories, arrays under any numpy's names, options."""
    import argparse

    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer
    from mmengine.utils import digit_version

    core = importlib.import_module('numpy._core.multiarray' if hasattr(np, '_core') else 'numpy.core.multiarray')
    # A Namespace only holds what is put into it; DINO's checkpoints, and many others, keep their options in one.
    allowed: list[Any] = [argparse.Namespace, HistoryBuffer, np.ndarray, np.dtype, _history_method]
    allowed += [type(np.dtype(code)) for code in '?bhilqBHILQefd']
    if digit_version(torch.__version__) < digit_version('2.6.0'):
        allowed += [core._reconstruct, core.scalar]
    else:
        allowed += [
            (function, f'numpy.{package}.multiarray.{name}')
            for package in ('core', '_core')
            for name, function in (('_reconstruct', core._reconstruct), ('scalar', core.scalar))
        ]
    if not hasattr(torch.serialization, 'safe_globals'):
        torch.serialization.add_safe_globals(allowed)
        return nullcontext()
    return torch.serialization.safe_globals(allowed)


def _history_method(owner: Any, name: str) -> Callable:
    """Stands in for ``getattr``, by which MMEngine's number histories refer to their own four statistics."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise ValueError(f'GLOBAL builtins.getattr of {name!r}')
    return getattr(owner, name)


# The unpickler finds an allowed function by these two names.
_history_method.__module__, _history_method.__qualname__, _history_method.__name__ = 'builtins', 'getattr', 'getattr'
