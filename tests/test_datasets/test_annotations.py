import json

import pytest

from mmt2ireid.datasets import AnnotationError
from mmt2ireid.datasets.annotations import RecordFormat, check_folders, read_records
from mmt2ireid.datasets.joined_records import join_records

FORM = RecordFormat('CUHK-PEDES', hints={'split': 'use reid_raw.json'})
GOOD = {'file_path': 'a/1.jpg', 'captions': ['a man'], 'id': 1, 'split': 'train'}


def read(tmp_path, content, form=FORM):
    path = tmp_path / 'ann.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_records(str(path), form)


def test_records_are_read_in_order(tmp_path):
    records = read(
        tmp_path, [GOOD, {**GOOD, 'file_path': 'b.png', 'id': 0, 'captions': ['x', 'y', 'z'], 'split': 'val'}]
    )
    assert [tuple(record) for record in records] == [
        ('a/1.jpg', ['a man'], 1, 'train'),
        ('b.png', ['x', 'y', 'z'], 0, 'val'),
    ]


def test_unlabelled_format_needs_neither_id_nor_split(tmp_path):
    form = RecordFormat('LUPerson-T', labelled=False)
    assert tuple(read(tmp_path, [{'file_path': 'a', 'captions': ['b']}], form)[0]) == ('a', ['b'], -1, '')


def test_bare_caption_is_one_caption(tmp_path):
    assert read(tmp_path, [{**GOOD, 'captions': 'a man in red'}])[0].captions == ['a man in red']


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'captions': []}, r"record 1 \(a/1.jpg\), field 'captions': expected a list of captions, but got \[\]"),
        ({'captions': None}, "field 'captions': expected a list"),
        ({'captions': ['a', '  ']}, "expected text as caption 1, but got '  '"),
        ({'captions': ['a', 7]}, 'expected text as caption 1, but got 7'),
        ({'captions': ''}, 'expected text as caption 0'),
        ({'id': '3'}, r"field 'id': expected an integer .* but got '3'"),
        ({'id': True}, "field 'id': expected an integer"),
        ({'id': -1}, "field 'id': expected an integer of at least 0"),
        ({'id': 2**63}, "field 'id': expected an integer of at least 0 .and 63 bits., but got 9223372036854775808"),
        ({'captions': ['a', 'b \ud800']}, r"expected Unicode text as caption 1, but got 'b .ud800'"),
        ({'split': 'restval'}, "field 'split': expected one of .* but got 'restval'"),
        ({'file_path': ''}, "record 1, field 'file_path': expected the path"),
    ],
)
def test_bad_field_is_named(tmp_path, change, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        read(tmp_path, [GOOD, {**GOOD, **change}])
    assert str(tmp_path / 'ann.json') in str(caught.value) and 'record 1' in str(caught.value)


def test_missing_field_is_named_with_a_hint(tmp_path):
    with pytest.raises(AnnotationError, match=r"record 0: expected the field 'split'.*use reid_raw.json"):
        read(tmp_path, [{name: value for name, value in GOOD.items() if name != 'split'}])


def test_foreign_path_key_is_recognised(tmp_path):
    with pytest.raises(AnnotationError, match=r"expected the field 'file_path'.*'img_path', as in RSTPReid"):
        read(tmp_path, [{'img_path': 'x', 'captions': ['a'], 'id': 0, 'split': 'train'}])


@pytest.mark.parametrize(
    ('content', 'kind'), [({'a': 1}, 'JSON dict'), ('{', 'no JSON'), ([], 'empty list'), ('[' * 100_000, 'no JSON')]
)
def test_wrong_kind_of_file_is_named(tmp_path, content, kind):
    with pytest.raises(AnnotationError, match=kind) as caught:
        read(tmp_path, content)
    assert 'ann.json' in str(caught.value) and 'CUHK-PEDES' in str(caught.value)


def test_byte_order_mark_is_read_and_other_encodings_are_named(tmp_path):
    text = json.dumps([{**GOOD, 'captions': ['une dame âgée']}], ensure_ascii=False)
    path = tmp_path / 'ann.json'
    path.write_text(text, encoding='utf-8-sig')
    assert read_records(str(path), FORM)[0].captions == ['une dame âgée']
    for encoding in ('latin-1', 'utf-16'):
        path.write_text(text, encoding=encoding)
        with pytest.raises(AnnotationError, match=r'ann\.json.*: must be text in UTF-8'):
            read_records(str(path), FORM)


def test_a_field_twice_is_refused_and_not_dropped(tmp_path):
    text = json.dumps([GOOD, GOOD]).replace('"id": 1', '"id": 1, "id": 2', 2)
    with pytest.raises(AnnotationError, match=r"ann\.json, record 0: the key 'id' must be in an object once"):
        read(tmp_path, text)


def test_record_that_is_no_object(tmp_path):
    with pytest.raises(AnnotationError, match='record 1: expected an object'):
        read(tmp_path, [GOOD, ['a']])


def test_duplicate_images_are_reported(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmt2ireid.datasets.joined_records.print_log', lambda message, **_: said.append(message))
    records = read(tmp_path, [GOOD, {**GOOD, 'file_path': 'other'}, {**GOOD, 'file_path': 'a/.//1.jpg'}])
    assert [record.path for record in records] == ['a/1.jpg', 'other', 'a/1.jpg']
    joined, numbers = join_records('a.json', records)
    assert [record.path for record in joined] == ['a/1.jpg', 'other'] and numbers == [0, 1]
    assert len(said) == 1 and '1 record names an image' in said[0] and 'a/1.jpg' in said[0]


def test_missing_folders_are_named(tmp_path):
    (tmp_path / 'cam_a').mkdir()
    check_folders(str(tmp_path), ['cam_a/1.jpg'], 'CUHK-PEDES')
    with pytest.raises(
        FileNotFoundError, match=r'lacks 2 of the 3 folders .*: Market \(2 images\), CUHK01 \(1 images\)'
    ):
        check_folders(str(tmp_path), ['cam_a/1', 'Market/1', 'Market/2', 'CUHK01/1'], 'CUHK-PEDES')
    with pytest.raises(FileNotFoundError, match=r'no image folder .*nowhere'):
        check_folders(str(tmp_path / 'nowhere'), ['a/1.jpg'], 'CUHK-PEDES')
    with pytest.raises(FileNotFoundError, match=r'none of the first images of RSTPReid, such as 1.jpg'):
        check_folders(str(tmp_path), ['1.jpg'], 'RSTPReid')
