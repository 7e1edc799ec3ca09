"""Where to compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def usable_device(device: str | torch.device | None = None) -> torch.device:
    """A device that there is.

    Args:
        device: its name; by default a GPU if there is one.

    Raises:
        ValueError: torch knows no such device, or this machine has none.
    """
    import torch

    try:
        found = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # the last two: a torch built without it
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f'device must be one that can be used here, such as cpu, but got {device}: {reason}'
        ) from error
    return found
