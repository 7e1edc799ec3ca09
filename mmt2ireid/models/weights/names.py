"""What timm, and all that descends from it, calls the parts of a ViT, and what mmpretrain calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable

TIMM_TO_MMPRETRAIN = (
    (re.compile(r'^patch_embed\.proj\.'), 'patch_embed.projection.'),
    (re.compile(r'^norm_pre\.'), 'pre_norm.'),
    (re.compile(r'^norm\.'), 'ln1.'),
    (re.compile(r'^blocks\.(\d+)\.norm([12])\.'), r'layers.\1.ln\2.'),
    (re.compile(r'^blocks\.(\d+)\.mlp\.fc1\.'), r'layers.\1.ffn.layers.0.0.'),
    (re.compile(r'^blocks\.(\d+)\.mlp\.fc2\.'), r'layers.\1.ffn.layers.1.'),
    (re.compile(r'^blocks\.(\d+)\.ls1\.gamma$'), r'layers.\1.attn.gamma1.weight'),
    (re.compile(r'^blocks\.(\d+)\.ls2\.gamma$'), r'layers.\1.ffn.gamma2.weight'),
    (re.compile(r'^blocks\.(\d+)\.attn\.'), r'layers.\1.attn.'),
)
"""A ViT's names; those of a ResNet are the same in both."""

CONV_STEM = (
    (re.compile(r'^patch_embed\.conv\.'), 'patch_embed.projection.conv.'),
    (re.compile(r'^patch_embed\.proj\.'), 'patch_embed.projection.proj.'),
)
"""Names of TransReID-SSL's convolutional stem, see :class:`mmt2ireid.models.layers.ConvStem`."""

HEADS = ('head', 'head_dist', 'fc', 'classifier', 'pre_logits')
"""Parts that only classify what a backbone gives."""


def to_mmpretrain(keys: Iterable[str]) -> dict[str, str]:
    """Renames the weights of a ViT.

    Args:
        keys: timm's names, without prefix; names that need no change stay.

    Returns:
        Old name to new one.
    """
    keys = list(keys)
    has_stem = any(key.startswith('patch_embed.conv.') for key in keys)
    rules = (*CONV_STEM, *TIMM_TO_MMPRETRAIN[1:]) if has_stem else TIMM_TO_MMPRETRAIN
    return {key: _rename(key, rules) for key in keys}


def _rename(key: str, rules: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, new in rules:
        renamed, times = pattern.subn(new, key)
        if times:
            return renamed
    return key
