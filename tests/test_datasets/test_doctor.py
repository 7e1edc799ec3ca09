"""A copy of each release, broken in every way that is known from the wild: every break is named."""

import dataclasses
import shutil

import numpy as np
import pytest
from doctor_data import MAKERS, caption, rewrite, write_picture, write_rows

from mmt2ireid.datasets.doctor import KINDS, RELEASES, Counts, check_dataset

pytest.importorskip('pyarrow')
SOUND = {  # the notes that the official files earn
    'cuhk': {'captions-per-image'},
    'icfg': {'no-val', 'msmt17-overlap'},
    'rstp': {'msmt17-overlap'},
    'lupt': set(),
    'json': set(),
    'ufine': set(),
    'synth': {'captions-per-image'},
    'mals': set(),
    'mllm': {'captions-per-image', 'loader-says'},
    'iiitd': {'single-images'},
    'own': set(),
}
NUM_IMAGES = dict(cuhk=70, icfg=34, rstp=50, lupt=12, json=3, ufine=20, synth=8, mals=6, mllm=4, iiitd=3, own=16)


def keep_the_first_caption(record):
    record['processed_tokens'] = [text.split() for text in record['captions']]
    record['captions'] = record['captions'][0]


def one_record_per_caption(records):
    return [{**record, 'captions': [text]} for record in records for text in record['captions']]


def each(change, only=lambda record: True):
    """A break of the annotation: ``change(record)`` for the records that are chosen."""

    def broken(copy):
        rewrite(copy, lambda records: [change(record) for record in records if only(record)] and None)

    return broken


def annotation(change):
    return lambda copy: rewrite(copy, change)


def set_field(number, **fields):
    return annotation(lambda records: records[number].update(fields))


def rename_key(old, new):
    return each(lambda record: record.update({new: record.pop(old)}))


def shift_ids(by):
    return each(lambda record: record.update(id=record['id'] + by))


def move(old, new):
    return lambda copy: (copy.root / old).rename(copy.root / new)


def remove(name):
    def broken(copy):
        path = copy.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return broken


def write(name, content):
    return lambda copy: (copy.root / name).write_bytes(content)


def cut(name, keep):
    return lambda copy: (copy.root / name).write_bytes((copy.root / name).read_bytes()[:keep])


def first_split(copy):
    """All but one identity go from val and test to train, as in the split that was replaced."""
    each(lambda r: r.update(split='train'), lambda r: r['id'] in (7, 9))(copy)
    withdrawn = {'train': (8, 40), 'val': (1, 5), 'test': (1, 5)}
    RELEASES['RSTPReid'] = dataclasses.replace(RELEASES['RSTPReid'], withdrawn=withdrawn)


def all_of_icfg(copy):
    """The file has the counts of another release."""
    counts = {'train': Counts(21, 42, 84), 'val': Counts(7, 14, 28), 'test': Counts(7, 14, 36)}
    RELEASES['ICFG-PEDES'] = dataclasses.replace(RELEASES['ICFG-PEDES'], counts=counts)
    RELEASES['CUHK-PEDES'] = dataclasses.replace(RELEASES['CUHK-PEDES'], counts={'train': Counts(1, 1, 1)})


def from_folder(record):
    record['split'] = record['file_path'].split('/')[0]


def bad_offset(copy):
    """A caption that ends beyond the file: reading it would end Python."""
    content = copy.ann_file.read_bytes()
    length = len(caption(0))
    offsets = np.arange(4, dtype=np.int32) * length
    assert content.count(offsets.tobytes()) == 1
    copy.ann_file.write_bytes(
        content.replace(offsets.tobytes(), np.array([0, length, 2**30, 2**30 + 5], np.int32).tobytes())
    )


def resize(copy):
    write_picture(copy.root / 'imgs' / copy.records[4]['file_path'], 384, 500)


def noise_of_other_pairs(copy):
    np.save(copy.root / 'CUHK-PEDES_0.2.npy', np.arange(80))


BREAKS = [
    ('cuhk', 'no-root', lambda copy: shutil.rmtree(copy.root), 'no folder'),
    ('cuhk', 'no-annotation', remove('reid_raw.json'), 'no annotation file'),
    ('icfg', 'no-annotation', move('ICFG-PEDES.json', 'icfg.json'), "['icfg.json']"),
    ('lupt', 'no-annotation', lambda copy: [file.unlink() for file in copy.root.iterdir()], 'LUPerson_train.arrow'),
    ('cuhk', 'broken-annotation', cut('reid_raw.json', 5000), 'no JSON'),
    ('cuhk', 'broken-annotation', write('reid_raw.json', b'{"a": 1}'), 'a JSON dict'),
    ('rstp', 'broken-annotation', write('data_captions.json', b'[]'), 'an empty list'),
    ('rstp', 'encoding', write('data_captions.json', '["é"]'.encode('latin-1')), 'line 1: must be text in UTF-8'),
    ('cuhk', 'encoding', write('reid_raw.json', '[]'.encode('utf-16')), 'is UTF-16'),
    ('mllm', 'encoding', write('Td-qwen.json', '{"x.jpg": "é"}'.encode('gbk')), 'Save it as UTF-8'),
    ('cuhk', 'broken-annotation', write('reid_raw.json', b'[{"id": 1, "id": 2}]'), "record 0: the key 'id'"),
    ('cuhk', 'outside-paths', set_field(3, file_path='../../secret.png'), '1 path is absolute or out'),
    ('icfg', 'outside-paths', set_field(3, file_path='/etc/hostname'), '1 path '),
    ('cuhk', 'duplicate-images', set_field(1, file_path='CUHK01/./0000.jpg'), '1 image '),
    ('lupt', 'broken-annotation', cut('LUPerson_val.arrow', 700), 'LUPerson_val.arrow'),
    ('lupt', 'broken-annotation', lambda c: write_rows(c.ann_file, 0, captions=False), "column 'caption'"),
    ('lupt', 'broken-annotation', bad_offset, 'damaged'),
    ('cuhk', 'caption-all', move('reid_raw.json', 'caption_all.json'), 'has caption_all.json, but no reid_raw.json'),
    ('cuhk', 'caption-all', each(lambda r: r.pop('split')), "no record of reid_raw.json has the field 'split'"),
    ('rstp', 'no-split', each(lambda r: r.pop('split')), 'data_captions.json'),
    ('cuhk', 'other-dataset', all_of_icfg, 'the counts of ICFG-PEDES, not of CUHK-PEDES'),
    ('rstp', 'path-key', rename_key('img_path', 'file_path'), '50 of 50 records'),
    ('cuhk', 'path-key', rename_key('file_path', 'img_path'), '70 of 70 records'),
    ('icfg', 'id-type', each(lambda r: r.update(id=str(r['id']))), '34 of 34 records'),
    ('cuhk', 'id-type', set_field(3, id=2.0), '1 of 70 records'),
    ('cuhk', 'path-separator', each(lambda r: r.update(file_path=r['file_path'].replace('/', '\\'))), '70 of 70'),
    ('cuhk', 'path-prefix', each(lambda r: r.update(file_path=f'imgs/{r["file_path"]}')), '70 paths'),
    ('icfg', 'path-prefix', each(lambda r: r.update(file_path=f'/d/ICFG-PEDES/imgs/{r["file_path"]}')), '34 paths'),
    ('cuhk', 'path-case', move('imgs/cam_a/0006.jpg', 'imgs/cam_a/0006.JPG'), '1 path '),
    ('cuhk', 'path-case', move('imgs/Market', 'imgs/market'), '10 paths'),
    ('cuhk', 'bad-record', set_field(3, captions=[]), "a field 'captions'"),
    ('cuhk', 'bad-record', set_field(3, captions=['a', '']), "a field 'captions'"),
    ('json', 'bad-record', set_field(1, captions=None), "a field 'captions'"),
    ('icfg', 'bad-record', set_field(3, id=-1), "a field 'id'"),
    ('icfg', 'bad-record', set_field(3, id=None), "a field 'id'"),
    ('rstp', 'bad-record', set_field(3, split='restval'), "a field 'split'"),
    ('rstp', 'bad-record', annotation(lambda records: records[3].pop('split') and None), "a field 'split'"),
    ('rstp', 'bad-record', annotation(lambda records: records[3].pop('img_path') and None), "a field 'img_path'"),
    ('rstp', 'bad-record', annotation(lambda records: records.append('x')), 'are no objects'),
    ('rstp', 'withdrawn-split', first_split, 'test 1, train 8, val 1'),
    ('icfg', 'folders-as-splits', each(from_folder), 'those of MSMT17'),
    ('icfg', 'unofficial-split', each(lambda r: r.update(split='val'), lambda r: r['id'] > 9), "'val'"),
    ('cuhk', 'counts', annotation(lambda records: records[:-1]), '13 images (official: 14, 1 fewer)'),
    ('cuhk', 'counts', each(lambda r: r.update(split='test'), lambda r: r['split'] == 'val'), 'val has 0 identities'),
    ('rstp', 'counts', set_field(0, captions=[caption(0)]), '59 captions (official: 60, 1 fewer)'),
    ('cuhk', 'mixed-splits', set_field(0, split='test'), '1 identity '),
    ('cuhk', 'no-image-folder', remove('imgs'), 'no image folder'),
    ('cuhk', 'missing-folders', remove('imgs/Market'), '1 of the 7 image folders is not there: Market (10 images)'),
    ('icfg', 'missing-folders', remove('imgs/train'), 'train'),
    ('cuhk', 'missing-images', remove('imgs/CUHK01/0001.png'), '1 image is not there'),
    ('rstp', 'missing-images', remove('imgs/0000_c0_0000.jpg'), '1 image is not there'),
    ('cuhk', 'other-extension', move('imgs/CUHK01/0001.png', 'imgs/CUHK01/0001.jpg'), '1 image '),
    ('cuhk', 'unreadable-images', write('imgs/CUHK01/0001.png', b''), '1 of 70 images'),
    ('cuhk', 'unreadable-images', cut('imgs/CUHK01/0001.png', 900), '1 of 70 images'),
    ('rstp', 'unreadable-images', write('imgs/0000_c0_0000.jpg', b'no picture'), '1 of 50 images'),
    ('lupt', 'unreadable-images', lambda copy: write_rows(copy.ann_file, 0, image='broken'), '1 of 12 images'),
    ('lupt', 'no-picture', lambda copy: write_rows(copy.ann_file, 0, image=False), '1 of 12 rows'),
    ('cuhk', 'bare-caption', set_field(3, captions=caption(3)), '1 of 70 records'),
    ('icfg', 'bare-caption', each(lambda r: r.update(captions=r['captions'][0])), '34 of 34 records'),
    ('cuhk', 'captions-cut', each(lambda r: r.update(captions=r['captions'][:2])), '0 images have more than two'),
    ('cuhk', 'id-base', shift_ids(-1), 'begin at 0, those of CUHK-PEDES at 1'),
    ('icfg', 'id-base', shift_ids(1), 'begin at 1, those of ICFG-PEDES at 0'),
    ('rstp', 'id-base', shift_ids(1), 'begin at 1, those of RSTPReid at 0'),
    ('cuhk', 'id-gaps', each(lambda r: r.update(id=r['id'] + 50), lambda r: r['id'] > 5), '50 numbers'),
    ('rstp', 'id-in-name', set_field(0, id=1), '4 images'),
    ('rstp', 'images-per-id', set_field(0, id=1), '2 identities'),
    ('cuhk', 'one-identity', annotation(lambda records: records[:-12]), 'test has one identity only'),
    ('cuhk', 'duplicate-images', set_field(1, file_path='CUHK01/0000.jpg'), '1 image '),
    ('cuhk', 'image-size', resize, '1 image is not 13 to 374 pixels wide and 34 to 800 high'),
    ('lupt', 'rough-count', remove('LUPerson_test.arrow'), '9 images; LUPerson-T has about 12'),
    ('json', 'rough-count', annotation(lambda records: records[:-1]), '2 images'),
    ('lupt', 'missing-parts', remove('LUPerson_restval.arrow'), 'LUPerson_restval.arrow'),
    ('cuhk', 'noise-file', noise_of_other_pairs, 'the 84 training pairs'),
    (
        'cuhk',
        'noise-file',
        lambda copy: np.save(copy.root / 'CUHK-PEDES_0.5.npy', np.zeros(84, int)),
        'a pair is missing',
    ),
    ('cuhk', 'noise-file', write('CUHK-PEDES_0.8.npy', b'x'), 'it is no array'),
    ('icfg', 'spelling', move('ICFG-PEDES.json', 'ICFG_PEDES.json'), 'ICFG_PEDES.json'),
    ('icfg', 'no-val', lambda copy: None, 'no validation split'),
    ('icfg', 'msmt17-overlap', lambda copy: None, 'RSTPReid'),
    ('rstp', 'msmt17-overlap', lambda copy: None, 'ICFG-PEDES'),
    ('cuhk', 'captions-per-image', lambda copy: None, '69 have 2, 1 have 10'),
    ('rstp', 'captions-per-image', set_field(0, captions=[caption(0)]), '1 have 1, 49 have 2'),
    ('ufine', 'counts', annotation(lambda records: records[:-1]), '19 images (official: 20, 1 fewer)'),
    ('ufine', 'missing-images', remove('images/1_0.jpg'), '1 image '),
    ('synth', 'rough-count', annotation(lambda records: records[:-4]), '4 images; SYNTH-PEDES has about 8'),
    ('synth', 'spelling', move('synthpedes_dataset.json', 'synthpedes-dataset.json'), 'synthpedes-dataset.json'),
    ('synth', 'missing-folders', remove('Part2'), 'Part2 (4 images)'),
    ('mals', 'counts', remove('gene_attrs/g_2_attrs.json'), '3 images (official: 6, 3 fewer)'),
    ('mals', 'bad-record', set_field(1, caption=None), "a field 'caption'"),
    ('mals', 'broken-annotation', cut('gene_attrs/g_2_attrs.json', 40), 'g_2_attrs.json'),
    ('mals', 'missing-images', remove('gene_crop/1/0.jpg'), '1 image '),
    ('mllm', 'rough-count', remove('LUPerson-MLLM/0.jpg'), '3 images; LUPerson-MLLM has about 4'),
    ('mllm', 'loader-says', remove('LUPerson-MLLM/0.jpg'), 'left out: 1 names without a picture'),
    ('iiitd', 'loader-says', remove('IIITD-20K/p1.jpeg'), '1 of 3 records have no picture'),
    ('mllm', 'no-annotation', remove('Td-qwen.json'), 'Td-qwen.json'),
    ('mllm', 'no-image-folder', remove('LUPerson-MLLM'), 'no picture that the captions name'),
    ('mllm', 'broken-annotation', write('Td-qwen.json', b'[1]'), 'a JSON list'),
    ('iiitd', 'counts', annotation(lambda records: records.pop('2') and None), '2 identities (official: 3, 1 fewer)'),
    ('iiitd', 'missing-images', remove('IIITD-20K/p1.jpeg'), '1 image '),
    ('iiitd', 'unreadable-images', cut('IIITD-20K/p1.jpeg', 200), '1 of 3'),
    ('iiitd', 'broken-annotation', annotation(lambda records: records['1'].pop('Description 2') and None), 'Desc'),
    ('cuhk', 'captions-in-tokens', each(keep_the_first_caption), '70 images lack 78 captions'),
    ('own', 'captions-in-tokens', set_field(3, processed_tokens=[['a']] * 3), '1 image lacks 1 caption'),
    ('cuhk', 'record-per-caption', annotation(one_record_per_caption), '70 images have a record per caption, 148 rec'),
    ('own', 'empty-split', annotation(lambda records: records[:-8]), 'no record is of val or test'),
    ('own', 'uncaptioned', each(lambda r: r.pop('captions'), lambda r: r['id'] == 71), '2 images of val and test'),
    ('own', 'junk-ids', set_field(-1, id=-1, captions=[]), '1 images have negative identities (-1)'),
    ('own', 'no-split', each(lambda r: r.pop('split')), 'no record of reid_raw.json has'),
    ('own', 'bad-record', set_field(3, captions=[]), "a field 'captions'"),
    ('own', 'mixed-splits', set_field(0, split='test'), '1 identity '),
    ('own', 'encoding', write('reid_raw.json', '["é"]'.encode('gbk')), 'line 1'),
    ('own', 'no-annotation', remove('reid_raw.json'), 'no annotation file'),
    ('own', 'one-identity', annotation(lambda records: records[:-2]), 'test has one identity'),
    ('cuhk', 'single-images', annotation(lambda records: records[1:]), '1 identity '),
    ('cuhk', 'shared-captions', set_field(0, captions=[caption(7), caption(0)]), '1 caption '),
    ('cuhk', 'caption-length', set_field(0, captions=['a man', caption(0)]), '1 caption '),
    ('rstp', 'cjk-marks', set_field(0, captions=[caption(0), f'{caption(1)}\uff0c\u5979']), '1 caption '),
    ('rstp', 'code-fragments', set_field(0, captions=[caption(0), f'{caption(1)}<br/>']), '1 caption '),
    ('rstp', 'repeated-text', set_field(0, captions=[caption(0), f'{caption(1)}. {caption(1)}.']), '1 caption '),
]


def check(copy, **options):
    report = check_dataset(copy.name, str(copy.root), workers=2, **options)
    return report, {finding.code for finding in report.findings}


@pytest.fixture
def make(tmp_path, monkeypatch):
    for name, release in RELEASES.items():
        monkeypatch.setitem(RELEASES, name, release)  # restored, whatever a break does to it
    return lambda name: MAKERS[name](tmp_path, monkeypatch)


@pytest.mark.parametrize('name', SOUND)
def test_the_official_format_is_fine(make, name, capfd):
    copy = make(name)
    report, found = check(copy)
    assert found == SOUND[name]
    assert report.ok and report.num_opened == NUM_IMAGES[name]
    assert not capfd.readouterr().out, "the loaders' own messages are among the findings"


@pytest.mark.parametrize(
    ('name', 'code', 'broken', 'said'), BREAKS, ids=[f'{name}-{code}' for name, code, _, _ in BREAKS]
)
def test_every_break_is_named(make, name, code, broken, said):
    copy = make(name)
    broken(copy)
    report, found = check(copy)
    assert code in found, f'{code} was not found, but {found}'
    finding = next(finding for finding in report.findings if finding.code == code and said in finding.message)
    assert report.ok == all(KINDS[other][0] != 'error' for other in found)
    assert all(other.advice and other.message for other in report.findings)
    text = report.to_text()
    assert f'{KINDS[code][0]}: {code}: {finding.message}' in text and finding.advice in text


def test_every_finding_has_a_break():
    assert {code for _, code, _, _ in BREAKS} == set(KINDS) - {'loader'}


def test_without_splits_identities_and_images_are_counted(make):
    copy = make('cuhk')
    rewrite(copy, one_record_per_caption)
    each(lambda record: record.pop('split'))(copy)
    report, found = check(copy, open_images=False)
    assert report.counts == {'': Counts(35, 70, 148)}
    assert {'caption-all', 'record-per-caption'} <= found and 'bad-record' not in found


def test_distractors_and_junk_may_be_in_every_gallery(make):
    copy = make('own')
    for number, pid in enumerate((0, 0, -1, -1)):
        new = dict(id=pid, split=('val', 'test')[number % 2], captions=[])
        rewrite(copy, lambda records, n=number, new=new: records.append({**records[n], **new}))
    report, found = check(copy, open_images=False)
    assert report.ok and {'uncaptioned', 'junk-ids'} <= found and 'mixed-splits' not in found


def test_advice_on_data_of_ones_own_names_no_authors(make):
    for _, _, broken, _ in [entry for entry in BREAKS if entry[0] == 'own']:
        copy = make('own')
        broken(copy)
        report, _ = check(copy, open_images=False)
        advice = [finding.advice for finding in report.findings]
        assert not [text for text in advice if 'authors' in text or 'ownload' in text]
        assert 'CUHK' not in report.to_text()


def test_what_passes_has_to_load(make, monkeypatch):
    copy = make('cuhk')
    monkeypatch.setattr('mmt2ireid.datasets.CUHKPEDES.full_init', lambda self: (_ for _ in ()).throw(ValueError('no')))
    report, found = check(copy)
    assert not report.ok and found == {*SOUND['cuhk'], 'loader'}
    assert [finding.message for finding in report.findings[-3:]] == ['train: no', 'val: no', 'test: no']


@pytest.mark.parametrize(('name', 'code'), [('cuhk', 'missing-folders'), ('rstp', 'missing-images')])
def test_images_one_folder_further_down(make, name, code):
    """An archive of ``imgs`` was unpacked into ``imgs``."""
    copy = make(name)
    (copy.root / 'imgs').rename(copy.root / 'moved')
    (copy.root / 'imgs').mkdir()
    (copy.root / 'moved').rename(copy.root / 'imgs' / 'imgs')
    report, _ = check(copy)
    (finding,) = (finding for finding in report.findings if finding.code == code)
    assert '--images imgs/imgs' in finding.advice and "data_prefix=dict(img_path='imgs/imgs')" in finding.advice
    _, found = check(copy, images='imgs/imgs')
    assert found == SOUND[name]
