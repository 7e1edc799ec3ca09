"""Where MMEngine computes."""

from __future__ import annotations


def use_device(name: str) -> None:
    """Have MMEngine's runners compute on a device; by default it takes a GPU, or Apple's MPS, where there is one.

    MMEngine 0.10.7 and 0.11.0rc3 choose the device when they are imported, and have no setting for it. To be retired
    by the release that has one.

    Args:
        name: 'cpu', 'cuda', 'mps' or another that MMEngine knows.
    """
    from mmengine.device import utils

    utils.DEVICE = name
