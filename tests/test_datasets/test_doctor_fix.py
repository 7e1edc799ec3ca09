"""What the doctor mends, official sizes, and the table of releases."""

import dataclasses
import json
import random
from pathlib import Path

import pytest
from doctor_data import MAKERS, caption, rewrite

from mmt2ireid.datasets import CUHKPEDES, RSTPReid
from mmt2ireid.datasets.annotations import read_records
from mmt2ireid.datasets.doctor import RELEASES, check_dataset, find_release
from mmt2ireid.datasets.doctor.annotation import parse_annotation
from mmt2ireid.datasets.doctor.caption_checks import check_captions
from mmt2ireid.datasets.doctor.split_checks import check_splits


@pytest.fixture
def cuhk(tmp_path, monkeypatch):
    return MAKERS['cuhk'](tmp_path, monkeypatch)


def wreck(records):
    """Everything at once that can be mended."""
    for number, record in enumerate(records):
        record['file_path'] = f'imgs/{record["file_path"]}'.replace('/', '\\')
        record['id'] = str(record['id'])
        record['note'] = 'kept'
        if number % 3 == 0:
            record['img_path'] = record.pop('file_path').upper()
        if number == 5:
            record['captions'] = record['captions'][0]


def test_fixed_is_the_original(cuhk):
    sound = read_records(str(cuhk.ann_file), CUHKPEDES.FORMAT)
    rewrite(cuhk, wreck)
    broken = cuhk.ann_file.read_bytes()
    report = check_dataset('CUHK-PEDES', str(cuhk.root))
    codes = {finding.code for finding in report.findings if finding.fixable}
    assert codes == {'path-key', 'path-separator', 'path-case', 'path-prefix', 'id-type', 'bare-caption'}
    fixed = report.write_fixed()
    assert fixed == str(cuhk.root / 'reid_raw.fixed.json')
    assert cuhk.ann_file.read_bytes() == broken, 'the original is left alone'
    again = read_records(fixed, CUHKPEDES.FORMAT)
    expected = list(sound)
    expected[5] = sound[5]._replace(captions=sound[5].captions[:1])
    assert again == expected
    assert all(record['note'] == 'kept' and 'img_path' not in record for record in json.loads(Path(fixed).read_text()))
    second = check_dataset('CUHK-PEDES', str(cuhk.root), ann_file='reid_raw.fixed.json')
    assert {finding.code for finding in second.findings} == {'counts', 'captions-per-image'}, 'a caption was lost'


def test_nothing_is_written_where_nothing_can_be_mended(cuhk):
    rewrite(cuhk, lambda records: records[0].update(captions=[]))
    before = sorted(path.name for path in cuhk.root.iterdir())
    assert check_dataset('CUHK-PEDES', str(cuhk.root)).write_fixed() is None
    assert sorted(path.name for path in cuhk.root.iterdir()) == before


def test_what_stands_there_is_not_overwritten(cuhk):
    rewrite(cuhk, wreck)
    report = check_dataset('CUHK-PEDES', str(cuhk.root), open_images=False)
    (cuhk.root / 'reid_raw.fixed.json').write_text('mine')
    with pytest.raises(FileExistsError, match='holds something else'):
        report.write_fixed()
    (cuhk.root / 'reid_raw.fixed.json').unlink()
    assert report.write_fixed() == report.write_fixed(), 'its own is no obstacle'


def test_a_kill_while_writing_leaves_nothing(cuhk, monkeypatch):
    rewrite(cuhk, wreck)
    report = check_dataset('CUHK-PEDES', str(cuhk.root), open_images=False)
    before = sorted(path.name for path in cuhk.root.iterdir())
    monkeypatch.setattr('os.replace', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        report.write_fixed()
    assert sorted(path.name for path in cuhk.root.iterdir()) == before


@pytest.mark.parametrize('captions', ['', ' ', None, 3, {}])
def test_what_is_no_caption_is_not_mended(captions):
    raw = {'file_path': 'a/1.jpg', 'captions': captions, 'id': 1, 'split': 'train'}
    annotation = parse_annotation('x.json', [raw], find_release('CUHK-PEDES'))
    assert not annotation.repaired and annotation.content == [raw] and 'captions' in annotation.refused


@pytest.mark.parametrize('pid', ['', 'p3', '-1', '3.5', 3.5, float('inf'), True, '\u0663'])
def test_what_is_no_identity_is_not_mended(pid):
    raw = {'file_path': 'a/1.jpg', 'captions': ['a'], 'id': pid, 'split': 'train'}
    annotation = parse_annotation('x.json', [raw], find_release('CUHK-PEDES'))
    assert not annotation.repaired and 'id' in annotation.refused


def test_an_unclear_path_is_not_mended():
    raw = {'image': 'a/1.jpg', 'img_path': 'b/2.jpg', 'captions': ['a'], 'id': 3, 'split': 'train'}
    annotation = parse_annotation('x.json', [raw], find_release('CUHK-PEDES'))
    assert not annotation.repaired and 'file_path' in annotation.refused


def full_size(name, counts, path_key='file_path', first=0, per_id=None):
    """Records as many as the release has, identities numbered through."""
    records, pid = [], first
    for split, (ids, images, captions) in counts.items():
        for number in range(images):
            own = pid + (number % ids if per_id is None else number // per_id)
            path = f'{own:05}_c1_{number}.jpg' if path_key == 'img_path' else f'cam_a/{split}{number}.jpg'
            size = captions // images + (number < captions % images)
            texts = [caption(f'{split}{number}', part) for part in range(size)]
            records.append({'split': split, path_key: path, 'id': own, 'captions': texts})
        pid += ids
    return parse_annotation(f'{name}.json', records, RELEASES[name])


def codes(annotation):
    return {finding.code for finding in check_splits(annotation) + check_captions(annotation)}


CUHK = {'train': (11003, 34054, 68126), 'val': (1000, 3078, 6158), 'test': (1000, 3074, 6156)}
ICFG = {'train': (3102, 34674, 34674), 'test': (1000, 19848, 19848)}
RSTP = {'train': (3701, 18505, 37010), 'val': (200, 1000, 2000), 'test': (200, 1000, 2000)}
OLD = {'train': (3901, 19505, 39010), 'val': (100, 500, 1000), 'test': (100, 500, 1000)}


def test_official_counts_are_fine_and_the_old_split_is_not():
    assert codes(full_size('CUHK-PEDES', CUHK, first=1)) == {'captions-per-image'}
    assert codes(full_size('ICFG-PEDES', ICFG)) == {'no-val'}
    assert codes(full_size('RSTPReid', RSTP, 'img_path', per_id=5)) == set()
    assert codes(full_size('RSTPReid', OLD, 'img_path', per_id=5)) == {'withdrawn-split'}
    assert 'other-dataset' in codes(full_size('CUHK-PEDES', ICFG))


def test_the_loader_and_the_doctor_know_the_same_old_split():
    assert RELEASES['RSTPReid'].withdrawn == {split: size[:2] for split, size in OLD.items()}
    assert RELEASES['RSTPReid'].loader is RSTPReid


@pytest.mark.parametrize('name', ['CUHK-PEDES', 'cuhk_pedes', 'CUHKPEDES', 'cuhkpedes'])
def test_names_are_found_however_they_are_spelt(name):
    assert find_release(name).name == 'CUHK-PEDES'


def test_wrong_calls_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"name must be one of CUHK-PEDES, .* but got 'CUHK-SYSU'"):
        check_dataset('CUHK-SYSU', str(tmp_path))
    with pytest.raises(ValueError, match='workers must be at least 1, but got 0'):
        check_dataset('CUHK-PEDES', str(tmp_path), workers=0)


def test_a_release_can_join(cuhk, monkeypatch):
    """Another loader needs a line in the table, no more."""
    own = dataclasses.replace(RELEASES['CUHK-PEDES'], name='My set', counts={}, extra_captions=0)
    monkeypatch.setitem(RELEASES, 'My set', own)
    report = check_dataset('my set', str(cuhk.root))
    assert report.ok and report.num_opened == 70


def test_a_folder_too_high_or_too_low_is_told(cuhk):
    for root, there in ((cuhk.root.parent, cuhk.root), (cuhk.root / 'imgs', cuhk.root)):
        (finding,) = check_dataset('CUHK-PEDES', str(root)).findings
        assert finding.code == 'no-annotation' and f'give {there} as ROOT' in finding.advice


def test_images_in_the_root_are_told(cuhk):
    for folder in (cuhk.root / 'imgs').iterdir():
        folder.rename(cuhk.root / folder.name)
    (cuhk.root / 'imgs').rmdir()
    report = check_dataset('CUHK-PEDES', str(cuhk.root))
    (finding,) = [finding for finding in report.findings if finding.code == 'no-image-folder']
    assert "data_prefix=dict(img_path='')" in finding.advice
    assert check_dataset('CUHK-PEDES', str(cuhk.root), images='').ok


@pytest.mark.parametrize('workers', [1, 5])
def test_findings_do_not_depend_on_workers(cuhk, workers):
    names = sorted((cuhk.root / 'imgs').rglob('*.png'))[:7]
    for name in names:
        name.write_bytes(b'broken')
    report = check_dataset('CUHK-PEDES', str(cuhk.root), workers=workers)
    (finding,) = [finding for finding in report.findings if finding.code == 'unreadable-images']
    assert finding.count == 7 and report.num_opened == 70
    order = [record['file_path'] for record in cuhk.records]
    wanted = [path for path in order if cuhk.root / 'imgs' / path in names][:5]
    assert [example.split('imgs/')[1].split(': ')[0] for example in finding.examples] == wanted


def test_without_images_only_their_files_are_looked_for(cuhk):
    (cuhk.root / 'imgs' / 'CUHK01' / '0001.png').write_bytes(b'broken')
    (cuhk.root / 'imgs' / 'CUHK01' / '0000.jpg').unlink()
    report = check_dataset('CUHK-PEDES', str(cuhk.root), open_images=False)
    assert {finding.code for finding in report.findings} == {'missing-images', 'captions-per-image'}
    assert report.num_opened == 0


JUNK = (
    None,
    0,
    -1,
    3.5,
    True,
    '',
    ' ',
    'a\0b',
    '..',
    '/',
    '\\',
    '\ud800',
    [],
    {},
    [None],
    '9' * 400,
    float('nan'),
    10**30,
)


@pytest.mark.parametrize('name', [name for name in MAKERS if name != 'lupt'])
def test_whatever_stands_in_a_file_is_told_and_never_raised(tmp_path, monkeypatch, name):
    copy = MAKERS[name](tmp_path, monkeypatch)
    sound, rng = copy.ann_file.read_text(), random.Random(0)
    for _ in range(12):
        content = json.loads(sound)
        keys = list(content) if isinstance(content, dict) else range(len(content))
        for key in rng.sample(keys, 2):
            record = content[key]
            if isinstance(record, dict) and rng.random() < 0.8:
                record[rng.choice(list(record))] = rng.choice(JUNK)
            else:
                content[key] = rng.choice(JUNK)
        copy.ann_file.write_text(json.dumps(content))
        report = check_dataset(copy.name, str(copy.root), open_images=False)
        assert copy.name in report.to_text() and json.loads(json.dumps(report.to_dict()))['dataset'] == copy.name
        report.write_fixed()
        for path in copy.root.glob('*.fixed.json'):
            path.unlink()
