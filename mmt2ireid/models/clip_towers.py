"""One tower of an open_clip model: built alone, its weights by tag, file or folder.

What open_clip 3.3 leaves to its callers: it builds ResNets for square pictures only, and it takes position embeddings
of another grid for its own where both happen to have as many positions (14 x 14 and 28 x 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.registry import WEIGHT_INITIALIZERS


@WEIGHT_INITIALIZERS.register_module()
class OpenCLIPPretrained:
    """Initialises a tower of an open_clip model from weights of the whole model.

    Args:
        pretrained: a tag of the model that open_clip knows ('openai'), or a file: safetensors, a state_dict, a
            checkpoint of open_clip, OpenAI's own archive.
        model: whose weights they are: a name, or ``local-dir:FOLDER`` or ``hf-hub:ID``, which bring their weights (and
            need no ``pretrained``). None: the name by which the tower was built.
        quick_gelu: whether they were trained with QuickGELU, where neither tag nor model says so.
        cache_dir: where downloads are kept; None for open_clip's default.

    Raises:
        ValueError: there is nothing to load.
    """

    def __init__(
        self,
        pretrained: str = '',
        *,
        model: str | None = None,
        quick_gelu: bool | None = None,
        cache_dir: str | None = None,
    ) -> None:
        if not pretrained and ':' not in (model or ''):
            raise ValueError(
                f'pretrained must be a tag or a file where model brings no weights, but got {pretrained!r} for '
                f'model {model!r}'
            )
        self.pretrained, self.model = pretrained, model
        self.options: dict[str, Any] = dict(quick_gelu=quick_gelu, cache_dir=cache_dir)

    def __call__(self, module: nn.Module) -> None:
        """Calls the module's ``load_clip``.

        Raises:
            ValueError: the module has none, the model is not named, or the weights do not fit.
            FileNotFoundError: the weights cannot be fetched; the message says which and what to do.
        """
        from mmt2ireid.text.clip_network import build_network

        load: Any = getattr(module, 'load_clip', None)
        if load is None:
            raise ValueError(
                f'init_cfg OpenCLIPPretrained must be given to a module with load_clip, but got {type(module).__name__}'
            )
        model = self.model or getattr(module, 'model_name', None)
        if model is None:
            raise ValueError(
                'model of OpenCLIPPretrained must be given where the encoder is not built by name, but got None'
            )
        try:
            network = build_network(model, self.pretrained, **self.options)
        except FileNotFoundError as error:
            key = 'model=local-dir:FOLDER' if ':' in model else 'pretrained=FILE'
            raise FileNotFoundError(
                f'{error}. In a config: --cfg-options model.image_encoder.init_cfg.{key} '
                f'model.text_encoder.init_cfg.{key}'
            ) from error
        load(network, f'{model} {self.pretrained}'.strip())


def build_clip(model: str | Mapping[str, Any]) -> nn.Module:
    """An open_clip model of random weights, in training mode.

    Args:
        model: a name that open_clip knows, or what ``model_cfg`` in an ``open_clip_config.json`` says.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: there is no such model, or it cannot be built.
    """
    from mmt2ireid.text.clip_network import build_network, import_open_clip, no_word_of_random_weights

    if isinstance(model, str):
        if ':' in model:
            raise ValueError(
                f'model must be a name that open_clip knows or its model_cfg as a dict, but got {model!r}; where '
                "weights are belongs into init_cfg=dict(type='mmt2ireid.OpenCLIPPretrained', model=...)"
            )
        with no_word_of_random_weights():
            return build_network(model).requires_grad_(True).train()
    try:
        return import_open_clip().CLIP(**_plain(model))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f'model must be the model_cfg of an open_clip model, but got {model}: {error}') from error


def check_activation(tower: nn.Module, weights_of: nn.Module, label: str) -> None:
    """Compares the activation of a tower with the one that weights were trained with, where both have one of the two.

    Raises:
        ValueError: one is GELU, the other QuickGELU.
    """
    own, wanted = _activations(tower), _activations(weights_of)
    if own and wanted and own != wanted:
        raise ValueError(
            f"The encoder's activation must be that of the weights {label!r}, {wanted}, but got {own}: QuickGELU comes "
            "with the models that open_clip names '...-quickgelu' (or quick_gelu=True in model_cfg); where the weights "
            'do not say what they were trained with, say it by quick_gelu of OpenCLIPPretrained'
        )


def logit_scale_of(network: nn.Module) -> float | None:
    """The scale that a CLIP model was trained to, not as a logarithm; None where it has none."""
    scale = getattr(network, 'logit_scale', None)
    return None if scale is None else float(scale.detach().exp())


def halve_weights(tower: Any) -> None:
    """Keeps the weights of convolutions, linear maps and attention in float16, as OpenAI's ``convert_weights`` does.

    Embeddings and norms stay float32, and norms compute in it. A projection that is a bare parameter of ``tower`` is
    the caller's to convert, unless ``tower`` is open_clip's own.
    """
    from mmt2ireid.text.clip_network import import_open_clip

    open_clip = import_open_clip()
    open_clip.convert_weights_to_lp(tower, torch.float16)
    for parent in list(tower.modules()):
        for name, norm in parent.named_children():
            if isinstance(norm, open_clip.transformer.LayerNorm):
                exact = open_clip.transformer.LayerNormFp32(norm.normalized_shape, eps=norm.eps)
                exact.load_state_dict(norm.state_dict())
                setattr(parent, name, exact)


def resize_grid(table: Tensor, old: tuple[int, int], new: tuple[int, int], mode: str = 'bicubic') -> Tensor:
    """Position embeddings for another grid.

    Args:
        table: (1 + h w, D), the global token's first, then row by row.
        old: its (h, w).
        new: the wanted (h', w').
        mode: 'bicubic', antialiased, as open_clip resizes them, or 'bilinear', not antialiased, as IRRA does.

    Returns:
        (1 + h' w', D).
    """
    if old == new:
        return table
    grid = table[1:].unflatten(0, old).permute(2, 0, 1)[None]
    grid = F.interpolate(grid, size=new, mode=mode, antialias=mode == 'bicubic', align_corners=False)
    return torch.cat([table[:1], grid[0].permute(1, 2, 0).flatten(0, 1)])


def resize_sequence(table: Tensor, length: int) -> Tensor:
    """Position embeddings for captions of another length, as open_clip resizes them: linearly.

    Args:
        table: (L, D).
        length: the wanted L'.

    Returns:
        (L', D).
    """
    if len(table) == length:
        return table
    return F.interpolate(table.T[None], size=length, mode='linear', align_corners=False)[0].T


def _activations(tower: nn.Module) -> str:
    kinds = {type(module).__name__ for module in tower.modules()}
    return ' and '.join(kind for kind in ('GELU', 'QuickGELU') if kind in kinds)


def _plain(config: Any) -> Any:
    """MMEngine's config as plain dicts and lists."""
    if isinstance(config, Mapping):
        return {key: _plain(value) for key, value in config.items()}
    return [_plain(value) for value in config] if isinstance(config, (list, tuple)) else config
