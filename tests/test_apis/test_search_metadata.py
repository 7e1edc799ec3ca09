"""Tables of metadata, and metadata out of paths."""

from __future__ import annotations

import json

import pytest

from mmt2ireid.apis.search.metadata import MetadataError, check_fields, fields_of_paths, read_metadata
from mmt2ireid.gallery import Where


def write(folder, text, name='metadata.csv', encoding='utf-8'):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_columns_have_the_narrowest_type_that_fits_all(tmp_path):
    path = write(
        tmp_path,
        '\ufeffpath,camera,floor,height,frame,big,inside,mixed,time\r\n'
        'a/1.png,c1,3,1.5,0012,12345678901234567890,true,1,2026-01-01T10:00\r\n'
        '"a/2, left.png","c,2",-4,2e1,0013,1,False,x,\r\n'
        '\r\n',
    )
    assert read_metadata(path) == {
        'a/1.png': dict(
            camera='c1', floor=3, height=1.5, frame='0012', big='12345678901234567890', inside=True, mixed='1',
            time='2026-01-01T10:00',
        ),
        'a/2, left.png': dict(camera='c,2', floor=-4, height=20.0, frame='0013', big='1', inside=False, mixed='x'),
    }  # fmt: skip


def test_json_lines(tmp_path):
    rows = [
        dict(path='a.png', camera='c1', floor=3, height=1.5, inside=True, nothing=None, box=[1, 2, 3, 4]),
        dict(path='./b\\c.png', note='zeile\u2028zwei'),
    ]
    path = write(tmp_path, '\n'.join(json.dumps(row, ensure_ascii=False) for row in rows) + '\n\n', 'x.jsonl')
    assert read_metadata(path) == {
        'a.png': dict(camera='c1', floor=3, height=1.5, inside=True, box='1,2,3,4'),
        'b/c.png': dict(note='zeile\u2028zwei'),
    }


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r"metadata\.csv, line 1: must have a column 'path', but has none"),
        ('name,camera\na,b\n', r"line 1: must have a column 'path', but has name, camera"),
        ('path,camera,camera\n', r"line 1: column 'camera' must be there once, but is 2 times"),
        ('path,_hidden\n', r"line 1: names of columns must begin with a letter .* but got '_hidden'"),
        ('path,\na,b\n', r"line 1: names of columns must .* but got ''"),
        ('path,camera\na.png,c1\nb.png\n', r'line 3: must have 2 cells, but has 1'),
        ('path,camera\na.png,c1,more\n', r'line 2: must have 2 cells, but has 3'),
        ('path,camera\na.png,c1\n,c2\n', r"line 3, column path: must be the path of a crop, but got ''"),
        ('path\n/etc/a.png\n', r"line 2, column path: must be relative to the folder and stay in it, but got '/etc"),
        ('path\na/../../b.png\n', r'line 2, column path: must be relative'),
        ('path\na.png\n\n./a.png\n', r'line 4, column path: a\.png was there before'),
        ('path,note\na.png,"open\n', r'line 2: cannot be read as CSV'),
    ],
)
def test_a_csv_that_is_wrong_is_named(text, message, tmp_path):
    with pytest.raises(MetadataError, match=message):
        read_metadata(write(tmp_path, text))


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"path": "b.png"', 'line 2: cannot be read as JSON'),
        ('["b.png"]', 'line 2: must be a JSON object, but is a list'),
        ('{"camera": "c1"}', 'line 2, column path: must be the path of a crop, but got None'),
        ('{"path": "b.png", "camera": {"id": 3}}', r'line 2, column camera: must be a text, .* but got .*id'),
        ('{"path": "b.png", "height": NaN}', r'line 2, column height: must be a text, a finite number'),
        ('{"path": "b.png", "_x": 1}', "line 2: names of columns must begin with a letter .* but got '_x'"),
        ('[' * 100_000, 'line 2: cannot be read as JSON'),
    ],
)
def test_json_lines_that_are_wrong_are_named(line, message, tmp_path):
    with pytest.raises(MetadataError, match=message):
        read_metadata(write(tmp_path, f'{{"path": "a.png"}}\n{line}\n', 'x.jsonl'))


def test_other_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.csv must be a \.csv or \.jsonl file, but there is none'):
        read_metadata(tmp_path / 'nothing.csv')
    with pytest.raises(MetadataError, match=r'must end in \.csv or \.jsonl'):
        read_metadata(write(tmp_path, 'path\n', 'x.txt'))
    with pytest.raises(MetadataError, match=r'line 3: must be text in UTF-8.*Save it as UTF-8'):
        read_metadata(write(tmp_path, 'path,camera\na.png,c1\nb.png,Tür\n', encoding='latin-1'))


def test_a_name_twice_in_a_line_of_json_is_refused(tmp_path):
    with pytest.raises(MetadataError, match=r"line 1: cannot be read as JSON \(the key 'camera' must be .* once"):
        read_metadata(write(tmp_path, '{"path": "a.png", "camera": "c1", "camera": "c2"}\n', 'metadata.jsonl'))


def test_fields_of_paths():
    paths = ['0001_c1s1_000151.jpg', '0002_c2s1_000776.jpg', 'readme.jpg', '-1_c3s3_12.jpg']
    pattern = r'(?P<person>-?\d+)_(?P<camera>c\d)s(?P<shot>\d)_(?P<frame>\d+)(?P<twin>_b)?'
    assert fields_of_paths(pattern, paths) == {
        paths[0]: dict(person='0001', camera='c1', shot=1, frame='000151'),
        paths[1]: dict(person='0002', camera='c2', shot=1, frame='000776'),
        paths[3]: dict(person='-1', camera='c3', shot=3, frame='12'),
    }
    assert fields_of_paths('(?P<camera>c)', []) == {}


@pytest.mark.parametrize(
    ('pattern', 'message'),
    [
        ('(?P<camera>c', 'must be a regular expression'),
        (r'c\d', 'must have named groups'),
        ('(?P<_camera>c)', 'names of columns must'),
        ('(?P<camera>nowhere)', r"must fit at least one path, but .* does not fit 'c1\.jpg'"),
    ],
)
def test_patterns_that_are_wrong_are_named(pattern, message):
    with pytest.raises(ValueError, match=message):
        fields_of_paths(pattern, ['c1.jpg'])


def test_fields_of_callers():
    assert check_fields(dict(camera='c1', floor=3), 'upload') == dict(camera='c1', floor=3)
    with pytest.raises(MetadataError, match='upload, camera: must be a text'):
        check_fields(dict(camera=['c1']), 'upload')
    with pytest.raises(MetadataError, match='upload: names of columns'):
        check_fields({3: 'c1'}, 'upload')


def test_cells_may_hold_what_other_programs_take_for_line_breaks(tmp_path):
    path = tmp_path / 'metadata.csv'
    path.write_text('path,note\na\u2028.png,x\x0cy\nb.png,p\x85q\n', encoding='utf-8')
    assert read_metadata(path) == {'a\u2028.png': {'note': 'x\x0cy'}, 'b.png': {'note': 'p\x85q'}}


ID, NEXT = 123456789012345678, 123456789012345679  # one and the same as float64


def test_ids_of_many_digits_stay_apart_wherever_they_stand(tmp_path):
    csv = read_metadata(write(tmp_path, f'path,person,frame\na.png,{ID},7\nb.png,{NEXT},8\nc.png,9,9\nd.png,,1\n'))
    rows = [dict(path=f'{name}.png', person=person) for name, person in zip('abcd', (ID, NEXT, 9, None), strict=True)]
    json_lines = read_metadata(write(tmp_path, '\n'.join(map(json.dumps, rows)), 'x.jsonl'))
    paths = [f'{ID}_7.png', f'{NEXT}_8.png', '9_9.png']
    named = fields_of_paths(r'(?P<person>\d+)_(?P<frame>\d)', paths)
    expected = [str(ID), str(NEXT), '9']
    for table in (csv, json_lines, named):
        assert [row['person'] for row in table.values() if 'person' in row] == expected
    assert [row['frame'] for row in csv.values()] == [7, 8, 9, 1] == [*(row['frame'] for row in named.values()), 1]
    where = Where.parse([f'person={ID}'])
    assert [path for path, row in csv.items() if where.holds(row)] == ['a.png']


@pytest.mark.parametrize(
    ('cell', 'expected'),
    [
        (str(2**53), 2**53),
        (str(-(2**53)), -(2**53)),
        (str(2**53 + 1), str(2**53 + 1)),
        (str(-(2**53) - 1), str(-(2**53) - 1)),
        ('1' * 5000, '1' * 5000),
        ('1234567890123456', 1234567890123456),
        (f'{2**53 + 1}.0', f'{2**53 + 1}.0'),
        (f'{2**53}.0', float(2**53)),
        ('12345678901234567.5', 12345678901234567.5),
        ('1e20', 1e20),
    ],
)
def test_whole_numbers_are_numbers_as_far_as_those_are_exact(tmp_path, cell, expected):
    value = read_metadata(write(tmp_path, f'path,n\na.png,{cell}\n'))['a.png']['n']
    assert value == expected and type(value) is type(expected)
    if isinstance(expected, int):
        line = f'{{"path": "a.png", "n": {cell}}}'
        assert read_metadata(write(tmp_path, line, 'x.jsonl'))['a.png']['n'] == expected


def test_values_beside_a_long_one_are_spelled_as_in_json(tmp_path):
    lines = [dict(path=f'{number}.png', n=value) for number, value in enumerate([ID, 1.5, True, 'x', 0])]
    table = read_metadata(write(tmp_path, '\n'.join(map(json.dumps, lines)), 'x.jsonl'))
    assert [row['n'] for row in table.values()] == [str(ID), '1.5', 'true', 'x', '0']


def test_lists_are_spelled_as_in_json(tmp_path):
    line = '{"path": "a.png", "flags": [true, 1.0, "x", 12345678901234567890, -3], "none": []}'
    row = read_metadata(write(tmp_path, line, 'x.jsonl'))['a.png']
    assert row == dict(flags='true,1.0,x,12345678901234567890,-3', none='')
    with pytest.raises(MetadataError, match='column flags: must be a text, a finite number'):
        read_metadata(write(tmp_path, '{"path": "a.png", "flags": [1, 1e999]}', 'x.jsonl'))
