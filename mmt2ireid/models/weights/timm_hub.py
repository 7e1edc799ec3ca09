"""timm's weights by name, into mmpretrain's backbones and into timm's own models."""

from __future__ import annotations

import difflib
import os
from typing import Any

from torch import nn

from mmt2ireid.models.weights.backbone import keep_loaded, load_backbone
from mmt2ireid.models.weights.huggingface import hub_cache
from mmt2ireid.models.weights.matching import load_matching
from mmt2ireid.models.weights.positions import table_of
from mmt2ireid.registry import WEIGHT_INITIALIZERS
from mmt2ireid.text.clip_weights import first_line, only_weights


@WEIGHT_INITIALIZERS.register_module()
class TIMMPretrained:
    """Initialises ``mmpretrain.TIMMBackbone``, or mmpretrain's own ViT, DeiT or ResNet, with weights that timm knows.

    Position embeddings are resized to the backbone's pictures: by timm's rule (bicubic, antialiased) in a TIMMBackbone,
    by mmpretrain's (bicubic) in its own. Unlike ``pretrained=True`` of TIMMBackbone, nothing is fetched to build a
    model whose weights come from a checkpoint.

    Args:
        model: timm's name and tag, such as ``'vit_base_patch16_224.augreg2_in21k_ft_in1k'``; without tag, timm's first
            one. None: the model that a TIMMBackbone was built as.
        file: a file with these weights (.safetensors, or torch.save's), in place of the hub.
    """

    def __init__(self, model: str | None = None, *, file: str | None = None) -> None:
        self.model, self.file = model, file

    def __call__(self, module: nn.Module) -> None:
        """Loads the weights.

        Raises:
            ImportError: timm is not installed.
            FileNotFoundError: the weights cannot be fetched; the message says which, and what to do.
            ValueError: there is no such model, or it does not fit the module.
        """
        timm_model: Any = getattr(module, 'timm_model', None)
        name = self.model or _built_as(timm_model)
        if timm_model is None:
            source = fetch_timm(name, self.file, num_classes=0)
            grid = getattr(getattr(source, 'patch_embed', None), 'grid_size', None)
            grid = grid if table_of(module) is not None else None
            load_backbone(module, source.state_dict(), _label(name), prefix='', grid=grid)
        else:
            load_matching(timm_model, _like(timm_model, name, self.file).state_dict(), _label(name))
        keep_loaded(module, f'TIMMPretrained: load {self.file or ""} {name}')


def fetch_timm(name: str, file: str | None = None, **options: Any) -> nn.Module:
    """A model of timm with its weights, from the cache, the network or a file.

    Args:
        name: timm's name, with or without tag.
        file: the weights' file, None for those that timm knows.
        options: further arguments of ``timm.create_model``.

    Raises:
        ImportError: timm is not installed.
        FileNotFoundError: the weights cannot be fetched.
        ValueError: there is no such model, timm has no weights of it, or the file holds others.
    """
    try:
        import timm
    except ImportError as error:
        raise ImportError("timm's weights need timm: pip install 'mmt2ireid[timm]'") from error
    found: Any = None
    if ':' not in name:  # local-dir:FOLDER and hf-hub:ID bring their own description
        found = _pretrained_cfg(timm, name, file)
    if file is not None:
        options['pretrained_cfg_overlay'] = dict(file=_existing(file), custom_load=file.endswith('.npz'))
    try:
        with only_weights():
            return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # a damaged file, another model's, no network: urllib, httpx and the hub have many
        if file is not None or name.startswith('local-dir:'):
            place = file or name.removeprefix('local-dir:')
            raise ValueError(f'{place} must hold {_label(name)}, but: {first_line(error)}') from error
        raise FileNotFoundError(_advice(name, found, error)) from error


def _pretrained_cfg(timm: Any, name: str, file: str | None) -> Any:
    """What timm knows of a model's weights."""
    architecture, _, tag = name.partition('.')
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=5, cutoff=0.4)
        raise ValueError(f'model must be one that timm knows, but got {name!r}; near it: {", ".join(near) or "none"}')
    known = [item.partition('.')[2] for item in timm.list_models(f'{architecture}.*', pretrained=True)]
    if (tag and tag not in known) or not (known or file):
        raise ValueError(
            f'model must name weights of {architecture!r} that timm knows, but got {name!r}; there are: '
            f'{", ".join(known) or "none"}'
        )
    return timm.get_pretrained_cfg(name)


def _advice(name: str, cfg: Any, error: Exception) -> str:
    repository = getattr(cfg, 'hf_hub_id', None) or (name.removeprefix('hf-hub:') if ':' in name else '')
    url = getattr(cfg, 'url', None) or ''
    if repository:
        origin, place = f'https://huggingface.co/{repository}', hub_cache(repository)
        command = f'`hf download {repository} --local-dir FOLDER`'
    else:
        import torch

        origin, command = url, f'`curl -L -O {url}`'
        place = os.path.join(torch.hub.get_dir(), 'checkpoints', os.path.basename(url))
    return (
        f'cannot get {_label(name)} from {origin} ({first_line(error)}), nor are they in the cache, {place}. On a '
        f'machine with network run {command}, bring the file (model.safetensors) to this machine and name it: '
        f'--cfg-options model.image_encoder.init_cfg.file=FILE; or copy the cache to the place above'
    )


def _like(timm_model: Any, name: str, file: str | None) -> Any:
    """The weights in a model made as TIMMBackbone made its own: for pictures of the same size, without classifier."""
    inner = getattr(timm_model, 'model', timm_model)
    options: dict[str, Any] = {}
    if hasattr(timm_model, 'feature_info') and type(timm_model).__name__.startswith('Feature'):
        options.update(features_only=True, out_indices=tuple(timm_model.feature_info.out_indices))
    size = getattr(getattr(inner, 'patch_embed', None), 'img_size', None)
    if size is not None:
        options['img_size'] = tuple(size)
    source: Any = fetch_timm(name, file, **options)
    if hasattr(source, 'reset_classifier'):
        source.reset_classifier(0, '')
    return source


def _built_as(timm_model: Any) -> str:
    cfg: Any = getattr(getattr(timm_model, 'model', timm_model), 'pretrained_cfg', None) or {}
    if not cfg.get('architecture'):
        raise ValueError('model of TIMMPretrained must be given where the backbone is not built by timm, but got None')
    return '.'.join(part for part in (cfg['architecture'], cfg.get('tag')) if part)


def _existing(file: str) -> str:
    path = os.path.expanduser(file)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'file of TIMMPretrained must be a file, but there is none at {path}')
    return path


def _label(name: str) -> str:
    return f"timm's weights {name!r}"
