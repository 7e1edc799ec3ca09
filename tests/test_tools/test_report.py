"""Reports of checkpoints with random weights, on a small toy world."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import socket
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from crash_runs import load_tool
from mmengine.config import Config
from PIL import Image
from report_names import CHECKPOINTS, CONFIG, ROOT, SECOND, paths

PICTURES = ('cmc.png', 'failures.jpg', 'similarities.png', 'successes.jpg')


def metrics_of(tool, checkpoint, split='test', config=CONFIG):
    """What `tools/test.py CONFIG CHECKPOINT` says; each is asked once."""
    out = Path('known', checkpoint, split, f'{Path(config).stem}.json')
    if not out.exists():
        tool('test', config, checkpoint, '--split', split, '--out', out)
    return json.loads(out.read_text())['metrics']


def assert_metrics(found, expected):
    assert expected.keys() <= found.keys()
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_report_of_a_checkpoint(tool):
    (checkpoint,) = paths('seed0/epoch_2')
    out = tool('test', CONFIG, checkpoint, '--report', 'one')
    content = json.loads(Path('one/metrics.json').read_text())
    expected = metrics_of(tool, checkpoint)
    assert_metrics(content['metrics'], expected)
    assert f'| t2i | {expected["t2i/R1"]:.2f} |' in out and 'one/report.md' in out
    assert content['data'] == dict(images=18, captions=36, persons=6) and content['spread'] is None
    (run,) = content['runs']
    digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    assert (run['checkpoint'], run['sha256'], run['epoch'], run['seed']) == (checkpoint, digest, 2, 0)
    for direction in ('t2i', 'i2t'):
        assert [run['cmc'][direction][k - 1] for k in (1, 5, 10)] == pytest.approx(
            [expected[f'{direction}/R{k}'] for k in (1, 5, 10)], abs=1e-4
        )
    assert sum(run['similarities']['matching']) == 36 * 3 and sum(run['similarities']['other']) == 36 * 15
    report = Path('one/report.md').read_text()
    assert digest in report and '18 images, 36 captions, 6 persons' in report and CONFIG in report
    assert f'{expected["i2t/mAP"]:.2f}' in report and '±' not in report
    assert set(os.listdir('one')) == {*PICTURES, 'metrics.json', 'report.md', 'report_config.py'}
    assert sorted(re.findall(r'!\[.*\]\((.*)\)', report)) == sorted(PICTURES)
    for name in PICTURES:
        with Image.open(f'one/{name}') as picture:
            assert picture.width > 900
    ranks = [strip['first_right_rank'] for strip in content['strips']['failures']]
    assert min(ranks) > 1 and {strip['first_right_rank'] for strip in content['strips']['successes']} <= {1}
    written, given = Config.fromfile('one/report_config.py'), Config.fromfile(CONFIG)
    assert (written.model, written.test_evaluator) == (given.model, given.test_evaluator)


def test_a_report_names_the_split_of_the_data_and_not_the_loader(tool):
    changes = ['test_dataloader.dataset.split=train', 'test_dataloader.dataset.max_images=3']
    call = [CONFIG, *paths('seed0/epoch_2'), '--work-dir', 'w']
    load_tool('test').main([*call, '--report', 'train', '--cfg-options', *changes])
    report, content = Path('train/report.md').read_text(), json.loads(Path('train/metrics.json').read_text())
    assert '# Evaluation on train: ' in report and 'the train split of ' in report
    assert 'the test split' not in report and '(`test_dataloader`) reads the train split' in report
    assert (content['split'], content['loader']) == ('train', 'test')
    assert 'The train split has one person only' in report and content['data']['persons'] == 1
    assert len(content['notes']) == 3 and 'no failures to draw' in content['notes'][2]
    load_tool('test').main([*call, '--out', 'train.json', '--cfg-options', *changes])
    assert json.loads(Path('train.json').read_text())['split'] == 'train'
    (log,) = sorted(Path('w').glob('*/*.log'))[-1:]
    assert 'The train split has one identity only' in log.read_text()


def test_mean_and_spread_of_several_checkpoints(tool):
    checkpoints = paths('seed0/epoch_2', 'seed1/epoch_2')
    tool('test', CONFIG, *checkpoints, '--report', 'two', '--split', 'val')
    content = json.loads(Path('two/metrics.json').read_text())
    runs = [metrics_of(tool, checkpoint, 'val') for checkpoint in checkpoints]
    for found, expected in zip(content['runs'], runs, strict=True):
        assert_metrics(found['metrics'], expected)
    for name in runs[0]:
        values = [run[name] for run in runs]
        assert content['metrics'][name] == pytest.approx(statistics.fmean(values))
        assert content['spread'][name] == pytest.approx(statistics.stdev(values))
    values = [run['t2i/R1'] for run in runs]
    report = Path('two/report.md').read_text()
    assert f'{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}' in report
    assert 'seed0/epoch_2.pth' in report and 'one folder' not in report and 'same seed' not in report


def test_epochs_of_one_run_are_not_passed_off_as_seeds(tool):
    tool('test', CONFIG, *paths('seed0/epoch_1', 'seed0/epoch_2'), '--report', 'epochs')
    assert 'the spread is not that of seeds' in Path('epochs/report.md').read_text()


def test_selection_on_val_and_on_test(tool):
    by = 't2i/mAP'
    tool('test', CONFIG, *paths(*CHECKPOINTS), '--report', 'select', '--select-by', by)
    content = json.loads(Path('select/metrics.json').read_text())
    found = {split: [metrics_of(tool, path, split) for path in paths(*CHECKPOINTS)] for split in ('val', 'test')}
    val, test = ([metrics[by] for metrics in found[split]] for split in ('val', 'test'))
    pairs = [(0, 1), (2, 3)]
    on_val = [max(pair, key=lambda number: val[number]) for pair in pairs]
    on_test = [max(pair, key=lambda number: test[number]) for pair in pairs]
    assert (content['split'], content['selected_on'], content['notes']) == ('test', 'val', [])
    assert content['metrics'][by] == pytest.approx(statistics.fmean(test[number] for number in on_val))
    wrong = content['selected_on_the_test_set']
    assert wrong['metrics'][by] == pytest.approx(statistics.fmean(test[number] for number in on_test))
    assert wrong['spread'][by] == pytest.approx(statistics.stdev(test[number] for number in on_test))
    assert [run['selected_on_val'] for run in content['runs']] == [f'{CHECKPOINTS[n]}.pth' for n in on_val]
    assert [run['selected_on_the_test_set'] for run in content['runs']] == [f'{CHECKPOINTS[n]}.pth' for n in on_test]
    report = Path('select/report.md').read_text()
    first = report.index('SELECTED ON THE TEST SET')
    assert report.index('## Metrics on test of the epoch selected on val') < first
    for line in report.splitlines():
        if f'{statistics.fmean(test[n] for n in on_test):.1f} ± ' in line and on_test != on_val:
            assert 'SELECTED ON THE TEST SET' in line
    for run, number in zip(content['runs'], on_val, strict=True):
        assert run['cmc']['t2i'][0] == pytest.approx(found['test'][number]['t2i/R1'], abs=1e-4)


def test_matrix(tool):
    first, second = paths('seed0/epoch_2', 'seed1/epoch_2')
    tool(
        'cross_dataset',
        *('--report', 'matrix', '--train', 'first', CONFIG, first, second, '--train', 'other', CONFIG, first),
        *('--test', 'first', CONFIG, '--test', 'second', SECOND),
    )
    content = json.loads(Path('matrix/metrics.json').read_text())
    cells = {(cell['train'], cell['test']): cell for cell in content['cells']}
    assert list(cells) == [(train, test) for train in ('first', 'other') for test in ('first', 'second')]
    expected = {
        (name, test): metrics_of(tool, name, config=config)
        for name in (first, second)
        for test, config in (('first', CONFIG), ('second', SECOND))
    }
    for test in ('first', 'second'):
        assert_metrics(cells['other', test]['metrics'], expected[first, test])
        for run, name in zip(cells['first', test]['runs'], (first, second), strict=True):
            assert_metrics(run['metrics'], expected[name, test])
    assert expected[first, 'first'] != expected[first, 'second']
    assert [one['data']['persons'] for one in content['test']] == [6, 5]
    assert [one['data']['split'] for one in content['test']] == ['test', 'test'] and content['notes'] == []
    values = [expected[name, 'first']['t2i/R1'] for name in (first, second)]
    report = Path('matrix/report.md').read_text()
    figures = f'*{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}*'
    assert re.search(rf'\| first \| {re.escape(figures)} \| [^*]+ \|', report)
    assert '†' not in report
    assert [cell['own_test_set'] for cell in content['cells']] == [True, False] * 2


def test_a_selection_has_one_process_group(toy_world, tool, monkeypatch):
    """Val and test: a second group may find the addresses of the first, and hang."""
    from torch import distributed

    for name, value in dict(RANK='0', WORLD_SIZE='1', LOCAL_RANK='0', MASTER_ADDR='127.0.0.1').items():
        monkeypatch.setenv(name, value)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        monkeypatch.setenv('MASTER_PORT', str(free.getsockname()[1]))
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cpu')
    started, start = [], distributed.init_process_group
    monkeypatch.setattr(distributed, 'init_process_group', lambda *a, **k: (started.append(a), start(*a, **k)))
    several = paths('seed0/epoch_1', 'seed0/epoch_2')
    tool('test', CONFIG, *several, '--report', 'group', '--select-by', 't2i/R1', '--launcher', 'pytorch')
    assert len(started) == 1 and not distributed.is_initialized()


@pytest.mark.slow
def test_two_processes_write_the_report_of_one(toy_world, monkeypatch):
    monkeypatch.chdir(toy_world)
    kept = {name: value for name, value in os.environ.items() if name not in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')}
    environment = dict(kept, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHON=sys.executable)
    call = ['bash', ROOT / 'tools/dist_test.sh', CONFIG, 'seed0/epoch_1.pth', 2, 'seed0/epoch_2.pth']
    call += ['--report', 'both', '--select-by', 't2i/R1', '--work-dir', 'w_both']
    done = subprocess.run([*map(str, call)], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.count('both/report.md') == 1
    load_tool('test').main(
        [CONFIG, *paths('seed0/epoch_1', 'seed0/epoch_2'), '--report', 'alone', '--select-by', 't2i/R1']
    )
    one, two = (json.loads(Path(name, 'metrics.json').read_text()) for name in ('alone', 'both'))
    assert one.pop('date') and two.pop('date')
    assert_metrics(two.pop('metrics'), one.pop('metrics'))
    assert [run['selected_on_val'] for run in two['runs']] == [run['selected_on_val'] for run in one['runs']]
    assert (two['data'], two['strips'].keys()) == (one['data'], one['strips'].keys())
    assert set(os.listdir('alone')) == set(os.listdir('both'))


def test_the_commands_of_the_page_work(toy_world, tool, tmp_path, monkeypatch):
    for name in ('configs', 'docs'):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / 'data').symlink_to(toy_world / 'data')
    for place, checkpoint in (
        *(('unipt_vit_toy/epoch_10', 'seed0/epoch_2'), ('seed0/epoch_9', 'seed0/epoch_1')),
        *(('seed0/epoch_10', 'seed0/epoch_2'), ('seed1/epoch_9', 'seed1/epoch_1'), ('seed1/epoch_10', 'seed1/epoch_2')),
    ):
        path = tmp_path / 'work_dirs' / f'{place}.pth'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(toy_world / f'{checkpoint}.pth')
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r'```bash\n(.*?)```', Path('docs/reports.md').read_text(), re.DOTALL)
    commands = [shlex.split(block.replace('\\\n', ' ')) for block in blocks]
    for python, script, *arguments in commands[:-1]:
        assert python == 'python'
        tool(Path(script).stem, *arguments)
    assert sorted(os.listdir('reports')) == ['epochs', 'matrix', 'one', 'seeds']
    described = re.findall(r'`([\w.]+\.(?:md|json|py|png|jpg))`', Path('docs/reports.md').read_text())
    assert set(os.listdir('reports/one')) <= set(described)
    script, config, checkpoint, processes, *options = commands[-1]
    assert (script, processes) == ('tools/dist_test.sh', '2')
    assert load_tool('test').parse_args([config, checkpoint, *options]).report == 'reports/two'
