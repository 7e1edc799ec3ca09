"""Whether this iteration ends with a checkpoint; what must be settled before one is written asks here."""

from __future__ import annotations

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner


def saves_after_iter(runner: Runner) -> bool:
    """Says whether a checkpoint hook saves after the running iteration.

    Args:
        runner: the runner, within ``after_train_iter``.

    Returns:
        True if one does; hooks that save after epochs do not count.
    """
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and not hook.by_epoch:
            due = hook.every_n_train_iters(runner, hook.interval, hook.save_begin)
            if due or (hook.save_last and hook.is_last_train_iter(runner)):
                return True
    return False
