"""Killed at any point and started again, a run ends with the same bytes as one that was not killed."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pseudo_text_world import generator, pictures, results, write_folder

import mmt2ireid
from mmt2ireid.pseudo_text.sources.opening import open_source

PACKAGE = str(Path(mmt2ireid.__file__).parent)
WATCHED = (os.path.join(PACKAGE, 'pseudo_text'), os.path.join(PACKAGE, 'compat'))
IMAGES = {**pictures(41), 'a/bad.png': b'bad', 'b/empty.png': b''}

# One process imports torch; the others are forked from it, each in its first state.
CONTEXT = get_context('forkserver')
CONTEXT.set_forkserver_preload(['torch', 'pyarrow.parquet', 'mmt2ireid.pseudo_text.generation.generator'])


def run(folder: Path, out: Path, options: dict[str, Any], kill_at: int, pipe: Any = None) -> None:
    """Runs in a process of its own, and kills itself at the so manieth call that the package makes."""
    process, calls, merging = os.getpid(), 0, 0

    def watch(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls, merging
        if event not in ('call', 'c_call') or not frame.f_code.co_filename.startswith(WATCHED):
            return
        if os.getpid() != process:
            return
        calls += 1
        if event == 'call' and frame.f_code.co_name == 'write_final_files':
            merging = calls
        if calls == kill_at:
            os.kill(process, signal.SIGKILL)

    images = open_source(folder / 'imgs')
    made = generator(images, out / 'out', features=out / 'features', embed_images=True, **options)
    sys.setprofile(watch)
    made.run()
    sys.setprofile(None)
    if pipe is not None:
        pipe.send((calls, merging))


def start(folder: Path, out: Path, options: dict[str, Any], kill_at: int = 0, pipe: Any = None) -> int | None:
    process = CONTEXT.Process(target=run, args=(folder, out, options, kill_at, pipe))
    process.start()
    process.join(60)
    return process.exitcode


def everything(out: Path) -> dict[str, dict[str, bytes]]:
    assert not [path for path in out.rglob('.*')], 'half-written files must be gone'
    return {name: results(out / name) for name in ('out', 'features')}


def whole_run(folder: Path, options: dict[str, Any]) -> tuple[dict, int, int]:
    """Results of an uninterrupted run, its calls, and at which call it starts to put the shards together."""
    write_folder(folder / 'imgs', IMAGES)
    receiver, sender = CONTEXT.Pipe(duplex=False)
    assert start(folder, folder / 'whole', options, pipe=sender) == 0
    calls, merging = receiver.recv()
    assert 0 < merging < calls
    return everything(folder / 'whole'), calls, merging


def check_kill(folder: Path, options: dict[str, Any], expected: dict, kill_at: int) -> None:
    out = folder / f'killed_at_{kill_at}'
    assert start(folder, out, options, kill_at) == -signal.SIGKILL
    assert start(folder, out, options) == 0
    assert everything(out) == expected, kill_at


def test_killed_once_while_it_reads_and_once_while_it_merges(tmp_path):
    expected, calls, merging = whole_run(tmp_path, {})
    assert len(expected['out']) == 5 + 3 and len(expected['features']) == 5
    for kill_at in (merging // 2, (merging + calls) // 2):
        check_kill(tmp_path, {}, expected, kill_at)


@pytest.mark.slow
@pytest.mark.parametrize('options', [{}, {'file_format': 'parquet'}], ids=['arrow', 'parquet'])
def test_killed_at_twenty_random_points(tmp_path, options):
    expected, calls, merging = whole_run(tmp_path, options)
    rng = np.random.default_rng(0)
    points = [*rng.integers(1, merging, 13), *rng.integers(merging, calls, 6), calls - 1]
    for kill_at in points:
        check_kill(tmp_path, options, expected, int(kill_at))


@pytest.mark.slow
def test_killed_while_workers_read(tmp_path):
    options = {'num_workers': 2}
    expected, _, merging = whole_run(tmp_path, options)
    for kill_at in np.random.default_rng(2).integers(1, merging, 3):
        check_kill(tmp_path, options, expected, int(kill_at))


@pytest.mark.slow
def test_killed_again_and_again(tmp_path):
    expected, calls, _ = whole_run(tmp_path, {})
    rng, codes = np.random.default_rng(1), []
    while not codes or codes[-1] != 0:
        codes.append(start(tmp_path, tmp_path / 'often', {}, int(rng.integers(1, calls))))
        assert codes[-1] in (0, -signal.SIGKILL) and len(codes) < 100
    assert len(codes) > 2
    assert everything(tmp_path / 'often') == expected
