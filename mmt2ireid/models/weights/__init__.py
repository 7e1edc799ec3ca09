"""Weights by name, through the library that owns them."""

from mmt2ireid.models.weights.backbone import BackbonePretrained, load_backbone
from mmt2ireid.models.weights.huggingface import HFPretrained, load_bert, load_bert_mlm_head
from mmt2ireid.models.weights.matching import load_matching
from mmt2ireid.models.weights.timm_hub import TIMMPretrained
from mmt2ireid.models.weights.transreid_ssl import convert_transreid_ssl
from mmt2ireid.models.weights.whole_checkpoints import adapt_positions, image_size_of

__all__ = [
    'BackbonePretrained',
    'HFPretrained',
    'TIMMPretrained',
    'adapt_positions',
    'convert_transreid_ssl',
    'image_size_of',
    'load_backbone',
    'load_bert',
    'load_bert_mlm_head',
    'load_matching',
]
