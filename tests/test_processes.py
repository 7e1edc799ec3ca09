"""Workers end with the process that started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

POOL = """
import os, time
from mmt2ireid.compat import worker_pool

def busy(seconds):
    time.sleep(seconds)
    return os.getpid()

if __name__ == '__main__':
    with worker_pool(2) as pool:
        print(*{*pool.map(busy, [0.5] * 4)}, flush=True)
        time.sleep(60)
"""
LOADER = """
import multiprocessing, os, sys, time
from torch.utils.data import DataLoader, Dataset
from mmt2ireid.compat import end_with_parent

class Numbers(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return os.getpid()

if __name__ == '__main__':
    multiprocessing.set_start_method(sys.argv[1])
    loader = DataLoader(Numbers(), num_workers=2, worker_init_fn=end_with_parent, persistent_workers=True)
    print(*map(int, loader), flush=True)
    time.sleep(60)
"""


def lives(pid: int) -> bool:
    """Neither gone nor waiting to be buried."""
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='needs /proc')
@pytest.mark.parametrize(
    ('code', 'method'),
    [(POOL, 'fork'), (LOADER, 'fork'), (LOADER, 'forkserver'), (LOADER, 'spawn')],
    ids=['pool', 'loader-fork', 'loader-forkserver', 'loader-spawn'],
)
def test_workers_of_a_killed_process_end(code, method, tmp_path):
    (tmp_path / 'script.py').write_text(code)
    with subprocess.Popen(
        [sys.executable, tmp_path / 'script.py', method], stdout=subprocess.PIPE, text=True
    ) as process:
        workers = [int(number) for number in process.stdout.readline().split()]
        assert len(workers) == 2 and all(map(lives, workers))
        os.kill(process.pid, signal.SIGKILL)
    try:
        end = time.monotonic() + 20
        while any(map(lives, workers)) and time.monotonic() < end:
            time.sleep(0.1)
        assert not any(map(lives, workers))
    finally:
        for worker in filter(lives, workers):
            os.kill(worker, signal.SIGKILL)
