"""Runs a config many times, each in a forked process that may kill itself: ``crash_runs.py CONFIG FOLDER PLAN...``.

A plan is a list of moments (see DieHook) joined by ``+``; the run of a plan is started once per moment, dies there, and
is resumed until it ends. Its working directory is FOLDER/PLAN. Forking saves the seconds that imports take.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def load_tool(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', ROOT / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_once(config: str, work_dir: Path, die_at: str) -> int:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    log = os.open(f'{work_dir}.log', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ['DIE_AT'] = die_at
    code = 1
    try:
        load_tool('train').main([config, '--work-dir', str(work_dir), '--resume'])
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def prepare() -> None:
    """Imports what a run imports, and does without what takes seconds and does not matter here."""
    import matplotlib.pyplot  # noqa: F401
    import tiny_parts  # noqa: F401
    import torch._dynamo
    from mmengine.config import config
    from mmengine.runner import runner

    from mmt2ireid import registry

    torch.set_num_threads(1)
    for name in registry.__all__:
        getattr(registry, name).import_from_location()
    runner.collect_env = dict  # asks compilers for their versions
    config.FormatCode = lambda text, **_: (text, True)


def main() -> None:
    config, folder, *plans = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    prepare()
    for plan in plans:
        work_dir = Path(folder, plan)
        for moment in plan.split('+'):
            status = run_once(config, work_dir, moment)
            wanted = 0 if moment == 'never' else -signal.SIGKILL
            if status != wanted:
                sys.exit(f'{plan}: {moment} ended with {status} instead of {wanted}')
        if status and run_once(config, work_dir, 'never') != 0:
            sys.exit(f'{plan}: could not be resumed')


if __name__ == '__main__':
    main()
