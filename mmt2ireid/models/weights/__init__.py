"""Weights by name, through the library that owns them."""

from mmt2ireid.models.weights.backbone import BackbonePretrained, load_backbone
from mmt2ireid.models.weights.huggingface import HFPretrained, load_bert, load_bert_mlm_head
from mmt2ireid.models.weights.matching import load_matching
from mmt2ireid.models.weights.timm_hub import TIMMPretrained
from mmt2ireid.models.weights.transreid_ssl import convert_transreid_ssl

__all__ = [
    'BackbonePretrained',
    'HFPretrained',
    'TIMMPretrained',
    'convert_transreid_ssl',
    'load_backbone',
    'load_bert',
    'load_bert_mlm_head',
    'load_matching',
]
