"""Models by the name of their config."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger, print_log
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader

import mmt2ireid
from mmt2ireid.engine.config_file import read_config
from mmt2ireid.registry import MODELS

PRETRAINED_TYPES = (
    'Pretrained',
    'PretrainedInit',
    'HFPretrained',
    'OpenCLIPPretrained',
    'BackbonePretrained',
    'TIMMPretrained',
)


def find_config(name: str | Path) -> Path:
    """Path of a config given as a path or by its name in the package, whatever the working directory.

    Names are ``unipt/vitb16_cuhk``, with or without ``configs/`` before and ``.py`` behind.

    Raises:
        FileNotFoundError: if there is neither; names the places that were searched.
    """
    package = Path(mmt2ireid.__file__).parent
    roots = package.parent, package / '.mim'
    places = [Path('.'), *(root / 'configs' for root in roots), *roots]
    for place in places:
        for candidate in (place / name, place / f'{name}.py'):
            if candidate.is_file():
                return candidate
    raise FileNotFoundError(f'config {str(name)!r} is neither a file nor below {", ".join(map(str, places[1:3]))}')


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
        ValueError: if the config has no model, or a checkpoint lacks parameters of it or has them in other shapes.
    """
    cfg = config if isinstance(config, Config) else read_config(find_config(config))
    if cfg.get('model') is None:
        raise ValueError(f'{cfg.filename or "the config"} must have a model, but has none: is it a part of a config?')
    checkpoint = pretrained if isinstance(pretrained, str) else cfg.get('load_from') if pretrained else None
    model_cfg = copy.deepcopy(cfg.model)
    if not pretrained or checkpoint:
        model_cfg = _without_weights(model_cfg)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmt2ireid')):
        model = MODELS.build(model_cfg)
        with _quiet():
            model.init_weights()
    if checkpoint:
        _load(model, checkpoint)
    return model.eval()


def _without_weights(cfg: Any) -> Any:
    """The config without what would fetch weights: an ``init_cfg`` or a part of one, timm's ``pretrained=True``."""
    if isinstance(cfg, dict):
        kept = {key: _without_weights(value) for key, value in cfg.items() if not _fetches(value)}
        return type(cfg)(
            {key: False if key == 'pretrained' and value is True else value for key, value in kept.items()}
        )
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(_without_weights(item) for item in cfg if not _fetches(item))
    return cfg


def _fetches(cfg: Any) -> bool:
    if not isinstance(cfg, dict):
        return False
    kind = cfg.get('type')
    return (kind.__name__ if isinstance(kind, type) else str(kind)).split('.')[-1] in PRETRAINED_TYPES


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back lines about how parts were initialized: MMEngine's per parameter, and where learned scales start."""

    def keep(record: logging.LogRecord) -> bool:
        return record.funcName not in ('_dump_init_info', 'take_clip_scale')

    logger = MMLogger.get_current_instance()
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def _load(model: BaseModel, checkpoint: str) -> None:
    from mmt2ireid.engine.checkpoint_fit import fit_checkpoint  # only who loads a checkpoint needs that room

    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    fit = fit_checkpoint(model, loaded, f'checkpoint {checkpoint}')
    report_adapted(fit, checkpoint)
    wrong = [*fit.difference.missing, *fit.difference.misshapen]
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
    model.load_state_dict({key: value for key, value in fit.state.items() if key not in wrong}, strict=False)


def report_adapted(fit: Any, checkpoint: str) -> None:
    """Warns of weights that were brought to another size of images.

    Args:
        fit: of :func:`mmt2ireid.engine.checkpoint_fit.fit_checkpoint`.
        checkpoint: what to call it.
    """
    if fit.adapted:
        print_log(
            f'{checkpoint}: position embeddings resized, {", ".join(fit.adapted)}',
            logger='current',
            level=logging.WARNING,
        )
