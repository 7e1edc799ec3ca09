"""Models by the name of their config."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader

import mmt2ireid
from mmt2ireid.registry import MODELS

PRETRAINED_TYPES = ('Pretrained', 'HFPretrained')


def find_config(name: str | Path) -> Path:
    """Path of a config given as a path or as a name below the package's configs (``unipt/vitb16_cuhk``).

    Raises:
        FileNotFoundError: if there is neither; names the places that were searched.
    """
    package = Path(mmt2ireid.__file__).parent
    places = [Path('.'), package.parent / 'configs', package / '.mim' / 'configs']
    for place in places:
        for candidate in (place / name, place / f'{name}.py'):
            if candidate.is_file():
                return candidate
    raise FileNotFoundError(f'config {str(name)!r} is neither a file nor below {", ".join(map(str, places[1:]))}')


def get_model(config: str | Path | Config, pretrained: bool | str = False) -> BaseModel:
    """Builds the model of a config.

    Args:
        config: a path, a name (``unipt/vitb16_cuhk``) or a loaded config.
        pretrained: False for random weights, without any network; True for the weights that the config names (its
            ``load_from`` if it has one, else the encoders' ``init_cfg``); or the path of a checkpoint.

    Returns:
        The model on the CPU, in evaluation mode.

    Raises:
        FileNotFoundError: if there is no such config or checkpoint.
        ValueError: if a checkpoint lacks parameters of the model or has them in other shapes.
    """
    cfg = config if isinstance(config, Config) else Config.fromfile(find_config(config))
    checkpoint = pretrained if isinstance(pretrained, str) else cfg.get('load_from') if pretrained else None
    model_cfg = copy.deepcopy(cfg.model)
    if not pretrained or checkpoint:
        model_cfg = _without_weights(model_cfg)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmt2ireid')):
        model = MODELS.build(model_cfg)
        model.init_weights()
    if checkpoint:
        _load(model, checkpoint)
    return model.eval()


def _without_weights(cfg: Any) -> Any:
    """The config without any ``init_cfg`` that would fetch weights."""
    if isinstance(cfg, dict):
        return type(cfg)(
            {key: _without_weights(value) for key, value in cfg.items() if not (key == 'init_cfg' and _fetches(value))}
        )
    return [_without_weights(item) for item in cfg] if isinstance(cfg, list) else cfg


def _fetches(init_cfg: Any) -> bool:
    return isinstance(init_cfg, dict) and str(init_cfg.get('type')).split('.')[-1] in PRETRAINED_TYPES


def _load(model: BaseModel, checkpoint: str) -> None:
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    state = loaded.get('state_dict', loaded)
    wrong = [key for key, value in model.state_dict().items() if key not in state or state[key].shape != value.shape]
    needed = [key for key in wrong if not key.startswith('heads.')]
    if needed:
        raise ValueError(
            f'checkpoint {checkpoint} must hold the encoders and necks of the model, but {len(needed)} '
            f'entries are missing or of another shape, first {", ".join(needed[:3])}'
        )
    if wrong:
        print_log(
            f'{checkpoint} has {len(wrong)} entries of the heads not or in other shapes; they stay as '
            f'initialised, first {", ".join(wrong[:3])}',
            logger='current',
            level=logging.WARNING,
        )
    model.load_state_dict({key: value for key, value in state.items() if key not in wrong}, strict=False)
