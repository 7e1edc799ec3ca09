"""Killed at any point and started again, a run ends with the same bytes as one that was not killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pseudo_text_world import generator, pictures, results, write_folder

import mmt2ireid
from mmt2ireid.io.locks import LockedError
from mmt2ireid.pseudo_text.generation import provenance
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
    assert {path.name for path in out.rglob('.*')} <= {'.lock', '.image_stamps'}, 'half-written files must be gone'
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


def stopped(folder: Path, out: Path, features: Path) -> None:
    """Runs, and stops itself when it is about to write its first shard."""
    made = generator(open_source(folder), out, features=features, num_workers=1)
    made._make_shard = lambda *args: os.kill(os.getpid(), signal.SIGSTOP)
    made.run()


def test_one_run_at_a_time_writes_a_folder(tmp_path, monkeypatch):
    """Two gave mixed results, or "[Errno 2]"; the lock of one that was killed is free."""
    images, out, features = write_folder(tmp_path / 'imgs', IMAGES), tmp_path / 'out', tmp_path / 'features'
    process = CONTEXT.Process(target=stopped, args=(images, out, features))
    process.start()
    try:
        deadline = time.monotonic() + 60
        while not (out / 'provenance.json').is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        monkeypatch.setattr(provenance, '_PATIENCE', 0.2)
        before = results(out)
        owner = f'another process \\(process {process.pid}\\) is writing there'
        for fresh in (False, True):
            with pytest.raises(LockedError, match=f'out: {owner}'):
                generator(open_source(images), out, features=features, fresh=fresh).run()
        with pytest.raises(LockedError, match=f'features: {owner}'):
            generator(open_source(images), tmp_path / 'other', features=features).run()
        generator(open_source(images), tmp_path / 'apart').run()
        assert results(out) == before
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
    monkeypatch.undo()
    generator(open_source(images), out, features=features).run()
    assert results(out)['captions.json'] == results(tmp_path / 'apart')['captions.json']
