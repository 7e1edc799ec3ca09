"""The image tower of a CLIP model of open_clip as an image encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, initialize
from torch import Tensor, nn

from mmt2ireid.models.clip_towers import build_clip, check_activation, halve_weights, logit_scale_of, resize_grid
from mmt2ireid.models.layers.layer_depth import layer_depth
from mmt2ireid.models.weights import load_matching
from mmt2ireid.models.weights.positions import PositionTable
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput

POSITION_MODES = ('bicubic', 'bilinear')


@MODELS.register_module()
class OpenCLIPImageEncoder(BaseModule):
    """CLIP's image embedding, and beside it every patch in the same space.

    The first token is the embedding that open_clip's ``encode_image`` gives, not normalised; the others are what the
    patches become by the same last steps: of a ViT by its last norm and projection, of CLIP's ResNet by its attention
    pooling, with the position as the query. A tower of another kind (timm's, CoCa's) gives its embedding alone.

    Args:
        model: a name that open_clip knows ('ViT-B-16-quickgelu', 'RN50-quickgelu'), or its ``model_cfg``.
        image_size: (height, width) of the pictures, multiples of the patch (ResNet: of 32); position embeddings are
            resized. None: the model's own. Towers of another kind take the model's own only.
        position_mode: how position embeddings are resized: 'bicubic', antialiased, as by open_clip, or 'bilinear', not
            antialiased, as by IRRA.
        half_weights: keep a ViT's weights in float16 and compute in it, norms apart, as the codes do that fine-tune
            what OpenAI's loader returns on a GPU. The optimizer then steps on float16: updates below half a unit in the
            last place of a weight are lost. For reproduction runs, without ``--amp``; features leave in float32.
        freeze_patch_embed: keep a ViT's patch embedding as it is loaded, as TBPS-CLIP does.
        init_cfg: e.g. ``dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai')``; random weights when None.

    Attributes:
        clip_scale: the scale of the CLIP model whose weights were loaded, 100 of OpenAI's; None before.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: there is no such model, it can't have this size, ``position_mode`` is unknown, or a tower that
            is no plain ViT should be frozen or halved.
    """

    clip_scale: float | None = None

    def __init__(
        self,
        *,
        model: str | Mapping[str, Any] = 'ViT-B-16',
        image_size: Sequence[int] | None = None,
        position_mode: str = 'bicubic',
        half_weights: bool = False,
        freeze_patch_embed: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.model_name = model if isinstance(model, str) else None
        self.visual: Any = build_clip(model).visual
        self.kind = _kind(self.visual)
        native = _native_size(self.visual)
        size = native if image_size is None else tuple(image_size)
        stride = _stride(self.visual) if self.kind else native
        if not self.kind and size != native:
            raise ValueError(f'image_size must be None or {native} for this tower, but got {image_size}')
        if len(size) != 2 or min(size) < 1 or any(side % step for side, step in zip(size, stride, strict=False)):
            raise ValueError(f'image_size must be a height and a width, multiples of {stride}, but got {image_size}')
        if position_mode not in POSITION_MODES:
            raise ValueError(f'position_mode must be one of {POSITION_MODES}, but got {position_mode!r}')
        self.image_size, self.position_mode, self.half_weights = size, position_mode, half_weights
        for name, value in dict(half_weights=half_weights, freeze_patch_embed=freeze_patch_embed).items():
            if value and self.kind != 'vit':
                raise ValueError(f'{name} must be False for a tower that is no plain ViT, but got {value}')
        if freeze_patch_embed:
            _freeze_patch_embed(self.visual)
        if half_weights:
            halve_weights(self.visual)
        if self.kind:
            self.grid = (size[0] // stride[0], size[1] // stride[1])
            holder = _holder(self.visual)
            own = holder.positional_embedding
            table = resize_grid(own.detach(), _native_grid(self.visual), self.grid, position_mode)
            holder.positional_embedding = nn.Parameter(table.clone(), requires_grad=own.requires_grad)

    def init_weights(self) -> None:
        """Loads the weights that ``init_cfg`` names; the tower's parts have been initialised by open_clip."""
        if self.init_cfg:
            initialize(self, self.init_cfg)
        self._is_init = True

    def load_clip(self, network: nn.Module, label: str) -> None:
        """Takes over the image tower of a whole model.

        Args:
            network: an open_clip model, for pictures of any size.
            label: what to call it.

        Raises:
            ValueError: it is another model, or its activation is another.
        """
        tower: Any = network.visual
        check_activation(self.visual, tower, label)
        state = dict(tower.state_dict())
        if self.kind and self.kind == _kind(tower):
            key = 'positional_embedding' if self.kind == 'vit' else 'attnpool.positional_embedding'
            state[key] = resize_grid(state[key], _native_grid(tower), self.grid, self.position_mode)
        load_matching(self.visual, state, label)
        self.clip_scale = logit_scale_of(network)

    def position_table(self) -> PositionTable | None:
        """Describes the tower's position embeddings; None for a tower of another kind, of one size."""
        if not self.kind:
            return None
        key = 'visual.positional_embedding' if self.kind == 'vit' else 'visual.attnpool.positional_embedding'
        mode = f'open_clip:{self.position_mode}'
        return PositionTable(key, self.grid, 1, mode, (self.image_size[0], self.image_size[1]))

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter, for ``paramwise_cfg.layer_decay_rate``.

        Args:
            param_name: its name.
            prefix: of names in this encoder.

        Returns:
            The depth, 0 of the stem, and the number of depths.

        Raises:
            ValueError: the tower is none of CLIP's own, its layers are not known.
        """
        name = param_name.removeprefix(prefix)
        if self.kind == 'resnet':
            return layer_depth(name, stem=('visual.conv', 'visual.bn'), block='visual.layer', num_blocks=4, first=1)
        if not self.kind:
            raise ValueError(
                "layer_decay_rate must be left out for this image tower, which is none of CLIP's own, "
                f'{type(self.visual).__name__}'
            )
        return layer_depth(
            name,
            stem=('visual.conv1.', 'visual.class_embedding', 'visual.positional_embedding', 'visual.ln_pre.'),
            block='visual.transformer.resblocks.',
            num_blocks=len(self.visual.transformer.resblocks),
        )

    def forward(self, images: Tensor) -> EncoderOutput:
        """Encodes pictures.

        Args:
            images: (B, 3, H, W).

        Returns:
            Tokens (B, 1 + patches, D_i), CLIP's embedding first; (B, 1, D_i) from a tower of another kind.

        Raises:
            ValueError: the pictures are of another size.
        """
        if tuple(images.shape[-2:]) != self.image_size:
            raise ValueError(
                f'Pictures must be of image_size={self.image_size} (height, width), but got {tuple(images.shape[-2:])}'
            )
        if not self.kind:
            embed = self.visual(images)
            embed = embed[0] if isinstance(embed, tuple) else embed  # CoCa's tower gives its tokens as well
            return EncoderOutput(embed[:, None], num_extra_tokens=1)
        steps: dict[str, Any] = dict(indices=1, intermediates_only=True)
        if self.kind == 'resnet':
            maps = self.visual.forward_intermediates(images, **steps)['image_intermediates']
            return EncoderOutput(_attend(self.visual.attnpool, maps[-1]), num_extra_tokens=1)
        steps.update(normalize_intermediates=True, output_fmt='NLC', output_extra_tokens=True)
        found = self.visual.forward_intermediates(images.half() if self.half_weights else images, **steps)
        tokens = torch.cat([found['image_intermediates_prefix'][-1], found['image_intermediates'][-1]], dim=1)
        tokens = tokens @ self.visual.proj
        return EncoderOutput(tokens.float() if self.half_weights else tokens, num_extra_tokens=1)


def _attend(pool: Any, maps: Tensor) -> Tensor:
    """CLIP's attention pooling of (B, C, h, w) with every position as a query, (B, 1 + h w, D_i); the mean's first."""
    tokens = maps.flatten(2).transpose(1, 2)
    tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1) + pool.positional_embedding.to(tokens.dtype)
    query, key, value = (
        project(tokens).unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)
        for project in (pool.q_proj, pool.k_proj, pool.v_proj)
    )
    found = F.scaled_dot_product_attention(query, key, value)
    return pool.c_proj(found.transpose(1, 2).flatten(2))


def _kind(tower: Any) -> str:
    """'vit' and 'resnet' of CLIP's own making, '' else."""
    if type(tower).__name__ == 'ModifiedResNet':
        return 'resnet'
    plain = type(tower).__name__ == 'VisionTransformer' and tower.attn_pool is None and tower.proj is not None
    return 'vit' if plain and tower.pool_type == 'tok' and not tower.final_ln_after_pool else ''


def _freeze_patch_embed(tower: Any) -> None:
    tower.conv1.requires_grad_(False)


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _native_size(tower: Any) -> tuple[int, int]:
    return _pair(tower.image_size)


def _stride(tower: Any) -> tuple[int, int]:
    return (32, 32) if _kind(tower) == 'resnet' else _pair(tower.patch_size)


def _holder(tower: Any) -> Any:
    return tower.attnpool if _kind(tower) == 'resnet' else tower


def _native_grid(tower: Any) -> tuple[int, int]:
    """Of a tower as open_clip built it."""
    if _kind(tower) == 'vit':
        return _pair(tower.grid_size)
    side = math.isqrt(len(tower.attnpool.positional_embedding) - 1)
    return side, side
