from __future__ import annotations

import importlib.util
import json
import mmap
import subprocess
import sys
from pathlib import Path

import pytest
import torch

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmark_labeling.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('benchmark_labeling', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_step_is_measured(tool, tmp_path, capsys):
    options = [
        '--rows',
        '400',
        '--width',
        '32',
        '--per-identity',
        '20',
        '--noise',
        '0.5',
        '--device',
        'cpu',
        '--product',
    ]
    tool.main([*options, '--product', '--json', str(tmp_path / 'figures.json')])
    figures = json.loads((tmp_path / 'figures.json').read_text())
    steps = ['neighbours', 'weights', 'distances', 'clusters', 'reliability', 'refinement']
    assert all(figures[f'{step}, s'] > 0 for step in steps)
    total = sum(figures[f'{step}, s'] for step in steps[:-1])
    assert figures['labels in all, without refinement, s'] == pytest.approx(total)
    rate = 1e12 * figures['measured matrix rate, TFLOP/s']
    assert figures['bound 2 N^2 D / rate, s'] == pytest.approx(2 * 400**2 * 32 / rate)
    assert figures['clusters'] > 5 and figures['ari'] > 0.5
    assert 'bare product' in capsys.readouterr().out


def peaks_can_be_reset() -> bool:
    """Whether the kernel forgets a peak when asked: some sandboxes take the request and keep the old mark."""
    try:
        with mmap.mmap(-1, 64 * 2**20) as pages:
            for start in range(0, len(pages), mmap.PAGESIZE):
                pages[start] = 1
            high = resident_peak()
        Path('/proc/self/clear_refs').write_text('5', encoding='ascii')
        return high - resident_peak() > 32 * 2**20
    except (OSError, IndexError):
        return False


def resident_peak() -> int:
    return 1024 * int(Path('/proc/self/status').read_text(encoding='ascii').partition('VmHWM:')[2].split()[0])


def test_memory_of_a_step_is_its_peak(tool):
    if not peaks_can_be_reset():
        pytest.skip('peaks cannot be reset here')
    meter = tool.Meter(torch.device('cpu'))
    with mmap.mmap(-1, 50 * 2**20) as pages:
        for start in range(0, len(pages), mmap.PAGESIZE):
            pages[start] = 1
    meter('large')
    meter('small')
    assert 40 * 2**20 < meter.peaks['large'] < 100 * 2**20
    assert meter.peaks['small'] < 20 * 2**20


@pytest.mark.skipif(not Path('/proc/self/clear_refs').exists(), reason='peaks cannot be reset here')
def test_labels_need_little_memory_beyond_the_features(tmp_path):
    """In a process of its own, whose heap nobody else has stretched; 8,000 x 8,000 distances would be 488 MiB."""
    out = tmp_path / 'figures.json'
    options = ['--rows', '8000', '--width', '512', '--device', 'cpu', '--json', str(out)]
    subprocess.run([sys.executable, str(TOOL), *options], check=True, capture_output=True)
    figures = json.loads(out.read_text())
    peaks = {name: value for name, value in figures.items() if 'peak MiB' in name}
    assert len(peaks) == 6 and max(peaks.values()) < 250


@pytest.mark.parametrize(
    'options',
    [
        ['--rows', '1'],
        ['--width', '0'],
        ['--per-identity', '0.5'],
        ['--sample', '0'],
        ['--probes', '8', '0'],
        ['--approximate-from', '1'],
    ],
)
def test_bad_settings_are_refused(tool, options, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(options)
    assert 'must be' not in capsys.readouterr().out


def test_the_search_alone(tool, tmp_path):
    """All true neighbours by the exact search, and by an inverted file all of whose lists are looked at; else fewer."""
    pytest.importorskip('faiss')
    options = ['--rows', '2000', '--width', '16', '--k1', '10', '--search-only', '--device', 'cpu', '--cpu-seconds',
               '--sample', '100', '--json', str(tmp_path / 'figures.json')]  # fmt: skip
    tool.main(options)
    assert json.loads((tmp_path / 'figures.json').read_text())['32 probes: share of the 10 nearest that is found'] == 1
    tool.main([*options, '--backend', 'faiss', '--approximate-from', '1', '--probes', '1', '1000'])
    figures = json.loads((tmp_path / 'figures.json').read_text())
    assert figures['1000 probes: share of the 10 nearest that is found'] == 1
    assert 0.1 < figures['1 probes: share of the 10 nearest that is found'] < 0.95
    assert figures['1 probes: share of the 6 nearest that is found'] > 0.1
    assert all(figures[f'{probes} probes: search, s'] > 0 for probes in (1, 1000))
