"""The doctor's tool: what it prints, writes and returns."""

import dataclasses
import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmt2ireid.datasets.doctor import KINDS, RELEASES, Counts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('check_dataset', ROOT / 'tools' / 'check_dataset.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda *arguments: module.main([str(argument) for argument in arguments])


@pytest.fixture
def rstp(tmp_path, monkeypatch):
    """Three identities of five images, one for each split."""
    records = []
    (tmp_path / 'imgs').mkdir()
    for number in range(15):
        pid = number // 5
        path = f'{pid:04}_c1_{number:04}.jpg'
        cv2.imwrite(str(tmp_path / 'imgs' / path), np.full((60, 30, 3), number, np.uint8))
        captions = [f'a man in shirt {number}', f'a man with bag {number}']
        records.append({'id': pid, 'img_path': path, 'captions': captions, 'split': ('train', 'val', 'test')[pid]})
    (tmp_path / 'data_captions.json').write_text(json.dumps(records))
    counts = {split: Counts(1, 5, 10) for split in ('train', 'val', 'test')}
    monkeypatch.setitem(RELEASES, 'RSTPReid', dataclasses.replace(RELEASES['RSTPReid'], counts=counts, withdrawn={}))
    return tmp_path


def change(root, **fields):
    records = json.loads((root / 'data_captions.json').read_text())
    records[3].update(fields)
    (root / 'data_captions.json').write_text(json.dumps(records))


def test_fine(tool, rstp, capfd):
    assert tool('rstpreid', rstp) == 0
    captured = capfd.readouterr()
    assert '15 images opened' in captured.out and 'fine: 0 errors, 1 warning, 1 note' in captured.out
    assert '15/15' in captured.err, 'a bar'


def test_data_of_ones_own_is_fine(tool, rstp, capfd):
    records = json.loads((rstp / 'data_captions.json').read_text())
    for record in records:
        record['file_path'] = record.pop('img_path')
    (rstp / 'reid_raw.json').write_text(json.dumps(records))
    assert tool('own', rstp) == 0
    out = capfd.readouterr().out
    assert out.startswith(f'own in {rstp} (reid_raw.json), 15 images opened')
    assert 'official' not in out and 'one-identity: test, train, val' in out
    (rstp / 'imgs' / '0000_c1_0002.jpg').unlink()
    assert tool('own', rstp, '--no-images') == 1


def test_warnings_do_not_stop_training(tool, rstp, capfd):
    change(rstp, captions='a man in shirt 3')
    counts = {**RELEASES['RSTPReid'].counts, 'train': Counts(1, 5, 9)}
    RELEASES['RSTPReid'] = dataclasses.replace(RELEASES['RSTPReid'], counts=counts)
    assert tool('RSTPReid', rstp) == 0
    assert 'warning: bare-caption: 1 of 15 records' in capfd.readouterr().out


def test_errors_stop_it_and_are_written(tool, rstp, capfd):
    (rstp / 'imgs' / '0000_c1_0002.jpg').unlink()
    assert tool('RSTPReid', rstp, '--no-images', '--json', rstp / 'out' / 'report.json') == 1
    report = json.loads((rstp / 'out' / 'report.json').read_text())
    (finding,) = [finding for finding in report['findings'] if finding['severity'] == 'error']
    assert (finding['code'], finding['count'], finding['examples']) == ('missing-images', 1, ['0000_c1_0002.jpg'])
    assert report['ok'] is False and report['fixed'] is None and report['images_opened'] == 0
    assert report['counts']['train'] == report['official']['train'] == {'ids': 1, 'images': 5, 'captions': 10}
    assert 'error: missing-images: 1 image is' in capfd.readouterr().out


def test_json_alone_on_the_output(tool, rstp, capfd):
    assert tool('RSTPReid', rstp, '--json', '-') == 0
    captured = capfd.readouterr()
    assert json.loads(captured.out)['dataset'] == 'RSTPReid'
    assert 'fine: 0 errors' in captured.err


def test_fix(tool, rstp, capfd):
    change(rstp, id='0')
    assert tool('RSTPReid', rstp, '--fix') == 1, 'the original is what it was'
    assert 'data_captions.fixed.json mends id-type' in capfd.readouterr().out
    assert tool('RSTPReid', rstp, '--ann-file', 'data_captions.fixed.json', '--fix') == 0
    assert 'nothing here can be mended safely' in capfd.readouterr().out
    (rstp / 'data_captions.fixed.json').write_text('mine')
    assert tool('RSTPReid', rstp, '--fix') == 2
    assert 'holds something else' in capfd.readouterr().err


def test_halves_of_letters_do_not_break_the_report(tool, rstp, capfd):
    change(rstp, captions=['a man \ud83d', 'b'])
    records = json.loads((rstp / 'data_captions.json').read_text())
    records[4]['img_path'] = 'a\ud800.jpg'
    (rstp / 'data_captions.json').write_text(json.dumps(records))
    assert tool('RSTPReid', rstp, '--json', rstp / 'r.json') == 1
    assert 'record 4' in capfd.readouterr().out
    findings = json.loads((rstp / 'r.json').read_text())['findings']
    assert any('record 4' in json.dumps(finding) for finding in findings)


@pytest.mark.parametrize('call', [(), ('RSTPReid',), ('RSTPReid', '.', '--workers', 'x')])
def test_wrong_calls(tool, call):
    with pytest.raises(SystemExit) as caught:
        tool(*call)
    assert caught.value.code == 2


def test_unknown_names_and_no_workers(tool, rstp, capfd):
    assert tool('CUHK-SYSU', rstp) == 2
    assert 'name must be one of CUHK-PEDES' in capfd.readouterr().err
    assert tool('RSTPReid', rstp, '--workers', 0) == 2


def test_the_list_names_everything(tool, capfd):
    assert tool('--list') == 0
    out = capfd.readouterr().out
    assert all(f' {code} ' in out for code in KINDS)
