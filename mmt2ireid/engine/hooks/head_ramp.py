"""Settings of heads that grow during training."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmt2ireid.registry import HOOKS


@HOOKS.register_module()
class HeadRampHook(Hook):
    """Lets a number of a head grow from 0 to what the config says, step by step during the first epochs.

    So TBPS-CLIP's labels become soft (AAAI 2024): ``head='contrastive', name='soft_ratio'``. The number follows from
    the step alone, so a resumed run goes on as one that was not killed.

    Args:
        head: name of the head.
        name: attribute of the head, a number.
        epochs: how long it takes.

    Raises:
        ValueError: ``epochs`` is not positive.
    """

    def __init__(self, head: str, name: str, epochs: float = 1) -> None:
        if not epochs > 0:
            raise ValueError(f'epochs must be positive, but got {epochs}')
        self.head, self.name, self.epochs = head, name, epochs

    def before_train(self, runner: Runner) -> None:
        """Looks the number up.

        Args:
            runner: the runner.

        Raises:
            ValueError: the model has no such head, or the head no such number.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        heads = dict(model.heads.items())
        if self.head not in heads:
            raise ValueError(f'head must be a head of the model, {", ".join(heads)}, but got {self.head!r}')
        self._owner, value = heads[self.head], getattr(heads[self.head], self.name, None)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'name must be a number of {type(self._owner).__name__}, but {self.name!r} is {value!r}')
        self._end, self._steps = value, self.epochs * len(runner.train_dataloader)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Sets the number.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
        """
        setattr(self._owner, self.name, self._end * min(1.0, runner.iter / self._steps))

    def after_train(self, runner: Runner) -> None:
        """Leaves what the config says.

        Args:
            runner: the runner.
        """
        setattr(self._owner, self.name, self._end)
