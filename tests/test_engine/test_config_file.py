"""What can be wrong with a config file or with --cfg-options is named by file, line and key."""

from __future__ import annotations

import argparse

import pytest

from mmt2ireid.engine.config_file import ConfigOptions, read_config


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return str(path)


def test_bases_and_changes_are_merged(tmp_path):
    write(tmp_path, 'base.py', "model = dict(heads=dict(a=dict(type='A')), width=3)")
    leaf = write(tmp_path, 'leaf.py', "_base_ = 'base.py'\nmodel = dict(width=4)")
    cfg = read_config(leaf, {'model.heads.a.type': 'B', 'train_cfg.max_epochs': 5})
    assert cfg.model.to_dict() == dict(heads=dict(a=dict(type='B')), width=4) and cfg.train_cfg.max_epochs == 5


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('list.json', '[1, 2]', 'list.json must hold names and their values'),
        ('broken.json', '{', r'broken.json: JSONDecodeError: '),
        ('broken.yaml', 'a: [', r'broken.yaml: ParserError: '),
        ('syntax.py', 'a = 1\nb = = 3\n', r'syntax.py, line 2: invalid syntax'),
        ('runs.py', 'a = 1\n\nb = c\n', r"runs.py, line 3: NameError: name 'c' is not defined"),
        ('deep.py', f'a = {"[" * 100_000}{"]" * 100_000}', r'deep.py, line 1: too many nested'),
        ('sums.py', f'a = 1{" + 1" * 100_000}', r'sums.py is nested too deeply'),
        ('notes.txt', 'a = 1', r'notes.txt must end in one of'),
    ],
)
def test_files_that_are_no_configs(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        read_config(write(tmp_path, name, text))


def test_other_encodings(tmp_path):
    (tmp_path / 'gbk.py').write_bytes("a = '\u7ea2'".encode('gbk'))
    with pytest.raises(ValueError, match=r'gbk\.py must be UTF-8 text'):
        read_config(tmp_path / 'gbk.py')


def test_the_base_at_fault_is_named(tmp_path):
    write(tmp_path, 'base.py', 'a = 1\nb = c\n')
    leaf = write(tmp_path, 'leaf.py', "_base_ = 'base.py'")
    with pytest.raises(ValueError, match=r'base\.py, line 2: NameError'):
        read_config(leaf)
    orphan = write(tmp_path, 'orphan.py', "_base_ = 'gone.py'")
    with pytest.raises(FileNotFoundError, match=r'gone\.py'):
        read_config(orphan)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='must be a file, but there is none'):
        read_config(tmp_path / 'gone.py')
    with pytest.raises(FileNotFoundError, match='must be a file, but there is a folder'):
        read_config(tmp_path)


def test_modules_that_cannot_be_imported(tmp_path):
    path = write(tmp_path, 'mine.py', "custom_imports = dict(imports=['not_there_at_all'])")
    with pytest.raises(ImportError, match='set PYTHONPATH'):
        read_config(path)


def test_changes_that_do_not_fit(tmp_path):
    path = write(tmp_path, 'plain.py', 'steps = [1, 2]')
    with pytest.raises(ValueError, match=r'--cfg-options steps\.7=3 does not fit .*plain\.py'):
        read_config(path, {'steps.7': 3})


@pytest.mark.parametrize('wrong', [['lr', '=', '1e-4'], ['lr = 1e-4'], ['=3'], ['a=[1,2']])
def test_options_that_are_no_pairs(wrong, capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', *wrong])
    assert 'error: argument --cfg-options: must' in capsys.readouterr().err
    assert parser.parse_args(['--cfg-options', 'a.b=[1,2]', 'c=x']).cfg_options == {'a.b': [1, 2], 'c': 'x'}
