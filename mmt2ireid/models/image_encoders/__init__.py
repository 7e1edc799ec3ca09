"""Image encoders: mmpretrain's backbones as they are, read as tokens, and CLIP's image towers."""

from mmt2ireid.models.image_encoders.backbone_tokens import backbone_tokens, num_extra_tokens
from mmt2ireid.models.image_encoders.build import build_image_encoder
from mmt2ireid.models.image_encoders.open_clip_image import OpenCLIPImageEncoder

__all__ = ['OpenCLIPImageEncoder', 'backbone_tokens', 'build_image_encoder', 'num_extra_tokens']
