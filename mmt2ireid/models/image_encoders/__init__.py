"""Image encoders: mmpretrain's backbones as they are, read as tokens."""

from mmt2ireid.models.image_encoders.backbone_tokens import backbone_tokens, num_extra_tokens

__all__ = ['backbone_tokens', 'num_extra_tokens']
