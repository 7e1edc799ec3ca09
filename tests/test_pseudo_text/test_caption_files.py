"""Every format gives the same captions; what is malformed is named."""

import csv
import json

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from mmt2ireid.pseudo_text.analysis.caption_files import CaptionFileError, read_captions

RECORDS = [('a/1.jpg', ['A man walks.', 'He has a bag, and "more".']), ('b/2.jpg', ['A woman stands.'])]
EXPECTED = [('a/1.jpg#1', 'A man walks.'), ('a/1.jpg#2', 'He has a bag, and "more".'), ('b/2.jpg', 'A woman stands.')]
PAIRS = [(name, captions[0]) for name, captions in RECORDS]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding='utf-8')
    return path


def table(lists=True):
    captions = [captions if lists else captions[0] for _, captions in RECORDS]
    return pa.table({'image_id': [name for name, _ in RECORDS], 'image': [b'x', b'y'], 'caption': captions})


@pytest.mark.parametrize('key', ['captions', 'caption'])
def test_json_list(tmp_path, key):
    file = write(tmp_path / 'x.json', [{'file_path': name, key: captions, 'id': 3} for name, captions in RECORDS])
    assert list(read_captions(file)) == EXPECTED


def test_json_list_of_texts_and_single_captions(tmp_path):
    file = write(tmp_path / 'x.json', ['One.', 'Two.'])
    assert list(read_captions(file)) == [('record 0', 'One.'), ('record 1', 'Two.')]
    bare = [{'img_path': name, 'captions': caption} for name, caption in PAIRS]
    assert list(read_captions(write(tmp_path / 'y.json', bare))) == PAIRS


def test_json_object(tmp_path):
    assert list(read_captions(write(tmp_path / 'x.json', dict(PAIRS)))) == PAIRS
    assert list(read_captions(write(tmp_path / 'y.json', dict(RECORDS)))) == EXPECTED


def test_byte_order_mark(tmp_path):
    file = tmp_path / 'x.json'
    file.write_bytes(b'\xef\xbb\xbf' + json.dumps(dict(PAIRS)).encode())
    assert list(read_captions(file)) == PAIRS


def test_json_lines(tmp_path):
    lines = [json.dumps({'image_id': name, 'captions': captions}) for name, captions in RECORDS]
    assert list(read_captions(write(tmp_path / 'x.jsonl', '\n'.join(lines) + '\n\n'))) == EXPECTED


def test_plain_text_is_read_line_by_line(tmp_path):
    file = write(tmp_path / 'x.txt', 'A man walks.\n\nA woman stands.\n')
    assert list(read_captions(file)) == [('line 1', 'A man walks.'), ('line 2', ''), ('line 3', 'A woman stands.')]


@pytest.mark.parametrize(('suffix', 'delimiter'), [('.csv', ','), ('.tsv', '\t')])
def test_csv(tmp_path, suffix, delimiter):
    with open(tmp_path / f'x{suffix}', 'w', newline='') as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([('path', 'caption'), ('1.jpg', 'A man, "tall",\twalks.'), ('2.jpg', 'A woman.')])
    assert list(read_captions(tmp_path / f'x{suffix}')) == [('1.jpg', 'A man, "tall",\twalks.'), ('2.jpg', 'A woman.')]


@pytest.mark.parametrize('lists', [True, False])
def test_tables(tmp_path, lists):
    expected = EXPECTED if lists else PAIRS
    pq.write_table(table(lists), tmp_path / 'x.parquet')
    pyarrow.feather.write_feather(table(lists), tmp_path / 'x.arrow')
    with pa.OSFile(str(tmp_path / 'y.arrow'), 'wb') as sink, pa.ipc.new_stream(sink, table(lists).schema) as writer:
        writer.write_table(table(lists))
    for name in ('x.parquet', 'x.arrow', 'y.arrow'):
        assert list(read_captions(tmp_path / name)) == expected


def test_tables_without_names_count_rows(tmp_path):
    pq.write_table(pa.table({'caption': [f'Caption {row}.' for row in range(3000)]}), tmp_path / 'x.parquet')
    found = list(read_captions(tmp_path / 'x.parquet'))
    assert found == [(f'row {row}', f'Caption {row}.') for row in range(3000)]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('x.json', '{', 'x.json: expected JSON'),
        ('x.json', '3', 'expected a list of records or an object, but got int'),
        ('x.json', '[]', 'expected captions, but it holds none'),
        ('x.json', '[{"captions": ["A."]}, 5]', 'record 1: expected an object or a text, but got int'),
        ('x.json', '[{"file_path": "a"}]', r"expected the field 'captions' or 'caption', but got \['file_path'\]"),
        ('x.json', '[{"captions": ["A.", null]}]', "field 'captions', item 2: expected a text, but got NoneType"),
        ('x.json', '[{"captions": 7}]', "record 0, field 'captions': expected a text or a list of texts, but got int"),
        ('x.json', '{"a.jpg": {"b": 1}}', "record 'a.jpg', field 'captions': expected a text or a list of texts"),
        ('x.jsonl', '{"caption": "A."}\n{', 'line 2: expected JSON'),
        ('x.csv', 'path,text\n1,2\n', r"expected a column 'caption' or 'captions', but got \['path', 'text'\]"),
        ('x.csv', 'path,caption\n1.jpg\n', "row 0, field 'captions': expected a text"),
        ('x.txt', '', 'holds none'),
        ('x.txt', 'a\x00b\n', 'line 1: must be text in UTF-8, but holds null characters'),
        ('x.parquet', 'no table', 'expected an Arrow or Parquet file'),
        ('x.arrow', 'no table', 'expected an Arrow or Parquet file'),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, message):
    with pytest.raises(CaptionFileError, match=message) as caught:
        list(read_captions(write(tmp_path / name, content)))
    assert name in str(caught.value)


def test_null_captions_of_tables_are_named(tmp_path):
    pq.write_table(pa.table({'caption': ['A man.', None]}), tmp_path / 'x.parquet')
    message = "row 1, field 'captions': expected a text or a list of texts, but got NoneType"
    with pytest.raises(CaptionFileError, match=message):
        list(read_captions(tmp_path / 'x.parquet'))


def test_wrong_encoding_and_missing_file(tmp_path):
    (tmp_path / 'x.txt').write_bytes('Mädchen'.encode('latin-1'))
    with pytest.raises(CaptionFileError, match=r'x\.txt, line 1: must be text in UTF-8'):
        list(read_captions(tmp_path / 'x.txt'))
    for name in ('x.json', 'x.jsonl', 'x.csv'):
        (tmp_path / name).write_bytes('caption\n行人'.encode('gbk') if name == 'x.csv' else '["行人"]'.encode('gbk'))
        with pytest.raises(CaptionFileError, match=rf'{name}, line \d: must be text in UTF-8'):
            list(read_captions(tmp_path / name))
    with pytest.raises(FileNotFoundError, match=r'none\.json'):
        list(read_captions(tmp_path / 'none.json'))


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('x.json', '[{"caption": "A.", "caption": "B."}]', "record 0: the key 'caption'"),
        ('x.json', '{"a.png": "A.", "a.png": "B."}', "the key 'a.png'"),
        ('x.jsonl', '{"caption": "A.", "caption": "B."}', "line 1: .*the key 'caption'"),
        ('x.csv', 'caption,caption\nA.,B.\n', "'caption' is there twice"),
        ('x.csv', 'path,caption\na.png,a man, in red\n', 'line 2: expected 2 cells, but got 3'),
    ],
)
def test_nothing_is_dropped_from_an_unclear_record(tmp_path, name, content, message):
    with pytest.raises(CaptionFileError, match=message):
        list(read_captions(write(tmp_path / name, content)))


def test_lines_are_streamed(tmp_path):
    file = write(tmp_path / 'x.jsonl', '{"caption": "A."}\n{"caption": 3}\n')
    assert next(read_captions(file)) == ('line 1', 'A.')


def test_images_of_a_gallery_may_have_no_captions(tmp_path):
    file = tmp_path / 'reid_raw.json'
    bare = [dict(split='test', file_path='a'), dict(split='val', file_path='b', captions=None)]
    bare.append(dict(split='test', file_path='c', captions=[]))
    file.write_text(json.dumps([*bare, dict(split='test', file_path='d', captions=['A man walks.'])]))
    assert list(read_captions(file)) == [('d', 'A man walks.')]
    file.write_text(json.dumps([dict(split='train', file_path='a')]))
    with pytest.raises(CaptionFileError, match="record 0: expected the field 'captions'"):
        list(read_captions(file))
