"""Learning rate and weight decay of each parameter, by rules that add up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

__all__ = ['ParameterRules', 'ParameterSetting']

NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)
MULTIPLIERS = ('bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult', 'flat_decay_mult')
OTHERS = ('custom_keys', 'layer_decay_rate', 'bypass_duplicate')
OF_A_KEY = ('lr_mult', 'decay_mult')


@dataclass
class ParameterSetting:
    """What the rules say of one parameter.

    Attributes:
        name: its full name in the model.
        parameter: the parameter.
        rates: the rate's multipliers, by the rule that gives them.
        decay_mult: the weight decay's multiplier.
        layer_scale: the rate's multiplier by the depth of its layer.
        options: other settings of the optimizer.
    """

    name: str
    parameter: nn.Parameter
    rates: dict[str, float] = field(default_factory=dict)
    decay_mult: float = 1.0
    layer_scale: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def rule_mult(self) -> float:
        """Product of the rules' multipliers of the rate, without that of the layer's depth."""
        product = 1.0
        for rate in self.rates.values():
            product *= rate
        return product

    @property
    def lr_mult(self) -> float:
        """The rate's multiplier; 0 freezes."""
        return self.rule_mult * self.layer_scale


class ParameterRules:
    """The rules of a ``paramwise_cfg``.

    Every rule that matches a parameter multiplies its rate or its decay, each apart from the other: a rule that has no
    ``lr_mult`` leaves the rate to the others. So a rule of a leaf holds together with those of its bases, and a factor
    of 0 holds whatever they say.

    Args:
        cfg: of these keys, all optional:

            - ``custom_keys``: by key, ``lr_mult``, ``decay_mult`` and other settings of the optimizer, of which those
              of the longest key hold. A key matches a parameter whose name has it as a part; ``*`` in it stands for any
              characters (``text_encoder*bias``).
            - ``bias_lr_mult``, ``bias_decay_mult``: of biases, ``in_proj_bias`` and the like among them. The rate's
              does not concern biases of norms.
            - ``norm_decay_mult``, ``dwconv_decay_mult``, ``flat_decay_mult``: of norms, depth-wise convolutions, and of
              vectors and scalars. Of these and that of biases, the first that fits holds: norms, biases, convolutions,
              vectors.
            - ``layer_decay_rate``: the rate of a layer of an encoder is that of the next layer times this. The encoder
              names its layers by ``get_layer_depth(name)``, as mmpretrain's do.
            - ``bypass_duplicate``: let through for MMEngine's sake; shared parameters always count once.

    Raises:
        ValueError: a key is unknown, or a value is no number of at least 0.
    """

    def __init__(self, cfg: Mapping[str, Any] | None = None) -> None:
        cfg = dict(cfg or {})
        known = (*MULTIPLIERS, *OTHERS)
        unknown = [key for key in cfg if key not in known]
        if unknown:
            raise ValueError(f'paramwise_cfg must have keys of {known}, but got {unknown[0]!r}')
        self.kinds = {key: _number(f'paramwise_cfg.{key}', cfg.get(key)) for key in MULTIPLIERS}
        self.layer_decay_rate = _number('paramwise_cfg.layer_decay_rate', cfg.get('layer_decay_rate'))
        keys = cfg.get('custom_keys') or {}
        if not isinstance(keys, Mapping) or not all(isinstance(rule, Mapping) for rule in keys.values()):
            raise ValueError(f'paramwise_cfg.custom_keys must be a dict of dicts, but got {keys!r}')
        self.keys: dict[str, dict[str, Any]] = {
            key: {
                name: _number(f'custom_keys[{key!r}].{name}', value) if name in OF_A_KEY else value
                for name, value in keys[key].items()
            }
            for key in sorted(keys, key=len)
        }
        self._patterns = {key: re.compile('.*'.join(map(re.escape, key.split('*')))) for key in self.keys}

    @property
    def scales_decay(self) -> bool:
        """Whether a rule concerns the weight decay."""
        kinds = any(value is not None for key, value in self.kinds.items() if key != 'bias_lr_mult')
        return kinds or any('decay_mult' in rule for rule in self.keys.values())

    def matching(self, name: str) -> list[str]:
        """The keys that match a parameter.

        Args:
            name: its full name.
        """
        # MMEngine's names of a model's own parameters begin with a dot; keys may be written for them.
        return [key for key, pattern in self._patterns.items() if pattern.search(f'.{name}')]

    def settings(self, model: nn.Module) -> Iterator[ParameterSetting]:
        """What the rules say of each parameter that is to be trained.

        Args:
            model: not wrapped.

        Yields:
            A setting per name of a parameter, in the order of the model; shared parameters have several.

        Raises:
            ValueError: ``layer_decay_rate`` is set, and nothing in the model names its layers.
        """
        layered = self.layered(model)
        for prefix, module in model.named_modules(remove_duplicate=False):
            for name, parameter in module.named_parameters(recurse=False):
                if not parameter.requires_grad:
                    continue
                setting = ParameterSetting(f'{prefix}.{name}' if prefix else name, parameter)
                self._apply_kind(setting, name, module)
                self._apply_keys(setting)
                setting.layer_scale = self._layer_scale(setting.name, layered)
                yield setting

    def _apply_kind(self, setting: ParameterSetting, name: str, module: nn.Module) -> None:
        is_norm = isinstance(module, NORMS)
        is_bias = name == 'bias' or name.endswith('_bias') or name.startswith('bias_')
        if is_bias and not is_norm and self.kinds['bias_lr_mult'] is not None:
            setting.rates['bias_lr_mult'] = self.kinds['bias_lr_mult']
        of_kinds = (
            ('norm_decay_mult', is_norm),
            ('bias_decay_mult', is_bias),
            ('dwconv_decay_mult', isinstance(module, nn.Conv2d) and module.in_channels == module.groups),
            ('flat_decay_mult', setting.parameter.ndim <= 1),
        )
        for kind, fits in of_kinds:
            value = self.kinds[kind]
            if fits and value is not None:
                setting.decay_mult = value
                return

    def _apply_keys(self, setting: ParameterSetting) -> None:
        for key in self.matching(setting.name):
            rule = self.keys[key]
            if 'lr_mult' in rule:
                setting.rates[f'custom_keys[{key!r}]'] = rule['lr_mult']
            setting.decay_mult *= rule.get('decay_mult', 1.0)
            setting.options.update({name: value for name, value in rule.items() if name not in OF_A_KEY})

    def layered(self, model: nn.Module) -> dict[str, Any]:
        """The modules whose layers have rates by their depth.

        Args:
            model: not wrapped.

        Returns:
            Modules by name; none without ``layer_decay_rate``.

        Raises:
            ValueError: no module names its layers.
        """
        if self.layer_decay_rate is None:
            return {}
        found = {name: module for name, module in model.named_modules() if hasattr(module, 'get_layer_depth')}
        if not found:
            raise ValueError(
                'paramwise_cfg.layer_decay_rate must be given for a model with an encoder that has get_layer_depth, '
                f'but {type(model).__name__} has none'
            )
        return found

    def _layer_scale(self, name: str, layered: dict[str, Any]) -> float:
        for prefix, module in layered.items():
            start = f'{prefix}.' if prefix else ''
            if name.startswith(start):
                depth, num_layers = module.get_layer_depth(name[len(start) :])
                return float(self.layer_decay_rate or 0.0) ** (num_layers - depth - 1)
        return 1.0


def _number(what: str, value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0):
        raise ValueError(f'{what} must be a number of at least 0, but got {value!r}')
    return value
