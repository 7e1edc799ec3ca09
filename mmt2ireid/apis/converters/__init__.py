"""Checkpoints that authors published, brought into this toolbox's names."""

from mmt2ireid.apis.converters.cmmt import CMMT
from mmt2ireid.apis.converters.command import convert_command
from mmt2ireid.apis.converters.convert import Conversion, Converter, convert_checkpoint
from mmt2ireid.apis.converters.irra import IRRA
from mmt2ireid.apis.converters.rules import Advice, Rule
from mmt2ireid.apis.converters.unipt import UNIPT

__all__ = [
    'CMMT',
    'IRRA',
    'UNIPT',
    'Advice',
    'Conversion',
    'Converter',
    'Rule',
    'convert_checkpoint',
    'convert_command',
]
