"""Locks: one writer, or several that share, and free when a process ends, however it ends."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys

import pytest

from mmt2ireid.io.locks import LockedError, share_lock, take_lock

fcntl = pytest.importorskip('fcntl')

HOLDER = """
import sys, time
from pathlib import Path
from mmt2ireid.io.locks import take_lock
lock = take_lock(Path(sys.argv[1]), 'it')
print('taken', flush=True)
time.sleep(60)
"""


def test_one_writer_and_its_number(tmp_path):
    path = tmp_path / 'lock'
    with take_lock(path, 'results'), pytest.raises(LockedError, match=r'results: another process \(process (\d+)\)'):
        take_lock(path, 'results')
    with take_lock(path, 'results'):
        assert path.read_text() == f'process {os.getpid()}'


def test_several_share(tmp_path):
    path = tmp_path / 'lock'
    first = take_lock(path, 'results')
    with pytest.raises(LockedError):
        take_lock(path, 'results', shared=True)
    share_lock(first, 'results')
    second = take_lock(path, 'results', shared=True)
    first.close()
    with pytest.raises(LockedError):
        take_lock(path, 'results')
    second.close()
    take_lock(path, 'results').close()


def test_a_kill_gives_it_back(tmp_path):
    path = tmp_path / 'lock'
    holder = subprocess.Popen([sys.executable, '-c', HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline().strip() == 'taken'
    with pytest.raises(LockedError, match=f'process {holder.pid}'):
        take_lock(path, 'results')
    os.kill(holder.pid, signal.SIGKILL)
    take_lock(path, 'results', patience=10).close()
    holder.wait()
    holder.stdout.close()


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', fail)
    with pytest.warns(UserWarning, match=r'results: no file can be locked there \(.*No locks available'):
        take_lock(tmp_path / 'lock', 'results').close()


def test_the_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(LockedError('results', 'process 3')))
    assert isinstance(error, OSError)
    assert str(error) == 'results: another process (process 3) is writing there; wait until it has ended'
