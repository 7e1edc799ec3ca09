"""Divide: the catalogue of this project, and bad ones refused by file, attribute and reason."""

from __future__ import annotations

import pickle

import pytest
import yaml

from mmt2ireid.datasets.toy import ATTRIBUTES
from mmt2ireid.pseudo_text import load_catalogue


def small() -> dict:
    """A catalogue of four attributes, as its file holds it."""
    person = {'pronouns': {'he': 'he', 'his': 'his', 'him': 'him'}, 'noun': ['man']}
    return {
        'language': 'en',
        'plurals': ['jeans'],
        'attributes': {
            'age': {'required': True, 'phrases': ['young', 'old']},
            'gender': {'required': True, 'phrases': ['man', 'woman']},
            'clothes': {
                'required': True,
                'compose': '{a} {colour} {garment}',
                'parts': {'colour': ['orange', 'blue'], 'garment': ['shirt', 'jeans']},
            },
            'bag': {'required': False, 'phrases': ['a bag'], 'negative': 'a person without a bag'},
        },
        'persons': {
            gender: {**person, 'ages': {age: {'person': [f'{age} {gender}']} for age in ('young', 'old')}}
            for gender in ('man', 'woman')
        },
    }


def written(tmp_path, content):
    path = tmp_path / 'catalogue.yaml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return path


def test_the_attributes_are_those_of_luperson_t():
    catalogue = load_catalogue()
    assert tuple(catalogue) == ATTRIBUTES
    assert len(catalogue.required) == 6 and len(catalogue.optional) == 8
    assert 'a blue striped shirt' in catalogue['upper clothes'].phrases
    assert 'a white pure color t-shirt' in catalogue['upper clothes'].phrases
    assert 'a blue plaid wind coat' in catalogue['upper clothes'].phrases
    for attribute in catalogue.values():
        assert len(set(attribute.choices)) == len(attribute.choices) == len(attribute.prompt_texts())
        assert attribute.required == (attribute.negative is None)
        assert isinstance(attribute.phrases, list)


def test_a_composed_attribute_is_the_product_of_its_parts(tmp_path):
    clothes = load_catalogue(written(tmp_path, small()))['clothes']
    assert clothes.phrases == ['an orange shirt', 'orange jeans', 'a blue shirt', 'blue jeans']
    assert clothes.split('blue jeans') == {'colour': 'blue', 'garment': 'jeans'}
    upper = load_catalogue()['upper clothes']
    assert len(upper.phrases) == len(upper.parts['colour']) * len(upper.parts['pattern']) * len(upper.parts['garment'])


def test_prompts_hold_the_phrase_and_its_article(tmp_path):
    content = small()
    content['attributes']['age']['prompts'] = ['A photo of {a} {} person', 'Somebody {}']
    catalogue = load_catalogue(written(tmp_path, content))
    assert catalogue['age'].prompt_texts()[1] == ('A photo of an old person', 'Somebody old')
    assert catalogue['bag'].prompt_texts()[-1] == ('A photo of a person without a bag',)
    assert load_catalogue()['age'].prompt_texts()[-1][0] == 'A photo of an elderly person'


def test_the_digest_tells_contents_apart_but_not_layouts(tmp_path):
    content = small()
    first = load_catalogue(written(tmp_path, content)).digest
    assert (
        load_catalogue(written(tmp_path, '# comment\n' + yaml.safe_dump(content, sort_keys=False, width=40))).digest
        == first
    )
    content['attributes']['bag']['phrases'] = ['a sack']
    assert load_catalogue(written(tmp_path, content)).digest != first


def test_a_catalogue_travels_to_other_processes():
    catalogue = load_catalogue()
    again = pickle.loads(pickle.dumps(catalogue))
    assert dict(again) == dict(catalogue) and again.digest == catalogue.digest


def change(*path, value):
    """A change of the small catalogue: the value at a path."""

    def apply(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return apply


BAD = {
    'required': (change('attributes', 'bag', 'required', value='yes'), "'bag'.*required must be true or false"),
    'no negative': (change('attributes', 'bag', 'negative', value=None), "'bag'.*negative must be the phrase"),
    'negative of required': (change('attributes', 'age', 'negative', value='no age'), "'age'.*must be left out"),
    'phrases': (change('attributes', 'bag', 'phrases', value='a bag'), "'bag'.*phrases must be a list"),
    'no phrases': (change('attributes', 'bag', 'phrases', value=[]), "'bag'.*phrases must be a list"),
    'one phrase': (change('attributes', 'age', 'phrases', value=['young']), "'age'.*two or more"),
    'boolean phrase': (change('attributes', 'bag', 'phrases', value=[True]), "'bag'.*quote yes, no"),
    'spaces': (change('attributes', 'bag', 'phrases', value=['a  bag']), "'bag'.*must be texts"),
    'twice': (change('attributes', 'bag', 'phrases', value=['a bag', 'a bag']), "'bag'.*a bag.*twice"),
    'as negative': (change('attributes', 'bag', 'negative', value='a bag'), "'bag'.*a bag.*twice"),
    'prompts': (change('attributes', 'bag', 'prompts', value=['A photo']), "'bag'.*prompts must each have"),
    'field': (change('attributes', 'bag', 'phrase', value=['x']), "'bag'.*fields must be of.*'phrase'"),
    'compose': (change('attributes', 'clothes', 'compose', value='{colour} {hat}'), "'clothes'.*compose must hold"),
    'both': (change('attributes', 'clothes', 'phrases', value=['x']), "'clothes'.*either phrases or compose"),
    'forms': (change('attributes', 'bag', 'phrases', value=[{'a bag': {'finite': 3}}]), "'a bag'.*forms must be texts"),
    'with': (
        change('attributes', 'age', 'phrases', value=[{'young': {'with': {'hat': {'say': 'x {hat}'}}}}, 'old']),
        "'age', phrase 'young'.*optional attribute, but got 'hat'",
    ),
    'with no place': (
        change('attributes', 'age', 'phrases', value=[{'young': {'with': {'bag': {'say': 'x'}}}}, 'old']),
        "'age', phrase 'young'.*must hold {bag} once",
    ),
    'gender': (change('attributes', 'gender', 'phrases', value=['man', 'lady']), 'persons: must tell of each gender'),
    'ages': (change('persons', 'man', 'ages', value={'young': {'person': ['x']}}), "'man': ages must tell"),
    'pronouns': (change('persons', 'man', 'pronouns', value=['he']), "'man', pronouns: forms must be texts"),
    'no attributes': (change('attributes', value={}), 'attributes must be a mapping'),
    'name': (change('attributes', 3, value={}), 'attribute 3: a name must be'),
    'top': (change('attribute', value={}), "fields must be of.*'attribute'"),
    'marks': (change('attributes', 'bag', 'phrases', value=['a {bag}']), "'bag'.*without { } < >.*'a {bag}'"),
    'marks of parts': (change('attributes', 'clothes', 'parts', 'colour', value=['<red>']), "'clothes'.*without { }"),
    'marks of persons': (change('persons', 'man', 'noun', value=['[man]']), "'man', 'young': texts must be without"),
    'other pronouns': (change('persons', 'man', 'pronouns', value={}), "pronouns must be the same ones.*'man': \\[\\]"),
    'language': (change('language', value='English'), 'language must be a code'),
    'plurals': (change('plurals', value='jeans'), 'plurals must be a list'),
}  # fmt: skip


@pytest.mark.parametrize('change_it, message', BAD.values(), ids=BAD)
def test_a_bad_catalogue_is_refused_with_file_attribute_and_reason(tmp_path, change_it, message):
    content = small()
    change_it(content)
    with pytest.raises(ValueError, match=f'catalogue.yaml.*{message}'):
        load_catalogue(written(tmp_path, content))


@pytest.mark.parametrize(
    'text, message',
    [
        ('attributes: [', 'must be a YAML file'),
        ('- a\n- b\n', 'must hold a mapping, but got list'),
        ('attributes: {}\nattributes: {}\n', "'attributes' stands there twice"),
        ('language: 2020-01-01', 'must hold texts, numbers, lists and mappings'),
        ('a: !!set {b}', 'must hold texts, numbers, lists and mappings'),
        ('a: &x [*x]', 'must hold texts, numbers, lists and mappings'),
        ('a: !!python/object/apply:os.getcwd []\n', 'must be a YAML file'),
    ],
)
def test_rubbish_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_catalogue(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        load_catalogue(tmp_path / 'nowhere.yaml')
