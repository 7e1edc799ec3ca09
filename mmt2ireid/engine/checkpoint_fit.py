"""Whether a checkpoint fits a model: the one comparison that all make who load a whole one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

State = dict[str, Any]


@dataclass(frozen=True)
class Fit:
    """A checkpoint as it would be loaded into a model.

    Attributes:
        state: its weights by the model's names; those of the checkpoint itself, changed in place.
        difference: from the model.
        adapted: what was brought to the size of the model's images, one line each.
    """

    state: State
    difference: Difference
    adapted: tuple[str, ...]


def fit_checkpoint(model: nn.Module, checkpoint: Any, label: str) -> Fit:
    """Compares a checkpoint with a model, after bringing it to the size of the model's images.

    Args:
        model: not wrapped; one with ``adapt_state`` adapts weights itself.
        checkpoint: what a file holds: weights by name, alone or as ``state_dict``; changed in place.
        label: what to call it.

    Returns:
        How it fits.

    Raises:
        ValueError: it holds no weights, or positions of an unknown grid.
    """
    state = _state_of(checkpoint, label)
    _strip_wrapper(state)
    adapt: Any = getattr(model, 'adapt_state', None)
    meta = checkpoint.get('meta') if state is not checkpoint else None
    adapted = adapt(state, meta, label) if adapt is not None else []
    return Fit(state, compare(model, state), tuple(adapted))


@dataclass(frozen=True)
class Difference:
    """How a checkpoint differs from a model.

    Attributes:
        missing: keys that only the model has.
        unexpected: keys that only the checkpoint has.
        misshapen: keys of both to the checkpoint's and the model's shape.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def without(self, prefixes: tuple[str, ...]) -> Difference:
        """Leaves out all keys under some prefixes.

        Args:
            prefixes: such as ``heads`` or ``heads.id``.

        Returns:
            The rest.
        """

        def keep(key: str) -> bool:
            return not any(key == prefix or key.startswith(f'{prefix}.') for prefix in prefixes)

        return Difference(
            tuple(filter(keep, self.missing)),
            tuple(filter(keep, self.unexpected)),
            {key: shapes for key, shapes in self.misshapen.items() if keep(key)},
        )

    def __str__(self) -> str:
        shapes = [f'{key} {was} instead of {wanted}' for key, (was, wanted) in self.misshapen.items()]
        return '\n'.join(
            [
                *_summarise('missing', self.missing),
                *_summarise('unexpected', self.unexpected),
                *_summarise('of another shape', shapes),
            ]
        )


def compare(model: nn.Module, state: State) -> Difference:
    """Compares a state dict with a model.

    Args:
        model: not wrapped.
        state: as it would be loaded; not changed.

    Returns:
        The difference, after what the modules adapt by themselves, in what is loaded or in their own size.
    """
    difference = _compare(_shapes(model), state)
    if not difference:
        return difference
    adapted = _adapted(model, state)
    return _compare(_shapes(model), adapted)


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in model.state_dict().items() if isinstance(value, Tensor)}


def _compare(own: dict[str, tuple[int, ...]], state: State) -> Difference:
    shapes = {key: tuple(value.shape) for key, value in state.items() if isinstance(value, Tensor)}
    # Counters of batch norms, which older files lack; MMEngine does not mind either.
    missing = tuple(key for key in own if key not in state and not key.endswith('num_batches_tracked'))
    misshapen = {key: (shape, own[key]) for key, shape in shapes.items() if key in own and shape != own[key]}
    return Difference(missing, tuple(key for key in state if key not in own), misshapen)


def _adapted(model: nn.Module, state: State) -> State:
    """What the modules' own hooks make of a state dict before they read it."""
    adapted = dict(state)
    for name, module in model.named_modules():
        for hook in module._load_state_dict_pre_hooks.values():
            # What mmpretrain cannot read as a square grid stays as it is, and is told as another shape.
            with suppress(AssertionError):
                hook(adapted, f'{name}.' if name else '', {}, True, [], [], [])
    return adapted


def _state_of(checkpoint: Any, name: str) -> State:
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else checkpoint
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise ValueError(
            f'{name} must hold tensors by name, alone or as state_dict, but holds a {type(state).__name__}'
        )
    return state


def _strip_wrapper(state: State) -> None:
    for key in [key for key in state if key.startswith('module.')]:
        state[key.removeprefix('module.')] = state.pop(key)


def _summarise(kind: str, entries: Sequence[str], num_examples: int = 3) -> list[str]:
    parts: dict[str, list[str]] = {}
    for entry in entries:
        names = entry.split(' ', 1)[0].split('.')
        parts.setdefault('.'.join(names[:2] if names[0] == 'heads' else names[:1]), []).append(entry)
    lines = []
    for part, members in sorted(parts.items()):
        examples = ', '.join(members[:num_examples]) + (', ...' if len(members) > num_examples else '')
        lines.append(f'  {kind} in {part}: {len(members)} ({examples})')
    return lines
