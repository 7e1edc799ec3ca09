"""One parameter group per setting instead of one per parameter."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.logging import MMLogger, print_log
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from mmt2ireid.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's default constructor, its groups of equal settings merged.

    With ``paramwise_cfg`` the default constructor makes one group per parameter, and optimisers step group by group:
    their multi-tensor (``foreach``, ``fused``) kernels then see one tensor at a time. Merging changes no update, only
    the number of launches. Groups, and parameters in a group, keep the order in which the model first names them, so
    that an optimiser's state resumes. A parameter shared by two modules counts once, with the settings of its first
    name; frozen parameters are left out, and both are counted in the one table that is logged instead of a line per
    parameter.

    Args:
        optim_wrapper_cfg: config of the optimiser wrapper, as MMEngine's.
        paramwise_cfg: ``custom_keys``, ``norm_decay_mult`` and so on, as MMEngine's.
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the optimiser wrapper.

        Args:
            model: the model, wrapped for distributed training or not.

        Returns:
            The wrapper that the config asks for.
        """
        model = getattr(model, 'module', model)
        flat: list[dict[str, Any]] = []
        with _quiet():
            super().add_params(flat, model)
        groups, num_shared = merge_groups(flat)
        num_frozen = sum(not parameter.requires_grad for parameter in model.parameters())
        print_log(self._table(groups, num_frozen, num_shared), logger='current')
        return self._build(groups)

    def _build(self, groups: list[dict[str, Any]]) -> OptimWrapper:
        if not groups:
            raise ValueError('the model must have a parameter to train, but got none')
        builder = DefaultOptimWrapperConstructor(dict(self.optim_wrapper_cfg, optimizer=self.optimizer_cfg))
        return builder(_Bag(groups))

    def _table(self, groups: list[dict[str, Any]], num_frozen: int, num_shared: int) -> str:
        lines = [f'{"group":>5} {"lr":>10} {"decay":>8} {"tensors":>8} {"parameters":>12}']
        for index, group in enumerate(groups):
            rate, decay = group.get('lr', self.base_lr), group.get('weight_decay', self.base_wd)
            size = sum(parameter.numel() for parameter in group['params'])
            lines.append(f'{index:>5} {_number(rate):>10} {_number(decay):>8} {len(group["params"]):>8} {size:>12,}')
        notes = f'{num_frozen} frozen tensors left out, {num_shared} shared tensors counted once'
        return '\n'.join(['Parameter groups:', *lines, notes])


def merge_groups(flat: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Merges parameter groups of equal settings.

    Args:
        flat: groups as an optimiser takes them; parameters may repeat.

    Returns:
        The merged groups in the order of first appearance, and how many repeated parameters were left out.
    """
    merged: dict[str, dict[str, Any]] = {}
    seen: set[int] = set()
    repeated = 0
    for group in flat:
        settings = {name: value for name, value in group.items() if name != 'params'}
        key = repr(sorted(settings.items()))
        for parameter in group['params']:
            if id(parameter) in seen:
                repeated += 1
                continue
            seen.add(id(parameter))
            merged.setdefault(key, dict(settings, params=[]))['params'].append(parameter)
    return list(merged.values()), repeated


class _Bag:
    """Hands ready-made groups to the default constructor, which asks a model for nothing but its parameters."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self._groups = groups

    def parameters(self) -> list[dict[str, Any]]:
        return self._groups


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.3g}'


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back the default constructor's line per parameter."""

    def keep(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not message.startswith('paramwise_options --') and 'is skipped since its requires_grad' not in message

    logger = MMLogger.get_current_instance()
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)
