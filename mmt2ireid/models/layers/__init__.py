"""Layers that several heads or losses share."""

from mmt2ireid.models.layers.conv_stem import ConvStem
from mmt2ireid.models.layers.gather import gather, gather_with_grad
from mmt2ireid.models.layers.hybrid_memory import HybridMemory
from mmt2ireid.models.layers.interaction_encoder import InteractionEncoder
from mmt2ireid.models.layers.learned_scale import LearnedScale, take_clip_scale
from mmt2ireid.models.layers.part_linear import PartLinear
from mmt2ireid.models.layers.phrase_bank import PhraseBank
from mmt2ireid.models.layers.prototype_decoder import PrototypeAttention, PrototypeDecoderLayer

__all__ = [
    'ConvStem',
    'HybridMemory',
    'InteractionEncoder',
    'LearnedScale',
    'PartLinear',
    'PhraseBank',
    'PrototypeAttention',
    'PrototypeDecoderLayer',
    'gather',
    'gather_with_grad',
    'take_clip_scale',
]
