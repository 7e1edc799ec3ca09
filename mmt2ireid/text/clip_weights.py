"""Weights of open_clip models: fetched with errors that help, read without running what the file holds."""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

OPENAI_EXTRAS = ('input_resolution', 'context_length', 'vocab_size')
"""What OpenAI's archives hold beside weights."""


def weights_digest(network: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all weights, whatever file they came from."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f'{name} {value.dtype} {tuple(value.shape)};'.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


@contextmanager
def only_weights() -> Iterator[None]:
    """Makes every ``torch.load`` a weights-only one.

    open_clip asks for it, but when that raises a TypeError, which a file can provoke, it tries again without asking;
    torch before 2.6 would then run what the file holds.
    """
    name = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
    before = os.environ.get(name)
    os.environ[name] = '1'
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def fetching(what: str, advice: str) -> Iterator[None]:
    """Turns whatever goes wrong while something is fetched into a FileNotFoundError with advice."""
    try:
        yield
    except Exception as error:  # each of urllib, requests, httpx and huggingface_hub has errors of its own
        raise FileNotFoundError(f'cannot get {what}: {first_line(error)}. Without network, {advice}') from error


def is_torchscript(path: str | os.PathLike) -> bool:
    """Whether a file is a TorchScript archive: a program with weights in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(item.endswith('/constants.pkl') for item in archive.namelist())


def openai_names(open_clip: Any, path: str) -> list[str]:
    """Models whose OpenAI release this file is, by the SHA-256 that is part of the release's address."""
    digest = _sha256(path)
    names = open_clip.list_pretrained_models_by_tag('openai')
    return [name for name in names if f'/{digest}/' in open_clip.get_pretrained_url(name, 'openai')]


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def load_weights(open_clip: Any, network: nn.Module, name: str, path: str) -> None:
    """Loads a file into a network: safetensors, a state_dict, open_clip's checkpoint or OpenAI's own archive.

    Raises:
        ValueError: the file is none of these, holds weights of another model, or needs code to run.
    """
    try:
        if is_torchscript(path):
            network.load_state_dict(_openai_weights(open_clip, name, path))
        else:
            open_clip.factory.load_checkpoint(network, path, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'{path} must hold weights only, but opening it needs code to run: save its state_dict as .safetensors'
        ) from error
    except ValueError:
        raise
    except Exception as error:  # a cut-off file, a foreign one, weights of another model: many types
        raise ValueError(f'{path} must hold weights of model {name!r}, but: {first_line(error)}') from error


def _openai_weights(open_clip: Any, name: str, path: str) -> dict[str, Tensor]:
    names = openai_names(open_clip, path)
    if not names:
        raise ValueError(
            f"{path} is a TorchScript archive, a program; only OpenAI's own, known by their SHA-256, are opened: "
            'save its state_dict as .safetensors'
        )
    if name not in names:
        raise ValueError(f"{path} must hold weights of model {name!r}, but these are OpenAI's {names[0]!r}")
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # TorchScript is deprecated, its files stay
        weights = torch.jit.load(path, map_location='cpu').state_dict()
    return {key: value for key, value in weights.items() if key not in OPENAI_EXTRAS}


def first_line(error: BaseException) -> str:
    """What an error says, short enough to stand in another error's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = ' '.join(lines[:3])
    return f'{type(error).__name__}: {text if len(text) <= 300 else text[:297] + "..."}'
