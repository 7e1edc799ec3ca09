"""Image encoders from their configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmt2ireid.registry import MODELS


def build_image_encoder(config: Mapping[str, Any]) -> Any:
    """Builds an image encoder without fetching anything.

    ``pretrained=True`` of ``mmpretrain.TIMMBackbone`` becomes ``init_cfg=dict(type='mmt2ireid.TIMMPretrained')``: timm
    would ask the network whenever a model is built, also for weights that a checkpoint replaces.

    Args:
        config: of any backbone.
    """
    if str(config.get('type')).endswith('TIMMBackbone') and config.get('pretrained') and not config.get('init_cfg'):
        config = dict(config, pretrained=False, init_cfg=dict(type='mmt2ireid.TIMMPretrained'))
    return MODELS.build(config)
