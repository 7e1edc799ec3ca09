"""How a config becomes a Runner. The one place that knows launchers, process groups and what a CPU needs."""

from __future__ import annotations

import datetime
import gc
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TypeVar

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import distributed

from mmt2ireid.compat import end_with_launcher
from mmt2ireid.engine.image_sizes import check_image_sizes
from mmt2ireid.engine.options import check_image_sources, check_precision, use_amp
from mmt2ireid.engine.plain_values import check_values
from mmt2ireid.engine.resume import settle_resume
from mmt2ireid.engine.runner import CheckedRunner
from mmt2ireid.engine.unread_settings import check_settings
from mmt2ireid.engine.work_dir_lock import only_training

__all__ = ['LAUNCHERS', 'build_runner', 'is_main', 'run', 'run_each', 'shared_process_group', 'use_amp']

LAUNCHERS = ('none', 'pytorch', 'slurm')
_RANK_OF = dict(pytorch='RANK', slurm='SLURM_PROCID')
GLOO_SETTLES_S = 0.3
"""Seconds in which gloo's threads finish their last piece of work; the interpreter must not be held meanwhile."""
_shared = ContextVar('_shared', default=False)
Result = TypeVar('Result')


def run(cfg: Config, action: Callable[[Runner], Result], *, launcher: str = 'none') -> Result:
    """Builds a Runner, does something with it and tears the process group down, also after an error.

    Args:
        cfg: a complete config.
        action: what to do, such as ``Runner.train``, which is refused where another training writes to the work dir.
        launcher: who started this process: ``none``, ``pytorch`` (torchrun) or ``slurm``.

    Returns:
        What the action returns.

    Raises:
        ValueError: as :func:`build_runner`.
    """
    return run_each([cfg], action, launcher=launcher)[0]


def run_each(cfgs: Iterable[Config], action: Callable[[Runner], Result], *, launcher: str = 'none') -> list[Result]:
    """Does something with a Runner of each config, one after the other, all in one process group.

    Args:
        cfgs: complete configs; one may be made when those before it are done.
        action: what to do with each Runner, such as ``Runner.test``.
        launcher: as in :func:`run`.

    Returns:
        What the actions return.

    Raises:
        ValueError: as :func:`build_runner`.
    """
    with shared_process_group():
        results = []
        for cfg in cfgs:
            with _lock(cfg, action, launcher):
                results.append(_act(build_runner(cfg, launcher), action))
            gc.collect()  # a Runner and its hooks refer to each other; the next model wants the memory
        return results


def _lock(cfg: Config, action: Callable, launcher: str) -> AbstractContextManager:
    """For a training, the lock of its work dir, taken before anything is built or written; evaluations need none."""
    if action not in (Runner.train, CheckedRunner.train):
        return nullcontext()
    return only_training(cfg.work_dir, is_main=is_main(launcher))


def _act(runner: Runner, action: Callable[[Runner], Result]) -> Result:
    """Does it; an error leaves its traceback in the run's log file, where commands show one line of most errors."""
    try:
        return action(runner)
    except Exception:
        logger = runner.logger
        record = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, 'ended by an error', (), sys.exc_info())
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handle(record)
        raise


@contextmanager
def shared_process_group() -> Iterator[None]:
    """Inside, several calls of :func:`run` and :func:`run_each` share the process group that the first one starts.

    It is torn down at the end, also after an error. One that is started anew under the same torchrun may find the
    addresses of the one before, and then waits for peers that are gone.
    """
    belongs_to_another = _shared.get() or distributed.is_initialized()
    token = _shared.set(True)
    try:
        yield
    finally:
        _shared.reset(token)
        if distributed.is_initialized() and not belongs_to_another:
            _destroy_process_group()


def is_main(launcher: str = 'none') -> bool:
    """Whether this process is the one that writes; also before there is a process group, and when it is gone.

    Args:
        launcher: as in :func:`run`.
    """
    if distributed.is_initialized():
        return distributed.get_rank() == 0
    return int(os.environ.get(_RANK_OF.get(launcher, ''), 0)) == 0


def _destroy_process_group() -> None:
    """Tears the process group down so that the process can end.

    DistributedDataParallel keeps gloo's threads alive beyond this. One that still has to let go of a Python tensor when
    the interpreter has begun to shut down takes the process with it ("terminate called without an active exception").
    """
    on_cpu = distributed.get_backend() == 'gloo'
    distributed.destroy_process_group()
    if on_cpu:
        time.sleep(GLOO_SETTLES_S)


def build_runner(cfg: Config, launcher: str = 'none') -> Runner:
    """Builds the Runner of a config; with a launcher, in its process group: nccl on GPUs, gloo on CPUs.

    Args:
        cfg: a complete config; changed in place where the machine asks for it.
        launcher: who started this process: ``none``, ``pytorch`` (torchrun) or ``slurm``.

    Returns:
        The Runner.

    Raises:
        ValueError: the launcher is unknown or did not start this process, a pipeline gives images of another size than
            the image encoder's, or the precision asked for cannot be.
    """
    check_precision(cfg)
    if launcher not in LAUNCHERS:
        raise ValueError(f'launcher must be one of {LAUNCHERS}, but got {launcher!r}')
    check_settings(cfg)
    check_values(cfg)
    cfg.launcher = launcher
    if launcher != 'none':
        if launcher == 'pytorch' and 'RANK' not in os.environ:
            raise ValueError(
                "launcher must be 'none' in a process that torchrun did not start (see "
                "tools/dist_train.sh), but got 'pytorch'"
            )
        end_with_launcher()
        if get_device() == 'cpu':
            _prepare_cpu_ranks(cfg, launcher)
    _fit_workers(cfg)
    if cfg.get('resume'):
        settle_resume(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else CheckedRunner.from_cfg(cfg)
    check_image_sizes(runner.model, cfg)
    check_image_sources(cfg)
    return runner


def _fit_workers(cfg: Config) -> None:
    """Without worker processes there are none to keep; torch refuses the options that the bases set for them."""
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader and not loader.get('num_workers'):
            for name in ('persistent_workers', 'prefetch_factor'):
                loader.pop(name, None)


def _prepare_cpu_ranks(cfg: Config, launcher: str) -> None:
    """Starts gloo before MMEngine would ask for a GPU, and wraps the model without device ids."""
    if launcher == 'slurm':
        os.environ.update(_slurm_environment())
    env_cfg = cfg.setdefault('env_cfg', {})
    dist_cfg = dict(env_cfg.get('dist_cfg', {}), backend='gloo')
    env_cfg.update(dist_cfg=dist_cfg)
    if not distributed.is_initialized():
        timeout = datetime.timedelta(seconds=dist_cfg.get('timeout', 1800))
        distributed.init_process_group('gloo', timeout=timeout)
    wrapper = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    cfg.model_wrapper_cfg = {**wrapper, **(cfg.get('model_wrapper_cfg') or {}), 'device_ids': None}


def _slurm_environment() -> dict[str, str]:
    """What torchrun would have set, from what srun set."""
    missing = [name for name in ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST') if name not in os.environ]
    if missing:
        raise ValueError(
            f"launcher must be 'none' in a process that srun did not start ({missing[0]} is not set), but got 'slurm'"
        )
    found = dict(
        RANK=os.environ['SLURM_PROCID'],
        WORLD_SIZE=os.environ['SLURM_NTASKS'],
        LOCAL_RANK=os.environ.get('SLURM_LOCALID', '0'),
        MASTER_PORT=os.environ.get('MASTER_PORT', '29500'),
    )
    if 'MASTER_ADDR' not in os.environ:
        listing = subprocess.run(
            ['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']], check=True, capture_output=True, text=True
        )
        found['MASTER_ADDR'] = listing.stdout.split()[0]
    return found
