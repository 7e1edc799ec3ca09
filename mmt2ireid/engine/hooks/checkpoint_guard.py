"""Whether a checkpoint fits the model, before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.engine.checkpoint_fit import fit_checkpoint
from mmt2ireid.engine.latest_checkpoint import check_resumable
from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class CheckpointGuardHook(Hook):
    """Compares a checkpoint with the model and summarises what is missing, unexpected or of another shape.

    MMEngine loads what fits and warns about the rest, so that a run may start from weights that are mostly random.
    Here:

    - resuming: everything must fit;
    - fine-tuning (``load_from``): everything but the heads must be in the checkpoint and of the same shape; heads may
      differ, entries of another shape start afresh;
    - testing: everything that the model has must be in the checkpoint.

    Position embeddings of another size of images are resized from the grid that they were learned on, with a warning,
    but not when resuming. Other shapes that a module adapts by itself when it loads fit.

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
        fit = fit_checkpoint(model, checkpoint, name)
        training = isinstance(runner._train_loop, BaseLoop)
        if training and runner._resume:
            check_resumable(str(runner._load_from), checkpoint)
        difference = fit.difference
        if fit.adapted:
            if training and runner._resume:
                raise ValueError(
                    f'{name} must be resumed with the size of images that it was trained with (the state of the '
                    f'optimizer belongs to it), but got {", ".join(fit.adapted)}; to train on from its weights with '
                    'another size, give it as load_from'
                )
            runner.logger.warning(f'{name}: position embeddings resized, {", ".join(fit.adapted)}')
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
            del fit.state[key]
        runner.logger.warning(f'The checkpoint differs from the model, which is allowed here:\n{difference}')
