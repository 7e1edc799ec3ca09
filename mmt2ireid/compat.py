"""Every patch of a dependency, each with the upstream version that retires it.

:func:`install` runs with ``import mmt2ireid`` and costs no heavy import; what belongs to a heavy library is patched by
the room that uses it (``engine`` and ``models`` call :func:`patch_checkpoint_loader`, ``models`` and ``datasets`` call
:func:`patch_mmpretrain`).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import urlparse

UNSAFE_LOAD = 'MMT2IREID_UNSAFE_LOAD'
TEMP_FILE = re.compile(r'^\..+\.\d+\.tmp$')
"""Names of the files that :func:`write_atomically` leaves behind when it is killed."""


def install() -> None:
    """Applies the patches that cost no heavy import; may be called any number of times."""
    patch_local_backend()
    patch_file_client()
    if 'mmengine.runner.checkpoint' in sys.modules:
        patch_checkpoint_loader()


def write_atomically(path: str | os.PathLike, data: bytes | memoryview) -> None:
    """Writes a file whole or not at all: to a temporary name in the same folder, synced, then renamed.

    Args:
        path: where to write; missing folders are made.
        data: what to write.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temp = target.with_name(f'.{target.name}.{os.getpid()}.tmp')
    try:
        with open(temp, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, target)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def patch_local_backend() -> None:
    """Checkpoints, and all else that MMEngine's local backend puts, are written whole or not at all.

    No released MMEngine (0.10.7, 0.11.0rc3) writes this way. The methods are replaced on the class because instances
    may be cached already.
    """
    from mmengine.fileio.backends.local_backend import LocalBackend

    def put(self: Any, obj: bytes | memoryview, filepath: str | Path) -> None:
        write_atomically(filepath, obj)

    def put_text(self: Any, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        write_atomically(filepath, obj.encode(encoding))

    LocalBackend.put = put
    LocalBackend.put_text = put_text


def patch_file_client() -> None:
    """Silences the warning that ``FileClient`` is deprecated, which MMEngine 0.10.7's own checkpoint hook provokes.

    To be retired by the release whose hooks no longer use it.
    """
    from mmengine.fileio import file_client

    file_client.print_log = lambda *args, **kwargs: None


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


def patch_mmpretrain() -> None:
    """Makes ``import mmpretrain.models`` work, and quiet, beside transformers 5 and mmcv-lite.

    mmpretrain 1.2.0 imports its multi-modal models where pycocotools is installed, and they fail with transformers 5;
    mmcv-lite 2.2.0 warns about an operator that nothing here needs. No release retires either.
    """
    patch_checkpoint_loader()
    pattern = 'Fail to import ``MultiScaleDeformableAttention``'
    warnings.filterwarnings('ignore', message=pattern, category=UserWarning)
    if importlib.util.find_spec('mmpretrain') is not None:
        import mmpretrain.utils.dependency as dependency

        dependency.WITH_MULTIMODAL = False


@contextmanager
def any_number_of_windows() -> Iterator[None]:
    """Inside, mmpretrain's Swin can be exported for batches of any size.

    mmpretrain 1.2.0 computes the size of the batch from the number of windows by ``int`` of a quotient, which torch's
    exporter replaces by the number that it saw; the graph then mixes the pictures of other batches. No release retires
    this.
    """
    if importlib.util.find_spec('mmpretrain') is None:
        yield
        return
    from mmpretrain.models.utils.attention import ShiftWindowMSA

    before = ShiftWindowMSA.__dict__['window_reverse']
    ShiftWindowMSA.window_reverse = staticmethod(_join_windows)
    try:
        yield
    finally:
        ShiftWindowMSA.window_reverse = before


def _join_windows(windows: Any, height: int, width: int, size: int) -> Any:
    """Windows (B h w, size, size, D) back to maps (B, height, width, D)."""
    grid = windows.unflatten(0, (-1, height // size, width // size))
    return grid.transpose(2, 3).flatten(1, 2).flatten(2, 3)


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


def import_milvus_lite() -> None:
    """Imports milvus-lite 2.5, which asks pkg_resources for its own version; setuptools 82 has none any more.

    Retired by the release that asks importlib.metadata, or by requiring milvus-lite 3.
    """
    lent = 'milvus_lite' not in sys.modules and importlib.util.find_spec('pkg_resources') is None
    if lent:
        stand_in: Any = ModuleType('pkg_resources')
        stand_in.DistributionNotFound = importlib.metadata.PackageNotFoundError
        stand_in.get_distribution = importlib.metadata.distribution
        sys.modules['pkg_resources'] = stand_in
    try:
        importlib.import_module('milvus_lite')
    finally:
        if lent:
            del sys.modules['pkg_resources']


@contextmanager
def keep_log_files() -> Iterator[None]:
    """Inside, ``logging.config.dictConfig`` leaves alone the handlers that stand: it closes those of all others.

    MMEngine's loggers write to files that are not opened again once they are closed: what a training or an evaluation
    logs after pymilvus was imported, or after a page was shown, would be lost, and building a model would raise.
    Retired by the releases of pymilvus and uvicorn that configure their own loggers only.
    """
    named, handlers = dict(logging._handlers), logging._handlerList[:]  # type: ignore[attr-defined]
    logging._handlers.clear()  # type: ignore[attr-defined]
    logging._handlerList.clear()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        logging._handlers.update(named)  # type: ignore[attr-defined]
        logging._handlerList[:0] = handlers  # type: ignore[attr-defined]
