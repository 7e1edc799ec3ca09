"""How command lines end: a process each, as a shell sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mmt2ireid.apis.commands import run_command

START = 'from mmt2ireid.apis.commands import run_command\n'


def ended(code: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', START + code], capture_output=True, text=True, timeout=120, **options)


def test_the_result_is_the_exit_status():
    run_command(lambda: None)
    run_command(lambda: 0)
    with pytest.raises(SystemExit) as end:
        run_command(lambda: 2)
    assert end.value.code == 2


def test_errors_pass():
    with pytest.raises(KeyError):
        run_command(lambda: {}['x'])


def test_ctrl_c_is_no_traceback():
    done = ended('import os, signal\nrun_command(lambda: os.kill(os.getpid(), signal.SIGINT))')
    assert (done.returncode, done.stdout, done.stderr) == (130, '', 'interrupted\n')


@pytest.mark.parametrize('lines', [1, 100_000])
def test_who_reads_the_head_only_sees_no_traceback(lines):
    """One line stays in the buffer until the end; many break the pipe in the midst of it."""
    code = f"import time\ntime.sleep(1)\nrun_command(lambda: print('x\\n' * {lines}))"
    with subprocess.Popen(
        [sys.executable, '-c', START + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(120)) == ('', 141)


def test_other_pipes_that_break_are_told():
    done = ended("def main():\n    raise BrokenPipeError('to a worker')\nrun_command(main)")
    assert done.returncode == 1 and 'BrokenPipeError: to a worker' in done.stderr
