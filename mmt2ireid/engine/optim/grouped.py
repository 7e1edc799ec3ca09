"""One parameter group per setting instead of one per parameter."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from mmt2ireid.engine.optim.rules import ParameterRules, ParameterSetting
from mmt2ireid.registry import OPTIM_WRAPPER_CONSTRUCTORS

MAX_NAMES = 4
"""Parts of the model that the log names per group."""


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor:
    """Builds an optimizer with a parameter group per rate and decay, by rules that add up.

    MMEngine's default constructor makes one group per parameter, and optimizers step group by group: their multi-tensor
    (``foreach``, ``fused``) kernels then see one tensor at a time. Groups, and parameters in a group, keep the order in
    which the model first names them, so that an optimizer's state resumes. A parameter shared by two modules counts
    once, with the settings of its first name.

    MMEngine's takes the rules of the longest key alone; here all that match hold, see
    :class:`~mmt2ireid.engine.optim.rules.ParameterRules`. A parameter whose rate comes to 0 is frozen: it is left out
    of the optimizer, where a schedule that ends at a fixed rate would set it in motion. The log has a line per group,
    and a warning where a key's tensors get another rate than the key says.

    Args:
        optim_wrapper_cfg: config of the optimizer wrapper, as MMEngine's.
        paramwise_cfg: ``custom_keys``, ``norm_decay_mult``, ``layer_decay_rate`` and so on: the rules. None: one group.

    Raises:
        ValueError: there is no ``optimizer``, or a rule is unknown.

    Example:
        >>> from mmengine.optim import build_optim_wrapper
        >>> model = nn.ModuleDict(dict(image_encoder=nn.Linear(2, 2), text_encoder=nn.Linear(2, 2)))
        >>> frozen_text = dict(custom_keys={'text_encoder': dict(lr_mult=0.0)})
        >>> wrapper = build_optim_wrapper(model, dict(
        ...     constructor='mmt2ireid.GroupedOptimWrapperConstructor', paramwise_cfg=frozen_text,
        ...     optimizer=dict(type='AdamW', lr=1e-3)))
        >>> [len(group['params']) for group in wrapper.optimizer.param_groups]
        [2]
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if 'optimizer' not in optim_wrapper_cfg:
            raise ValueError(f'optim_wrapper must hold an optimizer, but got {list(optim_wrapper_cfg)}')
        self.optim_wrapper_cfg = optim_wrapper_cfg
        self.rules = ParameterRules(paramwise_cfg)

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the optimizer wrapper.

        Args:
            model: the model, wrapped for distributed training or not. What a rate of 0 freezes needs no gradient
                thereafter; in a wrapped model, which waits for all gradients, it gets one that nothing reads.

        Returns:
            The wrapper that the config asks for.

        Raises:
            ValueError: nothing is left to train, or the optimizer does not know a setting of a key.
        """
        bare: Any = getattr(model, 'module', model)
        num_off = sum(not parameter.requires_grad for parameter in bare.parameters())
        settings, num_shared = _unshared(list(self.rules.settings(bare)))
        trained = [setting for setting in settings if setting.lr_mult]
        frozen = [setting for setting in settings if not setting.lr_mult]
        if not trained:
            raise ValueError(
                f'the model must have a parameter to train, but got none ({len(frozen)} tensors have a rate of 0)'
            )
        if bare is model:
            for setting in frozen:
                setting.parameter.requires_grad_(False)
        defaults = self._defaults()
        groups = merge_groups([self._group(setting, defaults) for setting in trained])
        notes = [
            f'frozen and left out: {len(frozen)} tensors by a rate of 0, {num_off} by the model; '
            f'{num_shared} shared tensors counted once'
        ]
        by_depth = self.rules.layered(bare)
        notes += [f'rates by depth in: {", ".join(by_depth)}'] * bool(by_depth)
        idle = self._idle_keys(settings)
        notes += [f'keys that match no tensor: {", ".join(idle)}'] * bool(idle)
        print_log(_table(groups, notes), logger='current')
        for warning in self._warnings(settings):
            print_log(warning, logger='current', level=logging.WARNING)
        return self._build([{key: value for key, value in group.items() if key != 'names'} for group in groups])

    def _build(self, groups: list[dict[str, Any]], cfg: dict | None = None) -> OptimWrapper:
        return DefaultOptimWrapperConstructor(cfg or self.optim_wrapper_cfg)(_Bag(groups))

    def _defaults(self) -> dict[str, Any]:
        """The optimizer's settings, those that the config does not name among them."""
        probe = self._build([dict(params=[nn.Parameter()])], dict(optimizer=self.optim_wrapper_cfg['optimizer']))
        return probe.optimizer.defaults

    def _group(self, setting: ParameterSetting, defaults: dict[str, Any]) -> dict[str, Any]:
        unknown = [name for name in setting.options if name not in defaults or name in ('lr', 'weight_decay')]
        if unknown:
            raise ValueError(
                f'custom_keys must have lr_mult, decay_mult and settings of the optimizer ({", ".join(defaults)}; no '
                f'lr and weight_decay), but got {unknown[0]!r}'
            )
        group = dict(setting.options, params=[setting.parameter], names=[setting.name])
        if defaults.get('lr') is None:
            raise ValueError(f'optim_wrapper.optimizer.lr must be a number, but got {defaults.get("lr")}')
        group['lr'] = defaults['lr'] * setting.lr_mult
        if 'weight_decay' in defaults:
            group['weight_decay'] = defaults['weight_decay'] * setting.decay_mult
        elif self.rules.scales_decay:
            kind = self.optim_wrapper_cfg['optimizer'].get('type')
            raise ValueError(f'paramwise_cfg must have no rule of weight decay for {kind}, which has none')
        return group

    def _idle_keys(self, settings: list[ParameterSetting]) -> list[str]:
        used = {key for setting in settings for key in self.rules.matching(setting.name)}
        return [key for key in self.rules.keys if key not in used]

    def _warnings(self, settings: list[ParameterSetting]) -> list[str]:
        """Where a key does not have the effect that it names."""
        found = []
        for key in self._idle_keys(settings):
            if self.rules.keys[key].get('lr_mult') == 0:
                found.append(f'custom_keys[{key!r}] has lr_mult=0, but freezes nothing: no tensor has such a name')
        for key, rule in self.rules.keys.items():
            mine = [setting for setting in settings if f'custom_keys[{key!r}]' in setting.rates]
            # That a rule freezes is no surprise to who wrote it.
            others = [setting for setting in mine if setting.rule_mult not in (rule['lr_mult'], 0.0)]
            if others:
                first = others[0]
                rules = ' x '.join(f'{name} {rate:g}' for name, rate in first.rates.items())
                found.append(
                    f'custom_keys[{key!r}] has lr_mult={rule["lr_mult"]:g}, but {len(others)} of its {len(mine)} '
                    f'tensors get another rate, since rules multiply: {first.name} gets {rules} = {first.rule_mult:g}'
                )
        return found


def merge_groups(flat: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merges parameter groups of equal settings.

    Args:
        flat: groups as an optimizer takes them, each with the ``names`` of its parameters beside.

    Returns:
        The merged groups in the order of first appearance.
    """
    merged: dict[str, dict[str, Any]] = {}
    for group in flat:
        settings = {name: value for name, value in group.items() if name not in ('params', 'names')}
        into = merged.setdefault(repr(sorted(settings.items())), dict(settings, params=[], names=[]))
        into['params'] += group['params']
        into['names'] += group['names']
    return list(merged.values())


class _Bag:
    """Hands ready-made groups to the default constructor, which asks a model for nothing but its parameters."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self._groups = groups

    def parameters(self) -> list[dict[str, Any]]:
        return self._groups


def _unshared(settings: list[ParameterSetting]) -> tuple[list[ParameterSetting], int]:
    """The settings of each parameter's first name, and how many further names there were."""
    first: dict[int, ParameterSetting] = {}
    for setting in settings:
        first.setdefault(id(setting.parameter), setting)
    return list(first.values()), len(settings) - len(first)


def _table(groups: list[dict[str, Any]], notes: list[str]) -> str:
    lines = [f'{"group":>5} {"lr":>10} {"decay":>8} {"tensors":>8} {"parameters":>12}  of']
    for index, group in enumerate(groups):
        size = sum(parameter.numel() for parameter in group['params'])
        lines.append(
            f'{index:>5} {group["lr"]:>10.3g} {group.get("weight_decay", 0.0):>8.3g} {len(group["params"]):>8} '
            f'{size:>12,}  {_parts(group["names"])}'
        )
    return '\n'.join(['Parameter groups:', *lines, *notes])


def _parts(names: list[str]) -> str:
    """The parts of the model that hold most of these tensors."""
    counts = Counter('.'.join(name.split('.')[: 2 if name.startswith('heads.') else 1]) for name in names)
    parts = [part for part, _ in counts.most_common(MAX_NAMES)]
    return ', '.join(parts) + ', ...' * (len(counts) > MAX_NAMES)
