"""YAML from users: what would take for ever, or would be read otherwise than it was meant, is refused in words."""

from __future__ import annotations

import time

import pytest
import yaml

from mmt2ireid.text.phrases.synonyms import SynonymTable
from mmt2ireid.text.yaml_files import read_yaml


def write(folder, text):
    path = folder / 'table.yaml'
    path.write_text(text, encoding='utf-8')
    return path


def nested_aliases(levels):
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    lines += [f'a{level}: &a{level} [{", ".join([f"*a{level - 1}"] * 10)}]' for level in range(1, levels)]
    return '\n'.join(lines)


@pytest.mark.parametrize('levels', [6, 10, 50])
def test_aliases_that_stand_for_too_much_are_refused_at_once(tmp_path, levels):
    path = write(tmp_path, nested_aliases(levels))
    start = time.process_time()
    with pytest.raises(
        ValueError, match=r'table\.yaml: must be a YAML file, but: its aliases .* at most 100,000 entries'
    ):
        read_yaml(path)
    assert time.process_time() - start < 1


def test_tables_of_users_are_read_by_the_same_rule(tmp_path):
    with pytest.raises(ValueError, match='aliases'):
        SynonymTable.read(write(tmp_path, nested_aliases(10)))


def test_what_programs_write_is_read(tmp_path):
    shared = ['he', 'his']
    written = yaml.safe_dump(dict(man=shared, boy=shared, text='*a'))
    assert '*id001' in written
    assert read_yaml(write(tmp_path, written)) == dict(man=shared, boy=shared, text='*a')
    assert len(read_yaml(write(tmp_path, nested_aliases(4)))['a3']) == 10


@pytest.mark.parametrize('text', ['a: &x [*x]', 'a: &x {b: *x}'])
def test_what_holds_itself_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match='must hold texts, numbers, lists and mappings'):
        read_yaml(write(tmp_path, text))


def test_many_keys_take_no_time_squared(tmp_path):
    text = '\n'.join(f'key {number}: 1' for number in range(8000))
    start = time.process_time()
    assert len(read_yaml(write(tmp_path, text))) == 8000
    whole = time.process_time() - start
    with pytest.raises(ValueError, match="the key 'key 7' stands there twice"):
        read_yaml(write(tmp_path, f'{text}\nkey 7: 2'))
    start = time.process_time()
    read_yaml(write(tmp_path, '\n'.join(text.splitlines()[:2000])))
    assert whole < 10 * (time.process_time() - start) + 0.5


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a: ' + '9' * 5000, 'Exceeds the limit'),
        ('? [1, 2]\n: 3', 'unhashable key'),
        ('[' * 20_000, 'recursion'),
        ('a: !!python/object:os.system x', 'could not determine a constructor'),
        ('a: 2026-01-01', 'quote dates'),
        ('- a', 'must hold a mapping, but got list'),
    ],
)
def test_other_refusals_name_the_file(tmp_path, text, words):
    with pytest.raises(ValueError, match=words) as error:
        read_yaml(write(tmp_path, text))
    assert 'table.yaml' in str(error.value)
