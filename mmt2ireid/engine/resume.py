"""What a run that is resumed takes from its checkpoint, before anything is built."""

from __future__ import annotations

import logging
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mmt2ireid.compat import load_from_local, read_config_text
from mmt2ireid.engine.latest_checkpoint import check_resumable, find_latest_checkpoint


def settle_resume(cfg: Config, *, seed: int | None = None, amp: bool = False) -> None:
    """Gives a run that is to be resumed the seed and the precision of its checkpoint.

    MMEngine takes over the seed when samplers have been built with another one: half of the run would have the one, and
    half the other.

    Args:
        cfg: with ``resume=True``; changed in place. Without ``load_from``, the newest complete checkpoint of the work
            dir is taken; where there is none, the run starts from the beginning.
        seed: what was asked for explicitly.
        amp: whether mixed precision was asked for explicitly.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: it cannot be resumed from, or not with what was asked for.
    """
    if cfg.get('load_from') is None:
        cfg.load_from = find_own_checkpoint(cfg)
    cfg.resume = cfg.load_from is not None
    if cfg.load_from is None:
        return
    path = str(cfg.load_from)
    if '://' in path:
        return
    checkpoint = load_from_local(path, 'cpu', mmap=not path.endswith('.safetensors'))
    check_resumable(path, checkpoint)
    meta = checkpoint['meta']
    _settle_seed(cfg, path, meta.get('seed'), seed)
    _settle_precision(cfg, path, read_config_text(meta.get('cfg')).get('optim_wrapper'), amp)


def find_own_checkpoint(cfg: Config) -> str | None:
    """Finds the newest complete checkpoint of a run's own folder; warns where there is none.

    Args:
        cfg: with a ``work_dir``.

    Returns:
        Its path, or None.
    """
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    path = find_latest_checkpoint(cfg.work_dir, hook.get('out_dir'))
    if path is None:
        print_log(
            f'{cfg.work_dir} holds no complete checkpoint to resume: starting from the beginning', level=logging.WARNING
        )
    return path


def _settle_seed(cfg: Config, path: str, trained: Any, asked: int | None) -> None:
    if not isinstance(trained, int):
        return
    if asked is not None and asked != trained:
        raise ValueError(f'seed must be {trained}, with which {path} was trained, to resume from it, but got {asked}')
    randomness = dict(cfg.get('randomness') or {})
    if randomness.get('seed') != trained:
        print_log(f'Resumed with the seed of {path}, {trained} (not {randomness.get("seed")})', level=logging.WARNING)
        cfg.randomness = dict(randomness, seed=trained)


def _settle_precision(cfg: Config, path: str, trained: Any, asked: bool) -> None:
    if not isinstance(trained, dict) or 'type' not in trained or cfg.get('optim_wrapper') is None:
        return
    was = _is_mixed(trained)
    if not was and (asked or _is_mixed(cfg.optim_wrapper)):
        raise ValueError(
            f'{path} was trained without mixed precision and must be resumed so: leave out --amp (or set amp=False)'
        )
    if was and not _is_mixed(cfg.optim_wrapper):
        from mmt2ireid.engine.options import use_amp

        print_log(f'Resumed in mixed precision, in which {path} was trained', level=logging.WARNING)
        use_amp(cfg)


def _is_mixed(wrapper: Any) -> bool:
    return str(wrapper.get('type')).endswith('AmpOptimWrapper')
