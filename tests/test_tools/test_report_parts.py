"""What reports refuse, and what they are made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from crash_runs import load_tool
from mmengine.config import Config
from report_names import CONFIG, ROOT, SECOND, paths

from mmt2ireid.apis.report import Checkpoint, cross_dataset, identify, markdown, measure, report_selection, selection


def test_runs_of_one_seed_are_told():
    runs = [Checkpoint(f'{folder}/e.pth', folder, 1, seed) for folder, seed in (('a', 0), ('b', 0), ('c', None))]
    assert 'have the same seed' in markdown.seed_notes(runs)[0]
    assert not markdown.seed_notes(runs[1:]) and not markdown.seed_notes([runs[0], runs[0]])


def test_loaders_that_read_another_split_are_named():
    assert markdown.data_notes(dict(persons=2), 'test', 'test') == []
    (note,) = markdown.data_notes(dict(persons=2), 'train + val', 'val')
    assert note == (
        'The val loader of the config (`val_dataloader`) reads the train + val split: the figures are those of train + '
        'val.'
    )
    assert 'always 100 %' in markdown.data_notes(dict(persons=1), 'test', 'test')[0]


def test_ties_are_noted():
    none = measure.Result({}, 'test', 'gallery_order', {'t2i': 0.0})
    assert markdown.tie_notes([none]) == []
    some = measure.Result({}, 'test', 'gallery_order', {'t2i': 0.25, 'i2t': 0.0})
    (note,) = markdown.tie_notes([none, some])
    assert note.startswith(
        'Text to image: up to 25.0% of the queries have a right and a wrong answer with exactly equal'
    )
    assert note.endswith('they count by the order of the gallery.')
    (note,) = markdown.tie_notes([measure.Result({}, 'test', 'expected', {'i2t': 0.5})])
    assert note.startswith('Image to text: 50.0% ') and 'expected values over their orders' in note


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--report', 'x', '--out', 'y'], 'without --out and --strip'),
        (['b.pth'], 'must be given with --report DIR'),
        (['--select-by', 't2i/R1'], 'must be given with --report DIR'),
        (['--report', 'x', '--select-by', 't2i/R1', '--split', 'val'], 'without --split'),
        (['--cfg-options', 'load_from=b.pth'], 'the checkpoint is the second argument'),
    ],
)
def test_options_that_do_not_go_together(arguments, message, capsys):
    with pytest.raises(SystemExit):
        load_tool('test').main(['c.py', 'a.pth', *arguments])
    assert message in capsys.readouterr().err


def test_bad_checkpoints_are_told_before_anything_is_evaluated(toy_world, monkeypatch, tmp_path):
    monkeypatch.chdir(toy_world)
    with pytest.raises(FileNotFoundError, match=r'checkpoint none\.pth must be a file'):
        identify(['seed0/epoch_1.pth', 'none.pth'])
    copy = tmp_path / 'copy.pth'
    copy.write_bytes(Path('seed0/epoch_1.pth').read_bytes())
    with pytest.raises(ValueError, match=r'checkpoints must differ, but seed0/epoch_1\.pth and .*copy\.pth'):
        identify(['seed0/epoch_1.pth', str(copy)])
    copy.write_bytes(b'PK cut short')
    with pytest.raises(ValueError, match=r'must be a complete file of torch\.save'):
        identify([str(copy)])


def test_a_bare_state_dict_of_the_old_format_has_no_epoch(tmp_path):
    torch.save({'weight': torch.ones(2)}, tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    (found,) = identify([str(tmp_path / 'old.pth')])
    assert (found.epoch, found.seed) == (None, None) and len(found.sha256) == 64


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda path: (path / 'metrics.json').write_text('{"metrics": {}}'), 'holds metrics.json, which is not of'),
        (lambda path: (path / 'metrics.json').write_text('"a report"'), 'holds metrics.json, which is not of'),
        (lambda path: (path / 'report.md').write_text('of my own'), 'holds report.md, which is not of a report'),
        (lambda path: (path / 'thesis.tex').write_text('all of it'), 'holds thesis.tex, which is not of a report'),
    ],
)
def test_a_folder_with_other_things_is_refused_before_the_evaluation(tool, tmp_path, make, message, monkeypatch):
    monkeypatch.setattr('mmt2ireid.apis.report.evaluation.evaluate', lambda *args, **kwargs: pytest.fail('too late'))
    make(tmp_path)
    before = files_of(tmp_path)
    with pytest.raises(ValueError, match=f'report must be a new folder or that of a report.*{message}'):
        tool('test', CONFIG, 'seed0/epoch_1.pth', '--report', tmp_path)
    assert files_of(tmp_path) == before
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match=r'report must be a folder, but .* is a file'):
        tool('test', CONFIG, 'seed0/epoch_1.pth', '--report', tmp_path / 'file')


def test_an_earlier_report_is_replaced_whole_or_stands(tool, tmp_path, monkeypatch):
    from mmt2ireid.apis.report import folder

    target = tmp_path / 'there'
    tool('test', CONFIG, 'seed0/epoch_1.pth', '--report', target)
    before = files_of(target)
    original = folder.draw_similarity_histogram

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, 'draw_similarity_histogram', interrupt)
    for place in (target, tmp_path / 'new'):
        with pytest.raises(KeyboardInterrupt):
            tool('test', CONFIG, 'seed1/epoch_1.pth', '--report', place)
    assert files_of(target) == before and os.listdir(tmp_path) == ['there']
    monkeypatch.setattr(folder, 'draw_similarity_histogram', original)
    tool('cross_dataset', '--train', 'a', CONFIG, 'seed1/epoch_1.pth', '--test', 'a', CONFIG, '--report', target)
    assert sorted(os.listdir(target)) == ['metrics.json', 'report.md'] and os.listdir(tmp_path) == ['there']


def test_a_report_that_cannot_take_its_place_leaves_the_earlier_one(tmp_path, monkeypatch):
    from mmt2ireid.apis.report import folder

    target = tmp_path / 'there'
    with folder.new_folder(target) as made:
        folder.write_words(made, 'old', dict(report='x'))
    original, before = os.replace, files_of(target)

    def fail(source, destination):
        if Path(destination) == target and not str(source).endswith(f'earlier.{os.getpid()}.tmp'):
            raise OSError('no')
        original(source, destination)

    monkeypatch.setattr(folder.os, 'replace', fail)
    with pytest.raises(OSError, match='no'), folder.new_folder(target) as made:
        (made / 'report.md').touch()
    assert files_of(target) == before and os.listdir(tmp_path) == ['there']


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    """In a container a process often has the number of the one before it."""
    from mmt2ireid.apis.report import folder

    for name in (f'.there.{os.getpid()}.tmp', f'.there.earlier.{os.getpid()}.tmp'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'report.md').write_text('half')
    for text in ('first', 'second'):
        with folder.new_folder(tmp_path / 'there') as made:
            folder.write_words(made, text, dict(report='x'))
        assert (tmp_path / 'there' / 'report.md').read_text() == f'{text}\n'
    assert len(os.listdir(tmp_path)) == 3, 'and nothing of it is touched'


def test_a_folder_named_like_a_picture_is_not_of_a_report(tmp_path):
    from mmt2ireid.apis.report import folder

    with folder.new_folder(tmp_path / 'there') as made:
        folder.write_words(made, 'old', dict(report='x'))
    assert folder.check_folder(tmp_path / 'there') == tmp_path / 'there'
    (tmp_path / 'there' / 'cmc.png').mkdir()
    with pytest.raises(ValueError, match=r'holds cmc\.png, which is not of a report'):
        folder.check_folder(tmp_path / 'there')
    with pytest.raises(ValueError, match='report must be a folder that can be replaced'):
        folder.check_folder('/')


def test_strips_that_cannot_be_drawn_are_noted(tool, monkeypatch):
    from mmt2ireid.apis.report import folder

    def fail(*args):
        raise FileNotFoundError('imgs/1.png: the image is not there')

    monkeypatch.setattr(folder, 'draw_result_strips', fail)
    tool('test', CONFIG, 'seed0/epoch_1.pth', '--report', 'noted')
    report = Path('noted/report.md').read_text()
    assert 'Strips of failures could not be drawn: imgs/1.png' in report
    assert 'failures.jpg' not in report and not Path('noted/failures.jpg').exists()


def test_best_is_the_first_of_equals():
    metrics = [{'t2i/R1': value} for value in (3.0, 5.0, 5.0)]
    assert selection.best(metrics, 't2i/R1') == 1
    with pytest.raises(ValueError, match='select-by must be one of t2i/R1'):
        selection.best(metrics, 't2i/R7')


def test_a_metric_that_is_none_is_told_before_the_evaluation(tool):
    with pytest.raises(ValueError, match="select-by must be a metric such as t2i/R1 or i2t/mAP, but got 'loss'"):
        tool('test', CONFIG, 'seed0/epoch_1.pth', '--report', 'x', '--select-by', 'loss')


def test_val_that_is_test_selects_nothing(toy_world, monkeypatch):
    """As many published codes have it: the epoch that is best on 'val' is then that which is best on test."""
    monkeypatch.chdir(toy_world)
    cfg = Config.fromfile(CONFIG)
    cfg.val_dataloader = dict(cfg.test_dataloader, batch_size=7)
    with pytest.raises(ValueError, match='val_dataloader must have other data than test_dataloader'):
        report_selection(cfg, paths('seed0/epoch_1', 'seed0/epoch_2'), 'x', config=CONFIG)


def test_a_run_of_one_epoch_selects_nothing(tool):
    with pytest.raises(ValueError, match='select-by must be given several checkpoints of one folder'):
        tool('test', CONFIG, *paths('seed0/epoch_1', 'seed1/epoch_1'), '--report', 'x', '--select-by', 't2i/R1')


def test_epochs_go_by_number_not_by_name():
    names = [('a/epoch_10.pth', 10), ('b/x.pth', 1), ('a/epoch_9.pth', 9)]
    found = selection._members([Checkpoint(path, path, epoch) for path, epoch in names])
    assert found == {'a': [2, 0], 'b': [1]}


def test_the_pipeline_is_the_models_and_the_rest_of_the_data_comes_along():
    model = Config.fromfile(ROOT / 'configs/toy/cmmt_clip_toy.py')
    data = Config.fromfile(SECOND)
    found = cross_dataset.on_data_of(model, data).test_dataloader
    assert found['dataset']['pipeline'] == model.test_dataloader.dataset.pipeline
    assert found['dataset']['pipeline'] != data.test_dataloader.dataset.pipeline
    assert found['dataset']['data_root'] == 'data/toy_pedes/second'
    assert found['batch_size'] == model.test_dataloader.batch_size
    assert model.test_dataloader.dataset.data_root == 'data/toy_pedes'


def test_the_papers_cross_dataset_configs_are_cells_of_the_matrix():
    """Table 8: the matrix of the two fine-tuned models has the data of the configs that were written by hand."""
    models = {name: Config.fromfile(ROOT / f'configs/unipt/deits_{name}.py') for name in ('cuhk', 'icfg')}
    for train, test in (('cuhk', 'icfg'), ('icfg', 'cuhk')):
        written = Config.fromfile(ROOT / f'configs/unipt/deits_{train}_to-{test}.py').test_dataloader
        found = cross_dataset.on_data_of(models[train], models[test]).test_dataloader
        wanted = {key: value for key, value in found['dataset'].items() if key != 'holdout_ids'}
        assert wanted == {key: value for key, value in written['dataset'].items() if key != 'holdout_ids'}


def test_cells_whose_sets_may_share_persons_are_marked():
    run = [{f'{way}/{name}': 10.0 for way in ('t2i', 'i2t') for name in ('R1', 'mAP')}]
    text = cross_dataset.matrix_tables(['ICFG'], ['ICFG', 'RSTP'], [[run, run]], [[True, False]], [[False, True]])
    assert '| ICFG | *10.0* | 10.0 † |' in text
    icfg, rstp = (Config.fromfile(ROOT / f'configs/unipt/deits_{name}.py') for name in ('icfg', 'rstp'))
    assert cross_dataset.shares_image_source(cross_dataset.on_data_of(icfg, rstp))
    assert not cross_dataset.shares_image_source(cross_dataset.on_data_of(icfg, icfg))
