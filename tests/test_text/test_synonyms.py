"""Synonym classes: an equivalence relation, from a table that cannot contradict itself."""

import itertools
import random

import pytest

from mmt2ireid.text import SynonymTable
from mmt2ireid.text.phrases.synonyms import TABLE, build_synonyms
from mmt2ireid.text.phrases.wordnet import WordNet


@pytest.fixture(scope='module')
def table():
    return SynonymTable.read()


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ('gray trousers', 'grey pants'), ('black slacks', 'black pants'), ('red rucksack', 'red backpack'),
        ('white tees', 'white t-shirt'), ('black and white shirt', 'white and black shirt'),
        ('striped blue shirt', 'blue striped shirt'), ('grey wind coat', 'gray windbreaker'),
        ('mobile phones', 'cellphone'), ('large satchel', 'big messenger bag'), ('polos', 'polo shirt'),
        ('dark spectacles', 'dark glasses'),
        ('3/4 sleeve shirt', 'three-quarter sleeve shirt'),
        ('blonde woman', 'blond lady'), ('checkered shirt', 'plaid shirt'),
        ('a track trouser', 'a sweatpants'),
    ],
)  # fmt: skip
def test_synonyms(one, other, table):
    first, second = ([word for word in text.split() if word != 'and'] for text in (one, other))
    assert table.canonical(first) == table.canonical(second)


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ('black coat', 'black jacket'), ('blue jeans', 'blue pants'), ('glasses', 'sunglasses'),
        ('red shirt', 'shirt'), ('shirt collar', 'collar shirt'), ('khaki shorts', 'khaki pants'),
        ('fair hair', 'fair skin'), ('cap', 'hat'), ('dark eyeglasses', 'sunglasses'), ('shopping bag', 'plastic bag'),
        ('button-up vest', 'button-up shirt'), ('bow tie', 'necktie'), ('bow tie', 'tie'),
        ('parka', 'windbreaker'),
    ],
)  # fmt: skip
def test_no_synonyms(one, other, table):
    assert table.canonical(one.split()) != table.canonical(other.split())


def test_every_entry_of_the_table_is_in_its_class(table):
    for entries in table._given:
        assert len({table.canonical(entry.split()) for entry in entries}) == 1, entries


def test_classes_that_share_an_entry_are_one():
    """Against the transitive closure, found by growing sets until nothing changes."""
    rng = random.Random(3)
    words = [f'w{i:02d}x' for i in range(60)]
    classes = [rng.sample(words, rng.randint(2, 3)) for _ in range(25)]
    sets = [set(entries) for entries in classes]
    while True:
        touching = next(((a, b) for a, b in itertools.combinations(sets, 2) if a & b), None)
        if touching is None:
            break
        sets = [each for each in sets if each not in touching] + [touching[0] | touching[1]]
    table = SynonymTable(classes)
    for one, other in itertools.combinations(words, 2):
        together = any(one in each and other in each for each in sets)
        assert (table.canonical([one]) == table.canonical([other])) == together


def test_words_of_an_entry_may_be_synonyms_themselves():
    table = SynonymTable([['hat', 'lid'], ['beanie', 'wool hat'], ['wool', 'woolly']])
    assert {table.canonical(text.split()) for text in ('beanie', 'wool hat', 'woolly lid')} == {'beanie'}


def test_the_name_is_the_first_entry_and_forms_are_fixed_points(table):
    assert table.canonical(['shiny', 'grey', 'tees']) == 'gray shiny t-shirt'
    for phrase in ('dark spectacles', 'two mobile phones', 'old grey polos', 'hooded sweatshirt'):
        form = table.canonical(phrase.split())
        assert table.canonical(form.split()) == form


@pytest.mark.parametrize(
    ('phrase', 'form'),
    [
        ('button-up vest', 'button-up vest'), ('polo sweater', 'polo sweater'), ('black bowtie', 'black bow tie'),
        ('3/4 sleeve', 'three-quarter-sleeved'), ('3/4 length pants', '3/4 length pants'), ('polo', 'polo shirt'),
        ('white polka-dots', 'white dotted'), ('ice cream cone', 'cream ice cone'),
    ],
)  # fmt: skip
def test_forms(phrase, form, table):
    assert table.canonical(phrase.split()) == form


def test_digest_follows_the_content(tmp_path):
    same = tmp_path / 'same.yaml'
    same.write_text('# another comment\n' + TABLE.read_text())
    assert SynonymTable.read(same).digest == SynonymTable.read().digest
    assert SynonymTable([['a', 'b']]).digest != SynonymTable([['a', 'c']]).digest
    assert SynonymTable([['a', 'b']]).digest != SynonymTable([['a', 'b']], version=2).digest


def test_build_synonyms(tmp_path):
    path = tmp_path / 'own.yaml'
    path.write_text('version: 3\nclasses:\n  - [coat, jacket]\n')
    own = build_synonyms(path)
    assert own.canonical(['jackets']) == own.canonical(['coat']) == 'coat'
    assert build_synonyms(own) is own
    assert build_synonyms(None).canonical(['grey', 'trousers']) == 'grey trousers'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('version: 1\nclasses:\n  - [pants]\n', 'class 0 must list at least two'),
        ('version: 1\nclasses:\n  - [pants, 3]\n', 'class 0 must list at least two'),
        ("version: 1\nclasses:\n  - [pants, ' ']\n", 'class 0 must list at least two'),
        ('version: 1\nclasses: pants\n', 'classes must be a list'),
        ('classes: []\n', 'version must be an integer'),
        ('version: 1\nversion: 2\nclasses: []\n', 'stands there twice'),
        ('- 1\n', 'must hold a mapping'),
        ('classes: [', 'must be a YAML file'),
        ('!!python/object/apply:os.getcwd []', 'must be a YAML file'),
    ],
)
def test_bad_tables_are_named(text, message, tmp_path):
    path = tmp_path / 'bad.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        SynonymTable.read(path)
    assert 'bad.yaml' in str(caught.value)


def test_wordnet_joins_nouns_of_the_same_only_sense():
    try:
        wordnet = WordNet()
    except (ImportError, FileNotFoundError) as error:
        pytest.skip(f'WordNet is optional: {error}')
    classes = wordnet.classes(
        ['rucksack', 'haversack', 'coat', 'jacket', 'zzz', 'umbrella', 'bike', 'motorcycle', 'hood', 'punk']
    )
    assert classes == [['haversack', 'rucksack']]
    assert wordnet.singular('larvae') == 'larva'
    extended = SynonymTable.read().extended(classes)
    assert extended.canonical(['haversack']) == extended.canonical(['backpack'])
