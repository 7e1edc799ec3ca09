"""The order of the toy runs, what is reused, and the table; the tools themselves are stood in for."""

import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def experiments(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location('toy_experiments', ROOT / 'tools' / 'toy_experiments.py')
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__('sys').modules, 'toy_experiments', module)
    spec.loader.exec_module(module)
    module.calls = []

    def tool(name, row, *arguments, options=()):
        given = dict(zip(*[iter(arguments[name == 'test.py' :])] * 2, strict=True))
        module.calls.append((name, row.config, list(options)))
        work_dir = Path(given['--work-dir'])
        work_dir.mkdir(parents=True, exist_ok=True)
        if name == 'train.py':
            for file in ('epoch_9.pth', 'epoch_12.pth', 'best_t2i_R1_epoch_4.pth'):
                (work_dir / file).touch()
            return
        seed = int(work_dir.parent.name.removeprefix('seed'))
        metrics = dict.fromkeys(module.METRICS, 50.0 + seed)
        Path(given['--out']).write_text(json.dumps(dict(metrics=metrics)))
        if '--strip' in given:
            Path(given['--strip']).touch()

    module.real_tool = module.tool
    monkeypatch.setattr(module, 'tool', tool)
    monkeypatch.chdir(tmp_path)
    for name in ('toy_pseudo_texts', 'toy_pseudo_texts_228-templates'):
        (tmp_path / 'data' / name).mkdir(parents=True)
        (tmp_path / 'data' / name / 'captions.json').touch()
    return module


def call(experiments, monkeypatch, *arguments):
    monkeypatch.setattr('sys.argv', ['toy_experiments.py', '--out', 'out', *arguments])
    experiments.calls.clear()
    experiments.main()
    return list(experiments.calls)


def test_each_run_once_and_in_order(experiments, monkeypatch):
    calls = call(experiments, monkeypatch, '--rows', 'unipt_vit_toy', 'unipt_vit_pool', '--strip', 'strip.png')
    pool, toy = 'unipt_vit_pool', 'unipt_vit_toy'
    weights = str(Path('out', 'seed0', pool, 'epoch_12.pth'))
    assert calls == [
        ('train.py', pool, []),
        ('test.py', pool, []),
        ('train.py', toy, [f'load_from={weights}']),
        ('test.py', toy, []),
    ]
    assert Path('strip.png').exists()
    assert call(experiments, monkeypatch, '--rows', toy, '--strip', 'strip.png') == []
    Path('strip.png').unlink()
    assert call(experiments, monkeypatch, '--rows', toy, '--strip', 'strip.png') == [('test.py', toy, [])]
    with pytest.raises(ValueError, match='--strip must be given with one of'):
        call(experiments, monkeypatch, '--rows', pool, '--strip', 'strip.png')
    assert len(call(experiments, monkeypatch, '--rows', toy, '--fresh')) == 3


def test_what_a_row_starts_from_is_trained_first(experiments, monkeypatch):
    calls = call(experiments, monkeypatch, '--rows', 'unipt_vit_toy_to-second')
    assert [entry[:2] for entry in calls] == [
        ('train.py', 'unipt_vit_pool'),
        ('train.py', 'unipt_vit_toy'),
        ('test.py', 'unipt_vit_toy_to-second'),
    ]


def test_weights_of_one_encoder_go_where_that_encoder_takes_them(experiments, monkeypatch):
    calls = call(experiments, monkeypatch, '--rows', 'unipt_vit_toy_img-only')
    weights = Path('out', 'seed0', 'unipt_vit_pool', 'epoch_12.pth')
    assert calls[1][2] == [f'model.image_encoder.init_cfg.checkpoint={weights}']


def test_the_table_has_means_and_spreads(experiments, monkeypatch, capsys):
    call(experiments, monkeypatch, '--rows', 'unipt_vit_pool', '--seeds', '0', '1', '2')
    table = Path('out/table.md').read_text()
    assert '51.0 ± 1.0' in table
    assert '50.0, 51.0, 52.0' in table
    assert table in capsys.readouterr().out


@pytest.mark.parametrize('row', ['unipt_vit_pseudo_228-templates', 'unipt_vit_toy_228-templates'])
def test_pseudo_texts_that_are_missing_are_asked_for_first(experiments, monkeypatch, row):
    Path('data/toy_pseudo_texts_228-templates/captions.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'--out data/toy_pseudo_texts_228-templates .* --templates 228'):
        call(experiments, monkeypatch, '--rows', 'unipt_vit_pool', row)
    assert not experiments.calls
    assert call(experiments, monkeypatch, '--rows', 'unipt_vit_pseudo')


def test_the_pseudo_texts_are_those_the_configs_read(experiments):
    for row in experiments.ROWS.values():
        config = Config.fromfile(ROOT / 'configs' / 'toy' / f'{row.config}.py')
        file = config.train_dataloader.dataset.ann_file if not row.test_only else ''
        wanted = {456: 'toy_pseudo_texts/', 228: 'toy_pseudo_texts_228-templates/'}.get(row.templates)
        assert file.startswith(wanted) if wanted else 'pseudo' not in file


def test_unknown_rows_and_foreign_folders(experiments, monkeypatch):
    with pytest.raises(ValueError, match='nothing'):
        call(experiments, monkeypatch, '--rows', 'nothing')
    Path('out/seed0').mkdir(parents=True)
    with pytest.raises(ValueError, match='must be a folder of this tool'):
        call(experiments, monkeypatch, '--fresh')
    assert Path('out/seed0').exists()


def test_every_toy_config_has_a_row(experiments):
    configs = {path.stem for path in (ROOT / 'configs' / 'toy').glob('*.py')}
    assert configs == set(experiments.ROWS)


def test_a_failed_run_ends_all_with_its_status(experiments, monkeypatch):
    done = type('Done', (), dict(returncode=2))
    monkeypatch.setattr(experiments.subprocess, 'run', lambda command, env: done)
    with pytest.raises(SystemExit) as ended:
        experiments.real_tool('train.py', experiments.ROWS['unipt_vit_pool'])
    assert ended.value.code == 2
