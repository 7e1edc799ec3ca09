"""What drives a training run: hooks, optimisers, and how a config becomes a Runner (:mod:`mmt2ireid.engine.launch`)."""

from mmt2ireid import compat
from mmt2ireid.engine import hooks, optim

compat.patch_checkpoint_loader()

__all__ = ['hooks', 'optim']
