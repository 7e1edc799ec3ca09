"""Low-rank adapters (LoRA) around any encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmengine.model import BaseModule
from safetensors.torch import load_file, save
from torch import Tensor, nn

from mmt2ireid.compat import write_atomically
from mmt2ireid.models.image_encoders import backbone_tokens, build_image_encoder
from mmt2ireid.models.layers.split_attention import SplitAttention
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput

MARK = 'lora_'
"""What peft's names of adapters' weights begin with."""


@MODELS.register_module()
class LoRAEncoder(BaseModule):
    """An image or text encoder whose weights stay as they are, with adapters that are trained (Hu et al., ICLR 2022).

    A new adapter adds nothing, so that training starts from the encoder's own features. Running statistics of norms
    stay too. torch's attention becomes a :class:`SplitAttention`, whose layers can be adapted. Checkpoints hold encoder
    and adapters; :func:`adapter_state` is what a run has learnt alone.

    Args:
        encoder: config of the encoder, its ``init_cfg`` included.
        target_modules: names of the layers to adapt, or the ends of their names: of ``('query', 'key', 'value', 'out',
            'c_fc', 'c_proj')`` for CLIP's towers, ``('query', 'value')`` for BERT, ``('qkv',)`` for mmpretrain's ViT.
            Or a regular expression for whole names, as peft takes it.
        rank: of the adapters, r.
        alpha: adapters are scaled by alpha / r.
        dropout: on what goes into an adapter.
        init_cfg: MMEngine's initialisation config; belongs to the encoder, so None.

    Raises:
        ImportError: peft is not installed.
        ValueError: no layer has such a name, one that cannot be adapted has, or the encoder has ``half_weights``.
    """

    def __init__(
        self,
        *,
        encoder: dict,
        target_modules: str | Sequence[str],
        rank: int = 16,
        alpha: float = 32,
        dropout: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if init_cfg is not None:
            raise ValueError(f'init_cfg must be that of the encoder inside, but LoRAEncoder got {init_cfg}')
        if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
            raise ValueError(
                f'rank and alpha must be positive and dropout in [0, 1), but got {rank}, {alpha} and {dropout}'
            )
        self.encoder: Any = build_image_encoder(encoder)  # one for captions is built as it is
        if getattr(self.encoder, 'half_weights', False):
            raise ValueError('half_weights must be False for an encoder with adapters, whose weights do not train')
        _split_attention(self.encoder)
        targets = target_modules if isinstance(target_modules, str) else list(target_modules)
        _inject(self.encoder, targets, r=rank, lora_alpha=alpha, lora_dropout=dropout)
        for name, parameter in self.encoder.named_parameters():
            parameter.requires_grad_(MARK in name)

    @property
    def vocab_size(self) -> int | None:
        """The encoder's own; None of an image encoder."""
        return getattr(self.encoder, 'vocab_size', None)

    @property
    def max_length(self) -> int | None:
        """The encoder's own; None of an image encoder."""
        return getattr(self.encoder, 'max_length', None)

    def init_weights(self) -> None:
        """Initialises the encoder as it would be without adapters; theirs stands since they were built."""
        notes = getattr(self, '_params_init_info', None)
        for module in self.encoder.modules():  # MMEngine's notes on every parameter know nothing of joined attentions
            module.__dict__.pop('_params_init_info', None)
        with self.without_adapters():
            self.encoder.init_weights()
        if notes is not None:
            for module in self.encoder.modules():
                module._params_init_info = notes
        self._is_init = True

    @contextmanager
    def without_adapters(self) -> Iterator[None]:
        """Inside, the encoder is the one that its config describes, names of its weights included."""
        adapted = [(parent, name, layer, layer.base_layer) for parent, name, layer in _children(self.encoder, _lora())]
        split = [(*place, place[2].joined()) for place in _children(self.encoder, SplitAttention)]
        for parent, name, _, plain in (*adapted, *split):
            setattr(parent, name, plain)
        try:
            yield
        finally:
            for parent, name, layer, _ in (*adapted, *split):
                setattr(parent, name, layer)
            for _, _, layer, plain in split:
                layer.take(plain)

    def train(self, mode: bool = True) -> LoRAEncoder:
        """Trains or evaluates; running statistics of the encoder are never updated."""
        super().train(mode)
        for module in self.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, *inputs: Tensor) -> EncoderOutput:
        """Encodes images (B, 3, H, W), or captions by token ids (M, L) and mask (M, L)."""
        return backbone_tokens(self.encoder, *inputs) if len(inputs) == 1 else self.encoder(*inputs)


def adapter_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state less the weights that its :class:`LoRAEncoder` leave as they are.

    Args:
        model: any.

    Returns:
        By their names in ``state_dict``: the adapters, and all of necks and heads.
    """
    inside = [f'{name}.encoder.' for name, module in model.named_modules() if isinstance(module, LoRAEncoder)]

    def keep(key: str) -> bool:
        return MARK in key or not any(key.startswith(prefix.removeprefix('.')) for prefix in inside)

    return {key: value for key, value in model.state_dict().items() if keep(key)}


def load_adapter_state(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Loads what :func:`adapter_state` gave, into a model whose encoders have been initialised as that one's.

    Args:
        model: of the same config.
        state: tensors by name.

    Raises:
        ValueError: it is the state of another model.
    """
    own = {key: tuple(value.shape) for key, value in adapter_state(model).items()}
    got = {key: tuple(value.shape) for key, value in state.items()}
    wrong = [key for key in {**own, **got} if own.get(key) != got.get(key)]
    if wrong:
        raise ValueError(
            f'The adapters must have the entries and shapes of the model, but {len(wrong)} of {len({**own, **got})} '
            f'differ, first {wrong[0]}: {got.get(wrong[0], "missing")} instead of {own.get(wrong[0], "none")}'
        )
    model.load_state_dict(state, strict=False)


def save_adapters(model: nn.Module, path: str | os.PathLike) -> None:
    """Writes :func:`adapter_state` as one safetensors file, whole or not at all."""
    state = {key: value.detach().cpu().contiguous() for key, value in adapter_state(model).items()}
    write_atomically(path, save(state))


def load_adapters(model: nn.Module, path: str | os.PathLike) -> None:
    """Loads a file of :func:`save_adapters`; see :func:`load_adapter_state`."""
    load_adapter_state(model, load_file(path))


def _inject(encoder: nn.Module, targets: str | list[str], **settings: Any) -> None:
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ImportError("LoRAEncoder needs peft: pip install 'mmt2ireid[lora]'") from error
    try:
        inject_adapter_in_model(LoraConfig(target_modules=targets, **settings), encoder)
    except ValueError as error:
        raise ValueError(
            f'target_modules must name layers of {type(encoder).__name__} that can be adapted, but got '
            f'{targets}: {error}'
        ) from error


def _split_attention(encoder: nn.Module) -> None:
    for parent, name, attention in _children(encoder, nn.MultiheadAttention):
        setattr(parent, name, SplitAttention(attention))


def _lora() -> type:
    from peft.tuners.lora.layer import LoraLayer

    return LoraLayer


def _children(encoder: nn.Module, kind: type) -> list[tuple[nn.Module, str, Any]]:
    """Modules of a kind: what holds them, under which name, and they themselves."""
    return [
        (parent, name, child)
        for parent in encoder.modules()
        for name, child in parent.named_children()
        if isinstance(child, kind)
    ]
