"""The tool that looks at an environment, given healthy and sick ones."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = {'torch': '2.5.1', 'torchvision': '0.20.1', 'mmengine': '0.11.0', 'mmcv-lite': '2.2.0', 'numpy': '1.26.4'}


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('check_env', ROOT / 'tools' / 'check_env.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def codes(findings, severity=None):
    return {finding.code for finding in findings if severity in (None, finding.severity)}


def test_this_environment_is_fine(tool, tmp_path, capsys):
    assert tool.main(['--no-imports', '--json', str(tmp_path / 'out' / 'env.json')]) == 0
    report = json.loads((tmp_path / 'out' / 'env.json').read_text())
    assert report['ok'] and report['versions']['torch'] and {'clip', 'cmmt', 'tests'} <= set(report['extras'])
    out = capsys.readouterr().out
    assert 'fine: 0 errors' in out and f'Python {report["python"]}' in out
    assert tool.main(['--no-imports', '--json', '-']) == 0
    assert json.loads(capsys.readouterr().out) == report


def test_the_packages_are_those_of_setup_py(tool):
    lists, _ = tool.declared()
    text = (ROOT / 'setup.py').read_text()
    assert set(lists) >= set(tool.re.findall(r"'(\w+)': requirements\('\1'\)", text))
    assert 'torch>=2.4' in lists[''] and 'mmcv-lite>=2.2.0' in lists['']


def test_without_a_checkout_the_metadata_tell(tool, tmp_path, monkeypatch):
    noted = ['torch>=2.4', 'nltk>=3.9; extra == "cmmt"', "timm ; extra == 'timm'"]
    monkeypatch.setattr(tool, 'CHECKOUT', tmp_path)
    monkeypatch.setattr(tool.metadata, 'requires', lambda name: noted)
    assert tool.declared() == ({'': ['torch>=2.4'], 'cmmt': ['nltk>=3.9'], 'timm': ['timm']}, [])
    (tmp_path / 'requirements').mkdir()
    (tmp_path / 'requirements' / 'runtime.txt').write_text('torch>=2.4\n')
    (tmp_path / 'requirements' / 'cmmt.txt').write_text('nltk>=3.9\n')
    (tmp_path / 'requirements' / 'timm.txt').write_text('timm\n')
    assert not tool.declared()[1]
    (tmp_path / 'requirements' / 'lora.txt').write_text('peft\n')
    lists, findings = tool.declared()
    assert lists['lora'] == ['peft'] and codes(findings, 'warning') == {'stale-install'}

    def absent(name):
        raise tool.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(tool.metadata, 'requires', absent)
    assert codes(tool.declared()[1], 'warning') == {'not-installed'}


def test_missing_and_old_packages_are_named_with_their_extra(tool):
    lists = {'': ['torch>=2.4', 'transformers>=5.0', 'numpy'], 'cmmt': ['nltk>=3.9'], 'clip': ['open_clip_torch>=3.0']}
    installed = {'torch': '2.3.1', 'numpy': '2.0', 'nltk': '3.10', 'open-clip-torch': '2.9'}
    required, old, optional = sorted(tool.check_packages(lists, installed), key=lambda finding: finding.message[::-1])
    found = {finding.message: finding for finding in (required, old, optional)}
    assert found['torch>=2.4 is needed, but 2.3.1 is installed'].severity == 'error'
    assert found['transformers>=5.0 is needed, but it is missing'].advice == "pip install 'transformers>=5.0'"
    told = 'optional: open_clip_torch>=3.0 is needed, but 2.9 is installed (mmt2ireid[clip])'
    assert found[told].advice == "pip install 'mmt2ireid[clip]'" and found[told].severity == 'note'


def test_full_mmcv_serves_as_well(tool):
    assert tool.check_requirement('mmcv-lite>=2.2.0', {'mmcv': '2.2.0'}) == ''
    assert tool.check_requirement('mmcv-lite>=2.2.0', {'mmcv': '2.1.0'}) == '2.1.0'
    assert tool.check_requirement('mmcv-lite>=2.2.0', {}) == 'missing'


@pytest.mark.parametrize(
    ('versions', 'code', 'severity'),
    [
        ({'mmcv': '2.2.0'}, 'two-mmcv', 'error'),
        ({'torch': '2.6.0'}, 'weights-only-patched', 'note'),
        ({'pycocotools': '2.0', 'transformers': '5.1', 'mmpretrain': '1.2.0'}, 'pycocotools', 'note'),
        ({'openmim': '0.3.9', 'setuptools': '84.0'}, 'openmim', 'warning'),
        ({'mmengine': '0.10.7', 'setuptools': '84.0'}, 'pkg-resources', 'note'),
        ({'mmpretrain': '1.2.0', 'numpy': '2.4.1'}, 'in1d', 'note'),
        ({'numpy': '2.0.0'}, 'hue', 'note'),
        ({'deepspeed': '0.15'}, 'deepspeed', 'note'),
        ({'milvus-lite': '3.2.2'}, 'milvus-lite-3', 'warning'),
        ({'opencv-python': '5.0.0.93'}, 'opencv-5-hog', 'note'),
        ({'torch': '2.8.0+cpu', 'torchvision': '0.23.0+cu128'}, 'torch-torchvision', 'error'),
    ],
)
def test_known_bad_pairs(tool, monkeypatch, versions, code, severity):
    monkeypatch.setattr(tool, '_requires', lambda name: [])
    assert code not in codes(tool.check_pairs(HEALTHY))
    assert code in codes(tool.check_pairs({**HEALTHY, **versions}), severity)


def test_every_known_bad_pair_has_a_test(tool):
    known = {pair['code'] for pair in json.loads(tool.KNOWN_BAD.read_text())}
    marks = [mark for mark in test_known_bad_pairs.pytestmark if mark.name == 'parametrize']
    assert known == {code for _, code, _ in marks[0].args[1]} - {'torch-torchvision'}


def test_torchvision_wants_its_own_torch(tool):
    requires = ['numpy', 'torch==2.5.1', "gdown>=4.7.3; extra == 'gdown'"]
    assert not tool.check_torchvision(HEALTHY, requires)
    assert not tool.check_torchvision({**HEALTHY, 'torch': '2.5.1+cu124'}, requires)
    (finding,) = tool.check_torchvision({**HEALTHY, 'torch': '2.9.0'}, requires)
    assert finding.severity == 'error' and 'made for torch==2.5.1, but torch 2.9.0' in finding.message


@pytest.mark.parametrize(
    ('gpu', 'driver', 'said'),
    [
        ({'cuda': None, 'cards': []}, False, 'no GPU'),
        ({'cuda': None, 'cards': []}, True, 'a build for CPUs'),
        ({'cuda': '12.8', 'cards': []}, True, 'finds no GPU'),
        ({'error': 'RuntimeError: x'}, True, 'RuntimeError: x'),
    ],
)
def test_why_there_is_no_gpu(tool, gpu, driver, said):
    (finding,) = tool.check_gpu(gpu, driver)
    assert said in finding.message
    assert not tool.check_gpu({'cuda': '12.8', 'cards': [{'name': 'X', 'gib': 80.0}]}, True)


def test_imports_are_tried_in_a_process_of_their_own(tool, tmp_path, monkeypatch):
    (tmp_path / 'sick_one.py').write_text("raise OSError('libGL.so.1: cannot open shared object file')")
    (tmp_path / 'dies.py').write_text('import os; os._exit(139)')
    (tmp_path / 'loud.py').write_text("print('{not json'); print('hello')")
    (tmp_path / 'torch.py').write_text("raise ImportError('no torch')")  # a quick stand-in
    monkeypatch.setattr(tool, 'CHECKOUT', tmp_path)
    findings, gpu = tool.probe_imports(['json', 'loud', 'sick_one', 'no_such_module'])
    assert [finding.message.split(':')[0] for finding in findings] == ['sick_one', 'no_such_module']
    assert 'apt-get install libgl1' in findings[0].advice and gpu == {'error': 'ImportError: no torch'}
    findings, _ = tool.probe_imports(['json', 'dies', 'loud'])
    assert [finding.message for finding in findings] == ['Python died when it imported dies (status 139)']


def test_a_sick_environment_is_told_by_the_status(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool, 'installed_versions', lambda: {'packaging': '25.0', 'torch': '2.1'})
    assert tool.main(['--no-imports']) == 1
    out = capsys.readouterr().out
    assert 'error: required: torch>=2.4 is needed, but 2.1 is installed' in out and 'not fine' in out
    assert out.index('error: ') < out.index('note: ')
    monkeypatch.setattr(tool, 'installed_versions', dict)
    assert tool.main(['--no-imports']) == 1
    assert 'pip install packaging' in capsys.readouterr().out


def test_it_runs_where_nothing_can_be_imported(tmp_path):
    """Without site-packages: the tool needs no package of anybody."""
    command = [sys.executable, '-S', '-I', ROOT / 'tools' / 'check_env.py', '--no-imports']
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and not done.stderr and 'not fine' in done.stdout


def test_wrong_calls(tool):
    with pytest.raises(SystemExit) as caught:
        tool.main(['--nonsense'])
    assert caught.value.code == 2


def test_nltk_without_data_is_a_note(tool, monkeypatch):
    def missing(name):
        raise LookupError(name)

    stand_in = SimpleNamespace(data=SimpleNamespace(find=missing))
    monkeypatch.setitem(sys.modules, 'nltk', stand_in)
    assert codes(tool.check_tagger({'nltk': '3.9'}), 'note') == {'nltk-data'}
    stand_in.data.find = lambda name: name
    assert tool.check_tagger({'nltk': '3.9'}) == tool.check_tagger({}) == []


@pytest.mark.skipif(not hasattr(signal, 'SIGPIPE'), reason='Windows has no such signal')
def test_a_reader_that_has_seen_enough():
    with subprocess.Popen(
        [sys.executable, ROOT / 'tools' / 'check_env.py', '--no-imports'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.close()
        assert (process.stderr.read(), process.wait(120)) == ('', -signal.SIGPIPE)
