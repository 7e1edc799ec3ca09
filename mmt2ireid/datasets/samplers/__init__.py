"""Samplers whose indices carry the seed of their item."""

from mmt2ireid.datasets.samplers.identity_sampler import IdentitySampler
from mmt2ireid.datasets.samplers.pair_sampler import PairSampler

__all__ = ['IdentitySampler', 'PairSampler']
