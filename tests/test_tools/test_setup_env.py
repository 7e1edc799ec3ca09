"""How quickstart.sh and run_tests.sh make and reuse their environment; a stand-in for Python takes notes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = """#!/usr/bin/env bash
echo "$*" >> "$NOTES"
case "$*" in
    '-m venv --clear .venv') rm -rf .venv; mkdir -p .venv/bin; cp "$STAND_IN" .venv/bin/python; touch .venv/pip ;;
    '-m ensurepip --upgrade') touch .venv/pip ;;
    '-m pip --version') [ -f "$PWD/.venv/pip" ] ;;
    '-m pip install'*-e*) [ -z "${KILL:-}" ] || exit 137 ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout, in a folder with a blank in its name, of no more than the scripts read."""
    folder = tmp_path / 'a checkout'
    (folder / 'tools').mkdir(parents=True)
    for name in ('setup_env.sh', 'quickstart.sh', 'run_tests.sh'):
        shutil.copy(ROOT / 'tools' / name, folder / 'tools')
    shutil.copy(ROOT / 'setup.py', folder)
    shutil.copytree(ROOT / 'requirements', folder / 'requirements')
    (tmp_path / 'python').write_text(STAND_IN)
    (tmp_path / 'python').chmod(0o755)
    return folder


def call(checkout, script, *arguments, code=0, **environment):
    """Runs a script from another folder; returns what Python was asked to do."""
    notes, stand_in = checkout.parent / 'notes', checkout.parent / 'python'
    notes.unlink(missing_ok=True)
    variables = {key: value for key, value in os.environ.items() if key != 'PYTHON'}
    variables.update(BASE_PYTHON=str(stand_in), STAND_IN=str(stand_in), NOTES=str(notes), **environment)
    command = ['bash', checkout / 'tools' / script, *arguments]
    assert subprocess.run(command, cwd=checkout.parent, env=variables, capture_output=True).returncode == code
    return notes.read_text() if notes.exists() else ''


@pytest.mark.parametrize('arguments', [(), ('--fresh',)])
def test_the_quickstart_installs_what_its_steps_need(checkout, arguments):
    asked = call(checkout, 'quickstart.sh', *arguments).splitlines()
    assert [line.split()[-1] for line in asked if ' -e ' in line] == ['.[clip,analysis]']
    steps = [line for line in asked if line.startswith('tools/')]
    names = [step.split()[0].split('/')[-1] for step in steps]
    assert names == ['make_toy_pedes.py', 'train_toy_clip.py', 'generate_pseudo_texts.py', 'analyze_pseudo_texts.py',
                     'toy_experiments.py']  # fmt: skip
    makers = [step for step in steps if 'analyze' not in step]
    assert all(('--fresh' in step) == bool(arguments) for step in makers)


def test_tests_are_installed_with_their_extra_and_chosen(checkout):
    asked = call(checkout, 'run_tests.sh', 'tests/test_x.py')
    assert '-e .[tests]' in asked
    assert '-m pytest -m not slow -n 2 --dist loadfile tests/test_x.py' in asked
    asked = call(checkout, 'run_tests.sh', '--all', 'tests/test_x.py')
    assert 'pytest -m  -n 2 --dist loadfile tests/test_x.py' in asked


def test_installs_once_until_the_requirements_change(checkout):
    assert 'pip install' in call(checkout, 'quickstart.sh')
    assert 'pip install' not in call(checkout, 'quickstart.sh')
    with open(checkout / 'requirements' / 'runtime.txt', 'a') as file:
        file.write('another\n')
    asked = call(checkout, 'quickstart.sh')
    assert 'pip install' in asked
    assert '-m venv' not in asked


def test_goes_on_after_being_killed_while_installing(checkout):
    call(checkout, 'quickstart.sh', code=137, KILL='1')
    asked = call(checkout, 'quickstart.sh')
    assert '-e .' in asked
    assert '-m venv' not in asked


def test_mends_an_environment_whose_making_was_killed(checkout):
    """`python -m venv` puts Python there first and pip last."""
    call(checkout, 'quickstart.sh', code=137, KILL='1')
    (checkout / '.venv' / 'pip').unlink()
    asked = call(checkout, 'quickstart.sh')
    assert '-m ensurepip' in asked
    assert '-e .' in asked


def test_makes_an_environment_anew_whose_python_is_gone(checkout):
    call(checkout, 'quickstart.sh')
    (checkout / '.venv' / 'bin' / 'python').unlink()
    asked = call(checkout, 'quickstart.sh')
    assert '-m venv --clear .venv' in asked
    assert '-e .' in asked


def test_an_environment_of_ones_own_is_left_as_it_is(checkout):
    asked = call(checkout, 'quickstart.sh', PYTHON=str(checkout.parent / 'python'))
    assert 'pip' not in asked
    assert 'tools/toy_experiments.py' in asked
    assert not (checkout / '.venv').exists()


def test_wrong_arguments_are_refused_before_anything_is_installed(checkout):
    assert call(checkout, 'quickstart.sh', '--frsh', code=2) == ''
