"""Whether a checkpoint fits the model, before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import Tensor, nn

from mmt2ireid.engine.latest_checkpoint import has_training_state
from mmt2ireid.registry import HOOKS

State = dict[str, Any]


@HOOKS.register_module()
class CheckpointGuardHook(Hook):
    """Compares a checkpoint with the model and summarises what is missing, unexpected or of another shape.

    MMEngine loads what fits and warns about the rest, so that a run may start from weights that are mostly random.
    Here:

    - resuming: everything must fit;
    - fine-tuning (``load_from``): everything but the heads must be in the checkpoint and of the same shape; heads may
      differ, entries of another shape start afresh;
    - testing: everything that the model has must be in the checkpoint.

    Shapes that a module adapts by itself when it loads (position embeddings of another grid) fit.

    Args:
        allow_missing: prefixes such as ``text_encoder`` that may be missing or of another shape when fine-tuning.
    """

    def __init__(self, allow_missing: Sequence[str] = ()) -> None:
        if isinstance(allow_missing, str):
            raise ValueError(f'allow_missing must be a list of prefixes, but got {allow_missing!r}')
        self.allow_missing = tuple(allow_missing)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compares, and takes out of the checkpoint what may not be loaded.

        Args:
            runner: the runner.
            checkpoint: what was loaded; changed in place.

        Raises:
            ValueError: the checkpoint does not fit; the message summarises how.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        name = f'checkpoint {runner._load_from or "of the working directory"}'
        state = _state_of(checkpoint, name)
        _strip_wrapper(state)
        training = isinstance(runner._train_loop, BaseLoop)
        if training and runner._resume and not has_training_state(checkpoint):
            raise ValueError(
                f'{name} must hold the state of a run to be resumed, but holds weights only; to start '
                'from them, give them as load_from'
            )
        difference = compare(model, state)
        if not difference:
            return
        if training and runner._resume:
            raise ValueError(f'{name} must be of this very model to be resumed, but\n{difference}')
        if not training and (difference.missing or difference.misshapen):
            raise ValueError(f'{name} must hold the whole model to be tested, but\n{difference}')
        fatal = difference.without(('heads', *self.allow_missing))
        if training and (fatal.missing or fatal.misshapen):
            raise ValueError(
                f'{name} must hold everything but the heads to start from (allow_missing of '
                f'CheckpointGuardHook makes exceptions), but\n{fatal}'
            )
        for key in difference.misshapen:
            del state[key]
        runner.logger.warning(f'The checkpoint differs from the model, which is allowed here:\n{difference}')


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
