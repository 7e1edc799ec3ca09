"""Text files of whatever encoding, and JSON with a key twice."""

from __future__ import annotations

import codecs
import json

import pytest

from mmt2ireid.io.json_files import DuplicateKeyError, JSONFileError, json_items, parse_json, read_json
from mmt2ireid.io.paths import leads_out, plain_path
from mmt2ireid.io.text_files import TextFileError, numbered_lines, open_text, read_text

WORDS = 'a man\nwith a red bag\n\u4e00\u4e2a\u5973\u4eba\n'


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig'])
def test_utf8_is_read(tmp_path, encoding):
    file = tmp_path / 'a.txt'
    file.write_text(WORDS, encoding=encoding)
    assert read_text(file) == WORDS
    assert list(numbered_lines(file)) == list(enumerate(WORDS.splitlines(), 1))
    with open_text(file) as stream:
        assert stream.read() == WORDS


@pytest.mark.parametrize(
    ('encoding', 'place'),
    [('gbk', 'line 3: '), ('utf-16', ': must be text in UTF-8, but is UTF-16'), ('utf-16-le', 'line 1: ')],
)
@pytest.mark.parametrize('read', [read_text, lambda file: list(numbered_lines(file))])
def test_other_encodings_are_named_with_file_line_and_advice(tmp_path, encoding, place, read):
    file = tmp_path / 'a.txt'
    file.write_bytes(WORDS.encode(encoding))
    with pytest.raises(TextFileError, match='must be text in UTF-8') as error:
        read(file)
    assert str(file) in str(error.value) and place in str(error.value) and 'Save it as UTF-8' in str(error.value)


def test_a_bad_line_far_behind_is_numbered_within_the_file(tmp_path):
    file = tmp_path / 'a.txt'
    file.write_bytes(b'a man\n' * 20_000 + b'caf\xe9\n')
    with pytest.raises(TextFileError, match=r"line 20001: .* from b'.*xe9' on"):
        list(numbered_lines(file))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[{"a": 1}, {"id": 1, "id": 2}]', "record 1: the key 'id' must be in an object once"),
        ('[{"a": {"b": 1, "b": 1}}]', "record 0: the key 'b'"),
        ('{"x.jpg": "a man", "x.jpg": "a woman"}', "a.json: the key 'x.jpg'"),
    ],
)
def test_a_key_twice_is_refused(tmp_path, text, message):
    file = tmp_path / 'a.json'
    file.write_text(text)
    with pytest.raises(JSONFileError, match=message):
        read_json(file)
    if text[0] == '[':
        with pytest.raises(JSONFileError, match=message):
            list(json_items(file))
    with pytest.raises(ValueError, match='must be in an object once'):
        parse_json(text)


def test_sound_json_is_read_as_by_the_library(tmp_path):
    file, content = tmp_path / 'a.json', [{'a': [1, {'b': None}], 'c': 'd'}, 'e', []]
    file.write_bytes(codecs.BOM_UTF8 + json.dumps(content).encode())
    assert read_json(file) == list(json_items(file)) == content


@pytest.mark.parametrize(('text', 'message'), [('[1', 'expected a list, but it is no JSON'), ('[' * 100_000, 'deeply')])
def test_what_is_no_json_is_named(tmp_path, text, message):
    file = tmp_path / 'a.json'
    file.write_text(text)
    with pytest.raises(JSONFileError, match=f'a.json: .*{message}'):
        read_json(file, 'a list')


@pytest.mark.parametrize(
    ('path', 'plain', 'outside'),
    [
        ('cam/a.png', 'cam/a.png', False),
        ('cam/./a.png', 'cam/a.png', False),
        ('./cam//a.png', 'cam/a.png', False),
        ('cam/../cam/a.png', 'cam/a.png', False),
        ('cam/..a.png', 'cam/..a.png', False),
        ('../a.png', '../a.png', True),
        ('cam/../../a.png', '../a.png', True),
        ('/etc/passwd', '/etc/passwd', True),
        ('..', '..', True),
    ],
)
def test_paths_have_one_spelling(path, plain, outside):
    assert (plain_path(path), leads_out(plain_path(path))) == (plain, outside)


def test_a_key_twice_in_a_large_object_is_found_at_once():
    text = '{' + ', '.join(f'"{number}": 0' for number in range(100_000)) + ', "99999": 1}'
    with pytest.raises(DuplicateKeyError, match=r"the key '99999' .* twice in \{'0': 0, '1': 0"):
        parse_json(text)


def test_a_number_that_is_too_long_names_the_file(tmp_path):
    file = tmp_path / 'a.json'
    file.write_text('[{}, {"id": ' + '9' * 5000 + '}]')
    with pytest.raises(JSONFileError, match=r'a\.json, record 1: expected JSON, but .*4300 digits'):
        list(json_items(file))
