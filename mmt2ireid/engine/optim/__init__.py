"""Optimiser wrappers and their constructors."""

from mmt2ireid.engine.optim.cpu_amp import CPUAmpOptimWrapper, MPSAmpOptimWrapper
from mmt2ireid.engine.optim.grouped import GroupedOptimWrapperConstructor

__all__ = ['CPUAmpOptimWrapper', 'GroupedOptimWrapperConstructor', 'MPSAmpOptimWrapper']
