"""State dicts that must fit to the last entry."""

from __future__ import annotations

from torch import nn


def load_matching(module: nn.Module, state: dict, checkpoint: str) -> None:
    """Loads a state dict that must have the module's entries, no other, all of the same shape.

    Raises:
        ValueError: if it has not; the message names ``checkpoint``.
    """
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    got = {key: tuple(value.shape) for key, value in state.items()}
    # Both ways: a checkpoint with more layers than the model must not lose them silently.
    wrong = [
        f'{key}: {got.get(key, "missing")} in the checkpoint, {own.get(key, "missing")} in the model'
        for key in {**own, **got}
        if got.get(key) != own.get(key)
    ]
    if wrong:
        raise ValueError(
            f'{checkpoint!r} must have the shapes of {type(module).__name__}, but {len(wrong)} of '
            f'{len({**own, **got})} entries differ, first {"; ".join(wrong[:3])}'
        )
    module.load_state_dict(state)
