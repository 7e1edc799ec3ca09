"""Samplers whose indices carry the seed of their item."""

from mmt2ireid.datasets.samplers.identity_sampler import IdentitySampler
from mmt2ireid.datasets.samplers.pair_sampler import PairSampler
from mmt2ireid.datasets.samplers.pseudo_label_sampler import PseudoLabelSampler

__all__ = ['IdentitySampler', 'PairSampler', 'PseudoLabelSampler']
