"""Layers that several heads or losses share."""

from mmt2ireid.models.layers.gather import gather, gather_with_grad
from mmt2ireid.models.layers.part_linear import PartLinear
from mmt2ireid.models.layers.prototype_decoder import PrototypeAttention, PrototypeDecoderLayer

__all__ = ['PartLinear', 'PrototypeAttention', 'PrototypeDecoderLayer', 'gather', 'gather_with_grad']
