"""The tool that reads caption files: what it prints, writes and returns."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location('check_captions', ROOT / 'tools' / 'check_captions.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda *arguments: module.main([str(argument) for argument in arguments])


@pytest.fixture
def sound(tmp_path):
    file = tmp_path / 'sound.json'
    file.write_text(json.dumps([{'file_path': '1.jpg', 'captions': ['The man is walking.', 'He wears a blue shirt.']}]))
    return file


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / 'broken.txt'
    lines = ['The man has hair hair.', 'He are walking.', 'The woman is walking.', '', 'She have a hat hat.']
    file.write_text('\n'.join(lines) + '\n')
    return file


def test_sound_files(check, sound, capsys):
    assert check(sound) == 0
    assert '2 captions, 0 defective (0.00%)' in capsys.readouterr().out


def test_broken_files(check, sound, broken, capsys):
    assert check(sound, broken) == 1
    out = capsys.readouterr().out
    assert '5 captions, 4 defective (80.00%)' in out
    for line in ('doubled words: 2', 'agreement: 2', 'empty: 1', 'line 1: "hair" twice', 'The man has hair hair.'):
        assert line in out


def test_examples_are_limited(check, broken, capsys):
    check(broken, '--show', 1)
    out = capsys.readouterr().out
    assert 'line 1:' in out
    assert '"hat" twice' not in out
    check(broken, '--show', 0)
    assert 'line 1:' not in capsys.readouterr().out


def test_report_file(check, sound, broken, tmp_path):
    check(sound, broken, '--json', tmp_path / 'out' / 'report.json')
    first, second = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert (first['captions'], first['defective'], first['defects']) == (2, 0, [])
    assert second['kinds'] == {'empty': 1, 'doubled words': 2, 'agreement': 2}
    assert second['defects'][-1]['record'] == 'line 5'
    assert len(second['defects'][-1]['defects']) == 2


def test_max_words(check, sound, capsys):
    assert check(sound, '--max-words', 4) == 1
    assert 'over-long: 1' in capsys.readouterr().out


def test_unreadable_files_come_before_defects(check, broken, tmp_path, capsys):
    bad = tmp_path / 'bad.json'
    bad.write_text('[{"captions": ["A man.", 3]}]')
    assert check(bad, broken) == 2
    captured = capsys.readouterr()
    assert "bad.json, record 0, field 'captions', item 2: expected a text, but got int" in captured.err
    assert '5 captions, 4 defective' in captured.out, 'the other files are checked all the same'
    assert check(tmp_path / 'none.json') == 2


def test_bad_options_are_refused(check, sound):
    with pytest.raises(SystemExit):
        check(sound, '--max-words', 0)


def test_halves_of_letters_do_not_break_the_report(check, tmp_path, capsys):
    (tmp_path / 'c.json').write_text('[{"file_path": "a\\ud800.png", "captions": ["He are walking \\ud83d."]}]')
    assert check(tmp_path / 'c.json', '--json', tmp_path / 'r.json') == 1
    assert json.loads((tmp_path / 'r.json').read_text())[0]['defects'][0]['record'] == 'a\ud800.png'
    assert r'walking \ud83d' in capsys.readouterr().out


@pytest.mark.parametrize('text', ['[{"captions": ["A man walks."]}] rubbish', '[' * 5000])
def test_a_broken_list_is_an_error(check, tmp_path, text, capsys):
    (tmp_path / 'c.json').write_text(text)
    assert check(tmp_path / 'c.json') == 2
    assert capsys.readouterr().err.count('c.json: ') >= 1
