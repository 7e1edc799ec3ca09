from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmt2ireid.io import json_files
from mmt2ireid.pseudo_text.analysis import caption_rows
from mmt2ireid.pseudo_text.analysis.caption_rows import (
    attribute_names,
    caption_files,
    count_rows,
    read_image,
    read_rows,
)
from mmt2ireid.pseudo_text.analysis.row_sample import RowSample


def make_table(count=10, start=0):
    numbers = range(start, start + count)
    return pa.table(
        {
            'image': [b'picture %d' % number if number % 3 else None for number in numbers],
            'caption': [[f'caption {number}', 'another'] for number in numbers],
            'image_id': [f'{number}.jpg' for number in numbers],
            'split': ['train'] * count,
            'upper clothes': [f'a coat {number}' if number % 2 else None for number in numbers],
            'upper clothes probability': pa.array([0.5] * count, pa.float32()),
        }
    )


def write_arrow(path, table, stream=False, chunk=3):
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return path


def write_json(path, content, **options):
    path.write_text(json.dumps(content, **options), encoding='utf-8')
    return path


@pytest.mark.parametrize('kind', ['file', 'stream', 'parquet'])
def test_tables_are_read_row_by_row(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(caption_rows, '_SLICE', 2)
    files = []
    for number in range(2):
        path = tmp_path / f'pseudo_texts-{number:05d}.{"parquet" if kind == "parquet" else "arrow"}'
        table = make_table(start=10 * number)
        if kind == 'parquet':
            pq.write_table(table, path, row_group_size=4)
        else:
            write_arrow(path, table, stream=kind == 'stream')
        files.append(path)
    assert caption_files(tmp_path) == files and count_rows(files) == 20
    assert attribute_names(files[0]) == ['upper clothes']
    rows = list(read_rows(files))
    assert [row.image_id for row in rows] == [f'{number}.jpg' for number in range(20)]
    assert [row.captions for row in rows] == [[f'caption {number}', 'another'] for number in range(20)]
    assert [row.attributes['upper clothes'] for row in rows] == [f'a coat {n}' if n % 2 else None for n in range(20)]
    assert [read_image(row) for row in rows] == [b'picture %d' % n if n % 3 else None for n in range(20)]


def test_a_foreign_table_needs_no_more_than_captions(tmp_path):
    table = pa.table({'caption': [['x'], None, []], 'image': pa.array([b'1', b'2', b''], pa.binary())})
    rows = list(read_rows([write_arrow(tmp_path / 'foreign.arrow', table)]))
    assert [row.image_id for row in rows] == ['foreign.arrow#0', 'foreign.arrow#1', 'foreign.arrow#2']
    assert [row.captions for row in rows] == [['x'], [], []]
    assert all(not row.attributes for row in rows)
    assert [read_image(row) for row in rows] == [b'1', b'2', None]


@pytest.mark.parametrize('piece', [1, 2, 7, 2**20])
@pytest.mark.parametrize('indent', [None, 1])
def test_json_is_parsed_piece_by_piece(tmp_path, monkeypatch, piece, indent):
    monkeypatch.setattr(json_files, '_PIECE', piece)
    records = [
        {'file_path': 'ä/1.jpg', 'captions': ['A "quoted", [man].', 'Zwei: größer }'], 'id': 3},
        {'captions': 'one alone', 'img_path': '2.jpg'},
        {'captions': []},
    ]
    path = write_json(tmp_path / 'captions.json', records, ensure_ascii=False, indent=indent)
    rows = list(read_rows(caption_files(tmp_path)))
    assert [row.image_id for row in rows] == ['ä/1.jpg', '2.jpg', 'captions.json#2']
    assert [row.captions for row in rows] == [records[0]['captions'], ['one alone'], []]
    assert read_image(rows[0]) is None and attribute_names(path) == []


def test_json_rows_are_counted_and_a_byte_order_mark_is_no_matter(tmp_path):
    path = tmp_path / 'x.json'
    path.write_bytes(b'\xef\xbb\xbf' + json.dumps([{'file_path': '1', 'captions': ['x']}] * 5).encode())
    assert count_rows([path]) == len(list(read_rows([path]))) == 5


@pytest.mark.parametrize(
    ('content', 'told'),
    [
        ('', 'expected a JSON list'),
        ('{"a": 1}', 'expected a JSON list'),
        ('[{"captions": ["x"]}', 'expected a JSON list'),
        ('[{"captions": ["x"]}, {"captions"', 'expected a JSON list'),
        ('[{"captions": ["x"]}, 3]', 'record 1: expected an object, but got int'),
        ('[{"captions": ["x"]}, {"text": "x"}]', "record 1: expected the field 'captions'"),
        ('[{"captions": ["x", 3], "file_path": "a.jpg"}]', r'record 0 \(a.jpg\): expected a list of texts'),
    ],
)
def test_bad_json_is_named(tmp_path, content, told):
    path = tmp_path / 'bad.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=told) as error:
        list(read_rows([path]))
    assert 'bad.json' in str(error.value)


def test_a_broken_record_is_not_looked_for_in_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_files, '_PIECE', 100)
    monkeypatch.setattr(json_files, '_LONGEST', 1000)
    path = tmp_path / 'bad.json'
    path.write_text('[{"captions": oops ' + 'x' * 100_000)
    with pytest.raises(ValueError, match='expected a JSON list'):
        list(read_rows([path]))


def test_bad_files_are_named(tmp_path):
    (tmp_path / 'x.txt').write_text('a man')
    (tmp_path / 'x.arrow').write_text('a man')
    (tmp_path / 'x.parquet').write_text('a man')
    (tmp_path / 'latin.json').write_bytes('["é"]'.encode('latin1'))
    with pytest.raises(ValueError, match=r'must end in one of .* but got .*x\.txt'):
        caption_files(tmp_path / 'x.txt')
    for name in ('x.arrow', 'x.parquet', 'latin.json'):
        with pytest.raises(ValueError, match=name):
            list(read_rows([tmp_path / name]))
    with pytest.raises(FileNotFoundError, match='nowhere'):
        caption_files(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match='pseudo_texts-'):
        caption_files(tmp_path)
    without = write_arrow(tmp_path / 'y.arrow', pa.table({'text': ['x']}))
    with pytest.raises(ValueError, match="column 'caption'"):
        list(read_rows([without]))
    write_arrow(tmp_path / 'pseudo_texts-0.arrow', make_table())
    pq.write_table(make_table(), tmp_path / 'pseudo_texts-0.parquet')
    with pytest.raises(ValueError, match='one format'):
        caption_files(tmp_path)


def sample(rows, size, seed=0):
    drawn = RowSample(size, seed)
    for row in rows:
        drawn.add(row)
    return [(row.image_id, row.captions) for row in drawn.rows()]


def test_the_same_rows_are_drawn_from_any_format_in_any_order(tmp_path):
    table = make_table(200)
    rows = list(read_rows([write_arrow(tmp_path / 'x.arrow', table)]))
    records = [{'file_path': row.image_id, 'captions': row.captions} for row in rows]
    others = list(read_rows([write_json(tmp_path / 'x.json', records)]))
    assert sample(rows, 12) == sample(others, 12) == sample(rows[::-1], 12)
    assert sample(rows, 12)[:5] == sample(rows, 5)
    assert sample(rows, 12) != sample(rows, 12, seed=1)
    assert len(sample(rows[:3], 12)) == 3 and len(sample(rows[:1] * 9, 4)) == 4 and sample(rows, 0) == []
    with pytest.raises(ValueError, match='size must be'):
        RowSample(-1)


def test_every_row_is_drawn_equally_often(tmp_path):
    rows = list(read_rows([write_arrow(tmp_path / 'x.arrow', make_table(10))]))
    counts = dict.fromkeys((row.image_id for row in rows), 0)
    for seed in range(1000):
        for image_id, _ in sample(rows, 3, seed):
            counts[image_id] += 1
    assert sum(counts.values()) == 3000
    assert all(235 < count < 365 for count in counts.values())  # 300 +- 4.5 standard deviations
