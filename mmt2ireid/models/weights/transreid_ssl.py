"""Published weights of TransReID-SSL (Luo et al., 2021), ViTs that DINO trained on LUPerson."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mmt2ireid.models.layers.conv_stem import ConvStem
from mmt2ireid.models.weights.backbone import some, unwrap
from mmt2ireid.models.weights.names import HEADS, to_mmpretrain
from mmt2ireid.models.weights.positions import upright_grid

ARCHS = {(384, 12): 'deit-small', (768, 12): 'base'}
"""mmpretrain's names of ViT-S/16 and ViT-B/16, by width and depth."""

FOREIGN = {
    'sie_embed': 'embeddings of camera and view, which no picture outside their data has',
    'b1': "the branch of TransReID's jigsaw patches",
    'b2': "the branch of TransReID's jigsaw patches",
    'dist_token': 'a distillation token',
}
"""What a model of mmpretrain's VisionTransformer cannot hold."""

LAYER = ('ln1', 'ln2', 'attn.qkv', 'attn.proj', 'ffn.layers.0.0', 'ffn.layers.1')
"""Parts of a layer, each with weight and bias."""

PREFIX = re.compile(r'^(module\.)?(backbone\.|base\.)?')


@dataclass(frozen=True)
class ConvertedBackbone:
    """Weights of a ViT under mmpretrain's names.

    Attributes:
        state_dict: by name, without prefix; position embeddings as they were.
        meta: where they come from, and how the model must be built: ``grid`` (rows, columns), ``arch``, ``patch_size``,
            ``conv_stem``.
        left: how many entries were left out, by part.
    """

    state_dict: dict[str, Tensor]
    meta: dict[str, Any]
    left: dict[str, int] = field(default_factory=dict)

    def checkpoint(self) -> dict[str, Any]:
        """What to save: :class:`BackbonePretrained` reads the grid from it."""
        return dict(state_dict=self.state_dict, meta=self.meta)


def convert_transreid_ssl(
    checkpoint: Mapping[str, Any],
    label: str,
    *,
    entry: str = 'teacher',
    grid: Sequence[int] | None = None,
) -> ConvertedBackbone:
    """Brings weights of TransReID-SSL under mmpretrain's names.

    Args:
        checkpoint: what the file holds: DINO's checkpoint (student, teacher, optimizer ...), the backbone alone, or a
            fine-tuned model (names ``base.``), whose classifiers are left out.
        label: what to call it.
        entry: which of DINO's two networks, 'teacher' or 'student'.
        grid: (rows, columns) of patches; None: the one that is twice as high as wide, as 256x128 gives it.

    Raises:
        ValueError: it is no such checkpoint, holds what the model cannot represent, or the grid does not fit.
    """
    if entry not in ('teacher', 'student'):
        raise ValueError(f"entry must be 'teacher' or 'student', but got {entry!r}")
    state = unwrap(checkpoint, label, ('state_dict', 'model', entry))
    prefix = next((_prefix(key) for key in state if key.endswith('cls_token')), None)
    if prefix is None:
        raise ValueError(f'{label} must hold a ViT with a cls_token, but got names like {sorted(state)[:3]}')
    parts = {_part(key, prefix) for key in state} | {_part(key, 'module.') for key in state}
    foreign = sorted(parts & FOREIGN.keys())
    if foreign:
        raise ValueError(f'{label} cannot be represented: {foreign[0]} holds {FOREIGN[foreign[0]]}')
    inside = [key for key in state if key.startswith(prefix) and _part(key, prefix) not in HEADS]
    names = to_mmpretrain(key.removeprefix(prefix) for key in inside)
    found = {names[key.removeprefix(prefix)]: state[key].detach().clone() for key in inside}
    left = Counter(key.split('.')[0] if not key.startswith(prefix) else _part(key, prefix) for key in state
                   if key not in set(inside))  # fmt: skip
    return ConvertedBackbone(found, _describe(found, label, entry, grid), dict(left))


def _describe(state: Mapping[str, Tensor], label: str, entry: str, grid: Sequence[int] | None) -> dict[str, Any]:
    wanted = ('pos_embed', 'ln1.weight')
    stem = 'patch_embed.projection.conv.0.weight' in state
    kernel = f'patch_embed.projection{".proj" * stem}.weight'
    missing = [key for key in (*wanted, kernel) if key not in state]
    if missing:
        raise ValueError(f"{label} must hold a whole ViT, but {missing[0]} (in mmpretrain's names) is missing")
    rows = state['pos_embed'].shape[1] - 1
    shape = upright_grid(rows) if grid is None else (int(grid[0]), int(grid[1]))
    if shape is None or shape[0] * shape[1] != rows:
        raise ValueError(
            f'grid of {label} must hold its {rows} patches, but '
            + (f'got {shape[0]} x {shape[1]}' if shape else 'none is twice as high as wide: give it')
        )
    _check_whole(state, kernel, stem, label)
    depth = 1 + max((int(key.split('.')[1]) for key in state if key.startswith('layers.')), default=-1)
    width = state['pos_embed'].shape[2]
    return dict(
        source='TransReID-SSL',
        entry=entry,
        arch=ARCHS.get((width, depth), f'{depth} layers of width {width}'),
        patch_size=state[kernel].shape[-1] * (2 if stem else 1),
        conv_stem=stem,
        grid=list(shape),
    )


def _check_whole(state: Mapping[str, Tensor], kernel: str, stem: bool, label: str) -> None:
    """Refuses a ViT with a hole, or with a part that mmpretrain's has not."""
    wanted = {'cls_token', 'pos_embed', 'ln1.weight', 'ln1.bias', kernel, f'{kernel.removesuffix("weight")}bias'}
    if stem:
        wanted |= {f'patch_embed.projection.{key}' for key in ConvStem(3, 1).state_dict()}
    layers = {key.split('.')[1] for key in state if key.startswith('layers.')}
    wanted |= {f'layers.{layer}.{key}.{end}' for layer in layers for key in LAYER for end in ('weight', 'bias')}
    missing, unknown = sorted(wanted - state.keys()), sorted(state.keys() - wanted)
    if missing or unknown or layers != set(map(str, range(len(layers)))):
        raise ValueError(
            f"{label} must hold a whole ViT and no other weights, but of its entries, in mmpretrain's names, "
            f'{some(missing)} missing and {some(unknown)} unknown (layers: {", ".join(sorted(layers)) or "none"})'
        )


def _prefix(key: str) -> str:
    match = PREFIX.match(key)
    return match.group() if match and key == f'{match.group()}cls_token' else ''


def _part(key: str, prefix: str) -> str:
    return key.removeprefix(prefix).split('.')[0]
