"""Mixed precision where MMEngine's ``AmpOptimWrapper`` refuses it: on the CPU and on Apple's MPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmt2ireid.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Forward passes under ``torch.autocast('cpu', bfloat16)``; MMEngine's ``AmpOptimWrapper`` refuses the CPU.

    bfloat16 has the range of float32, so that no loss scaling is needed. Parameters, gradients and the optimiser's
    state stay float32.

    Args:
        **kwargs: as for MMEngine's ``OptimWrapper``.
    """

    DEVICE_TYPE = 'cpu'

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, and no gradient synchronisation while gradients accumulate.

        Args:
            model: the model that is about to run forward.
        """
        with super().optim_context(model), torch.autocast(self.DEVICE_TYPE, dtype=torch.bfloat16):
            yield


@OPTIM_WRAPPERS.register_module()
class MPSAmpOptimWrapper(CPUAmpOptimWrapper):
    """The same under ``torch.autocast('mps', bfloat16)``; needs macOS 14 or later."""

    DEVICE_TYPE = 'mps'
