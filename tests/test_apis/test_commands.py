"""How command lines end: a process each, as a shell sees it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mmt2ireid.apis import commands
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


def test_ctrl_c_is_told_by_the_first_rank_only():
    code = 'import os, signal\nrun_command(lambda: os.kill(os.getpid(), signal.SIGINT))'
    done = ended(code, env={**os.environ, 'RANK': '1'})
    assert (done.returncode, done.stderr) == (130, '')


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


RAISE = 'def main():\n    {}\nrun_command(main)'


@pytest.mark.parametrize(
    ('statement', 'line'),
    [
        ("from mmt2ireid.compat import load_from_local; load_from_local('gone.pth')", 'checkpoint gone.pth must be'),
        ("open('gone.txt')", "[Errno 2] No such file or directory: 'gone.txt'"),
        (
            "from mmengine.registry import OPTIMIZERS; OPTIMIZERS.build(dict(type='Nix'))",
            'Nix is not in the mmengine::optimizer registry (MMT2IREID_TRACEBACK=1 shows where)',
        ),
        (
            'import mmengine.optim; from mmengine.registry import OPTIMIZERS; '
            "OPTIMIZERS.build(dict(type='SGD', x=1, params=[]))",
            "SGD.__init__() got an unexpected keyword argument 'x' (MMT2IREID_TRACEBACK=1 shows where)",
        ),
    ],
)
def test_what_a_user_can_change_is_one_line(statement, line):
    done = ended(RAISE.format(statement))
    assert done.returncode == 2 and done.stdout == ''
    assert done.stderr.startswith(f'error: {line}') and done.stderr.count('\n') == 1


def test_the_traceback_can_be_shown():
    done = ended(RAISE.format("open('gone.txt')"), env={**os.environ, 'MMT2IREID_TRACEBACK': '1'})
    assert done.returncode == 1 and 'Traceback' in done.stderr


@pytest.mark.parametrize('statement', ["int('x')", "raise RuntimeError('x')", '{}[1]', "import json; json.loads('{')"])
def test_faults_of_a_program_keep_their_traceback(statement):
    """``int('x')`` is a ValueError of the code that runs here, which is neither the package nor a tool of it."""
    done = ended(RAISE.format(statement))
    assert done.returncode == 1 and 'Traceback' in done.stderr


def test_errors_of_a_worker_process(tmp_path):
    code = f"""
from torch.utils.data import DataLoader
from mmt2ireid.datasets.transforms import LoadPersonImage

class Items(list):
    def __getitem__(self, index):
        return LoadPersonImage()(dict(img_path={str(tmp_path / 'gone.jpg')!r}))

run_command(lambda: next(iter(DataLoader(Items([0]), num_workers=1))) and None)
"""
    done = ended(code)
    assert done.returncode == 2 and done.stderr.startswith('error: ') and 'gone.jpg' in done.stderr
    assert 'Traceback' not in done.stderr


def test_other_ranks_let_the_first_speak(monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(commands.time, 'sleep', waited.append)
    for rank, line in (('0', 'error: no x\n'), ('3', 'rank 3: error: no x\n')):
        monkeypatch.setenv('RANK', rank)
        commands._print_error('no x')
        assert capsys.readouterr().err == line
    assert waited == [commands.LEADING_RANK_SPEAKS_S]
