"""Necks: encoder tokens to tokens and one embedding of the common width."""

from mmt2ireid.models.necks.conv_max_pool import ConvMaxPoolNeck
from mmt2ireid.models.necks.global_token import GlobalTokenNeck
from mmt2ireid.models.necks.linear_bn import LinearBNNeck

__all__ = ['ConvMaxPoolNeck', 'GlobalTokenNeck', 'LinearBNNeck']
