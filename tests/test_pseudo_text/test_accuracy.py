from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from mmt2ireid.pseudo_text.analysis.accuracy import choice_score, find_score, required_score
from mmt2ireid.pseudo_text.analysis.accuracy_tally import AccuracyTally, load_truth
from mmt2ireid.pseudo_text.analysis.analysis_text import accuracy_markdown
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue

COLOURS, GARMENTS = ['red', 'blue', 'gray'], ['coat', 'shirt']
PARTS = {f'a {colour} {garment}': dict(colour=colour, garment=garment) for colour in COLOURS for garment in GARMENTS}
BAGS = {'with a bag': {'say': 'a bag'}, 'with a case': {'say': 'a case'}}


def make_catalogue():
    attributes = [
        Attribute('age', True, ['child', 'young', 'old']),
        Attribute('coat', True, list(PARTS), parts=dict(colour=COLOURS, garment=GARMENTS), part_values=PARTS),
        Attribute('bag', False, list(BAGS), negative='without a bag', forms=BAGS),
    ]
    return Catalogue({attribute.name: attribute for attribute in attributes})


def random_rows(count, seed=0):
    """Image id to true and chosen attributes; the truth may be in spoken form, unknown or missing."""
    rng, rows = random.Random(seed), {}
    for number in range(count):
        true = dict(age=rng.choice(['young', 'young', 'old', 'ancient']), coat=rng.choice(list(PARTS)))
        true['bag'] = rng.choice([None, None, 'a bag', 'with a bag', 'a case', 'a sack'])
        chosen = dict(age=rng.choice(['child', 'young', 'old']), coat=true['coat'], bag=rng.choice([None, *BAGS]))
        if rng.random() < 0.5:
            chosen['coat'] = rng.choice(list(PARTS))
        rows[f'{number}.png'] = true, chosen
    return rows


def tally_of(rows):
    tally = AccuracyTally(make_catalogue(), {image_id: true for image_id, (true, _) in rows.items()})
    for image_id, (_, chosen) in rows.items():
        tally.add(image_id, chosen)
    return tally


def test_required_attributes_are_scored_as_by_a_loop():
    rows = random_rows(300)
    required = tally_of(rows).report()['required']
    for name in ('age', 'coat'):
        right = sum(true[name] == chosen[name] for true, chosen in rows.values())
        phrase, most = Counter(true[name] for true, _ in rows.values()).most_common(1)[0]
        score = required[name]['phrase']
        assert (score['support'], score['correct']) == (300, right)
        assert score['accuracy'] == right / 300 and score['majority_share'] == most / 300
        if name == 'age':
            assert score['majority'] == phrase == 'young'


def test_parts_of_composed_phrases_are_scored_as_by_a_loop():
    rows = random_rows(300, seed=1)
    parts = tally_of(rows).report()['required']['coat']['parts']
    for place, part in ((1, 'colour'), (2, 'garment')):
        words = [(true['coat'].split()[place], chosen['coat'].split()[place]) for true, chosen in rows.values()]
        most = Counter(true for true, _ in words).most_common(1)[0][1]
        assert parts[part]['accuracy'] == sum(true == chosen for true, chosen in words) / 300
        assert parts[part]['majority_share'] == most / 300


def test_optional_attributes_are_scored_as_by_a_loop():
    rows = random_rows(400, seed=2)
    score = tally_of(rows).report()['optional']['bag']
    found = right = right_phrase = support = 0
    for true, chosen in rows.values():
        support += true['bag'] is not None
        found += chosen['bag'] is not None
        if true['bag'] is not None and chosen['bag'] is not None:
            right += 1
            right_phrase += chosen['bag'].removeprefix('with ') == true['bag'].removeprefix('with ')
    assert 0 < right_phrase < right < min(found, support)
    for key, hits in (('at_all', right), ('phrase', right_phrase)):
        precision, recall = hits / found, hits / support
        assert (score[key]['support'], score[key]['found'], score[key]['right']) == (support, found, hits)
        assert score[key]['precision'] == pytest.approx(precision)
        assert score[key]['recall'] == pytest.approx(recall)
        assert score[key]['f1'] == pytest.approx(2 * precision * recall / (precision + recall))


def test_what_there_is_nothing_of_has_no_score():
    never_found = find_score({('a bag', None): 3, (None, None): 2}, same_phrase=False)
    assert (never_found.precision, never_found.recall, never_found.f1) == (None, 0.0, 0.0)
    not_there = find_score({(None, 'a bag'): 3}, same_phrase=True)
    assert (not_there.precision, not_there.recall, not_there.f1) == (0.0, None, 0.0)
    nothing = find_score({(None, None): 3}, same_phrase=True)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
    assert choice_score({}).accuracy is None
    assert choice_score({('young', None): 4}).accuracy == 0


def test_confusions_are_the_most_frequent_ones():
    pairs = {('old', 'young'): 5, ('old', 'old'): 50, ('young', 'old'): 9, ('young', None): 1, (None, 'old'): 20}
    score = required_score(pairs, make_catalogue()['age'], num_confusions=2)
    assert score.confusions == {'': [('young', 'old', 9), ('old', 'young', 5)]}
    pairs = {('a red coat', 'a blue coat'): 2, ('a red shirt', 'a blue coat'): 1}
    composed = required_score(pairs, make_catalogue()['coat'])
    assert composed.confusions == {'colour': [('red', 'blue', 3)], 'garment': [('shirt', 'coat', 1)]}


def test_a_true_phrase_that_the_catalogue_lacks_counts_as_wrong_and_is_told():
    true = dict(age='ancient', coat='a green coat', bag='a sack')
    chosen = dict(age='old', coat='a red coat', bag='with a bag')
    report = tally_of({'a': (true, chosen)}).report()
    assert report['unknown'] == {'age': {'ancient': 1}, 'coat': {'a green coat': 1}, 'bag': {'a sack': 1}}
    assert report['required']['age']['phrase']['accuracy'] == 0
    assert report['required']['coat']['parts']['colour']['support'] == 0  # it cannot be taken apart
    assert report['optional']['bag']['at_all']['right'] == 1 and report['optional']['bag']['phrase']['right'] == 0
    text = accuracy_markdown(report)
    for phrase in ('ancient (1)', 'a green coat (1)', 'a sack (1)'):
        assert phrase in text


def test_a_form_that_two_phrases_share_stands_for_neither():
    forms = {'on a bag': {'say': 'a bag'}, 'in a bag': {'say': 'a bag'}}
    catalogue = Catalogue({'bag': Attribute('bag', False, list(forms), negative='none', forms=forms)})
    tally = AccuracyTally(catalogue, {})
    assert tally.canonical('bag', 'none') is None
    assert tally.canonical('bag', 'a bag') == 'a bag' and tally.canonical('bag', 'in a bag') == 'in a bag'


def test_images_and_attributes_without_truth_are_counted():
    truth = {'a': {'age': 'old', 'coat': None}, 'never captioned': {'age': 'old'}}
    tally = AccuracyTally(make_catalogue(), truth)
    tally.add('a', {'age': 'old', 'coat': 'a red coat', 'bag': None})
    tally.add('unheard of', {'age': 'old'})
    report = tally.report()
    assert (report['rows'], report['rows_without_truth'], report['truth_without_row']) == (1, 1, 1)
    assert report['missing'] == {'coat': 1, 'bag': 1}
    assert list(report['required']) == ['age'] and not report['optional']
    text = accuracy_markdown(report)
    assert 'coat (1), bag (1)' in text and '1 have no known truth' in text and 'have no caption' in text


def test_markdown_has_a_line_per_attribute_and_part():
    lines = accuracy_markdown(tally_of(random_rows(50)).report()).splitlines()
    heads = [line.split(' | ')[0].lstrip('| ') for line in lines if line.startswith('|')]
    assert [head for head in heads if head in ('age', 'coat', 'coat: colour', 'coat: garment', 'bag')] == [
        *('age', 'coat', 'coat: colour', 'coat: garment'),  # scores
        *('age', 'coat: colour', 'coat: garment'),  # confusions
        'bag',
    ]
    json.dumps(tally_of(random_rows(50)).report(), allow_nan=False)


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_the_truth_is_read_under_its_key(tmp_path):
    inner = {'a.png': {'age': 'old', 'bag': None}}
    assert load_truth(write(tmp_path / 'a.json', inner)) == inner
    assert load_truth(write(tmp_path / 'b.json', {'pool': inner, 'main': {}}), 'pool') == inner


@pytest.mark.parametrize(
    ('content', 'key', 'told'),
    [
        ({'pool': {'a.png': {'age': 'old'}}}, None, 'pool'),
        ({'pool': {}}, 'main', "one of \\['pool'\\], but got 'main'"),
        ([1], 'main', 'list'),
        ([1], None, 'got a list'),
        ({'a.png': 'old'}, None, "under 'a.png' there is a str"),
        ({'a.png': {'age': 3}}, None, "'a.png' has 3 as 'age'"),
    ],
)
def test_a_bad_truth_is_named(tmp_path, content, key, told):
    path = write(tmp_path / 'truth.json', content)
    with pytest.raises(ValueError, match=told) as error:
        load_truth(path, key)
    assert 'truth.json' in str(error.value)


def test_a_truth_that_is_no_json_is_named(tmp_path):
    (tmp_path / 'truth.json').write_text('{')
    with pytest.raises(ValueError, match=r'truth\.json: expected true attributes as JSON'):
        load_truth(tmp_path / 'truth.json')
