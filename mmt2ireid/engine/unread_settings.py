"""Settings of a config that nothing reads: misspelt ones, and those that bases have already copied elsewhere."""

from __future__ import annotations

import ast
import difflib
import inspect
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

__all__ = ['check_settings', 'refuse_unread_changes']

READ = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    # of MMEngine, from the whole config
    'runner_type',
    'custom_imports',
    'model_wrapper_cfg',
    'find_unused_parameters',
    'sync_bn',
    'activation_checkpointing',
    'efficient_conv_bn_eval',
    'compile',
    # of this toolbox
    'amp',
}
"""Top-level keys that a run reads."""
PARTS_READ = dict(
    env_cfg=('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'), auto_scale_lr=('base_batch_size', 'enable')
)
"""Keys in dicts whose further keys MMEngine does not look at; it refuses unknown ones in the others."""
WITHOUT_LOADERS = 'test_pipeline'
"""Read, of a config that has no loaders to test with, by searches and exports."""
SHOWN = 6
_MISSING = object()


def refuse_unread_changes(cfg: Config, changes: Mapping[str, Any]) -> None:
    """Refuses changes that no run would notice.

    A helper of a config, such as ``dataset`` or ``max_epochs``, has been copied to where it is read when the file was
    read: changing it afterwards changes nothing.

    Args:
        cfg: before the changes.
        changes: dotted keys and their values, as ``--cfg-options`` gives them.

    Raises:
        ValueError: nothing reads such a key. The message names the places that the key's value was copied to, or the
            nearest keys that are read.
    """
    for key, value in changes.items():
        top, _, rest = key.partition('.')
        if top == 'launcher':
            raise ValueError(f'--cfg-options {key}={value} would change nothing: give --launcher {value}')
        if top in READ or (top == WITHOUT_LOADERS and _has_no_loaders(cfg)):
            continue
        places = _copies(cfg, key.split('.'))
        said = f'--cfg-options {key}={value} would change nothing: '
        if top in cfg:
            if places:
                raise ValueError(
                    f'{said}no run reads {top!r} itself. Change it where it was copied to: {_list(places)}'
                )
            print_log(f'--cfg-options {key}={value}: no run of this toolbox reads {top!r}', level=logging.WARNING)
        else:
            nearest = [f'{name}{"." * bool(rest)}{rest}' for name in _nearest(top)] or places
            hint = f'. Did you mean {_list(nearest)}?' if nearest else ', and the config has none'
            raise ValueError(f'{said}no run reads a setting {top!r}{hint}')


def check_settings(cfg: Config) -> None:
    """Warns of settings in the config file that nothing reads.

    Those are keys that look like a misspelt one, and names that a leaf sets but does not use. A leaf that sets a helper
    of its base changes nothing: the base has copied it already.

    Args:
        cfg: complete.

    Raises:
        ValueError: ``env_cfg`` or ``auto_scale_lr`` has an unknown key.
    """
    for part, known in PARTS_READ.items():
        for key in cfg.get(part) or {}:
            if key not in known:
                raise ValueError(f'{part} must have keys of {known}, but got {key!r}')
    unused = _unused_names(cfg)
    for key in cfg:
        nearest = [] if key in READ else _nearest(key)
        if nearest:
            print_log(f'No run reads {key!r} of the config. Did you mean {nearest[0]}?', 'current', logging.WARNING)
        elif key in unused:
            places = _copies(cfg, [key])
            hint = f'; to change it, set {_list(places)}' if places else ''
            print_log(
                f'{os.path.basename(cfg.filename)} sets {key!r}, but uses it nowhere, and no run reads it{hint}',
                'current',
                logging.WARNING,
            )


def _nearest(key: str) -> list[str]:
    return difflib.get_close_matches(key, sorted(READ), n=1, cutoff=0.85)


def _has_no_loaders(cfg: Config) -> bool:
    return cfg.get('test_dataloader') is None and cfg.get('val_dataloader') is None


def _unused_names(cfg: Config) -> set[str]:
    """Names that a leaf, a Python file with bases, assigns, but neither it nor a run reads."""
    path = Path(cfg.filename or '')
    if path.suffix != '.py' or not path.is_file():
        return set()
    nodes = list(ast.walk(ast.parse(path.read_text(encoding='utf-8'))))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    assigned = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    if '_base_' not in assigned:
        return set()
    read = READ | {WITHOUT_LOADERS} if _has_no_loaders(cfg) else READ
    return assigned - used - read - {'_base_'}


def _copies(cfg: Config, keys: list[str]) -> list[str]:
    """Where a run reads what stands under a key: places of the same last name, else of the same value."""
    settings = cfg.to_dict()
    old = _look_up(settings, keys)
    if old is _MISSING and len(keys) > 1 and keys[0] in settings:
        return [f'{path}.{keys[-1]}' for path in _copies(cfg, keys[:-1])]
    nodes = [
        ('.'.join(path), value)
        for top in settings
        if top in READ and top != keys[0]
        for path, value in _walk(settings[top], (top,))
    ]
    same_name = [(path, value) for path, value in nodes if path.rsplit('.', 1)[-1] == keys[-1]]
    for found in (
        [path for path, value in same_name if _is_copy(value, old)],
        [path for path, value in nodes if _is_copy(value, old)] if isinstance(old, (dict, list, tuple, float)) else [],
        [path for path, value in same_name if not isinstance(value, (dict, list))],
    ):
        if found:
            return found
    return []


def _is_copy(value: Any, old: Any) -> bool:
    """Whether it is the old value, or a dict that took it in."""
    if isinstance(old, dict) and isinstance(value, dict):
        return bool(old) and all(key in value and value[key] == item for key, item in old.items())
    return type(value) is type(old) and value == old


def _look_up(node: Any, keys: list[str]) -> Any:
    for key in keys:
        if isinstance(node, (list, tuple)) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict) and key in node:
            node = node[key]
        else:
            return _MISSING
    return node


def _walk(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, (*path, str(key)))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _walk(value, (*path, str(index)))


def _list(names: list[str]) -> str:
    return ', '.join(names[:SHOWN]) + f' and {len(names) - SHOWN} more' * (len(names) > SHOWN)
