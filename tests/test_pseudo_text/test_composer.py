"""Combine: captions without a broken sentence, the same in whatever order."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from mmt2ireid.pseudo_text import CaptionComposer, Synonyms, load_catalogue, load_synonyms, load_templates
from mmt2ireid.pseudo_text.defects import find_defects

CATALOGUE = load_catalogue()
COMPOSER = CaptionComposer(CATALOGUE, load_templates())
USUAL = {
    'age': 'young',
    'gender': 'man',
    'upper clothes': 'a blue striped shirt',
    'lower clothes': 'black jeans',
    'action': 'walking',
    'hair length': 'short hair',
}


def draw(rng, probability):
    """A phrase of each required attribute, and of each optional one with a probability."""
    return {
        name: rng.choice(attribute.phrases)
        for name, attribute in CATALOGUE.items()
        if attribute.required or rng.random() < probability
    }


def captions(count, probability, seed=0, composer=COMPOSER):
    rng = random.Random(seed)
    return [composer.compose(f'{seed}/{number}.jpg', draw(rng, probability)) for number in range(count)]


@pytest.mark.parametrize('probability', [0.0, 0.06, 0.5, 1.0])
def test_no_caption_has_a_defect(probability):
    found = {text: defects for text in captions(4000, probability) if (defects := find_defects(text))}
    assert not found


def test_each_template_is_sound_whatever_is_absent():
    """Each of the 456 alone, with many subsets of the optional attributes."""
    rng = random.Random(3)
    for chosen, text in enumerate(load_templates()):
        for _ in range(12):
            keys, present = COMPOSER._read(draw(rng, rng.choice([0.1, 0.5, 0.9])))
            caption = COMPOSER._fill(COMPOSER._compiler.skeleton(chosen, present), keys, rng.getrandbits(512))
            assert not find_defects(caption), (text, caption)
            assert re.fullmatch(r"[A-Z][\w ,.'-]*\.", caption), (text, caption)
            assert not re.search(r'  | [,.]|[,.]{2}|\. [a-z]', caption), (text, caption)


def test_every_age_with_every_gender():
    for age, gender in itertools.product(CATALOGUE['age'].phrases, CATALOGUE['gender'].phrases):
        for number in range(60):
            caption = COMPOSER.compose(str(number), {**USUAL, 'age': age, 'gender': gender})
            words = set(re.findall(r'\w+', caption.lower()))
            mine, other = (
                ({'he', 'his', 'him'}, {'she', 'her'}) if gender == 'man' else ({'she', 'her'}, {'he', 'his', 'him'})
            )
            assert not words & other, caption
            assert bool(words & {'boy', 'girl', 'teenager'}) == (age in ('child', 'teenage')), caption
            assert (gender == 'man') != bool(words & {'woman', 'lady', 'girl'}), caption
            assert words & mine or len(caption.split('.')) <= 3
            assert not find_defects(caption), caption


def test_lengths_are_like_the_release():
    for probability in (0.056, 0.5, 1.0):  # 0.056: the 580,257 optional attributes of 1.28M images
        lengths = [len(text.split()) for text in captions(4000, probability)]
        assert min(lengths) >= 13 and max(lengths) <= 39
        if probability == 0.056:
            assert 22 <= sum(lengths) / len(lengths) <= 26


def test_captions_are_diverse():
    assert len(set(captions(20000, 0.06))) > 19800
    firsts = Counter(text.split()[0] for text in captions(4000, 0.06))
    assert len(firsts) > 15 and firsts.most_common(1)[0][1] < 0.4 * 4000


def test_the_order_does_not_matter():
    rng = random.Random(1)
    work = [(f'{number}.jpg', draw(rng, 0.3)) for number in range(300)]
    once = {name: COMPOSER.compose(name, attributes) for name, attributes in work}
    rng.shuffle(work)
    again = CaptionComposer(load_catalogue(), load_templates())
    for name, attributes in work:
        reordered = dict(sorted(attributes.items(), key=lambda _: rng.random()))
        assert again.compose(name, reordered) == once[name]


def test_another_process_writes_the_same():
    """Not by hash(), which differs from process to process."""
    code = (
        'from mmt2ireid.pseudo_text import *\n'
        f'print(CaptionComposer(load_catalogue(), load_templates()).compose("a.jpg", {USUAL!r}))'
    )
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == COMPOSER.compose('a.jpg', USUAL)


def test_seed_and_image_change_the_caption():
    other = CaptionComposer(CATALOGUE, load_templates(), seed=1)
    names = [f'{number}.jpg' for number in range(50)]
    assert sum(COMPOSER.compose(name, USUAL) == other.compose(name, USUAL) for name in names) <= 2
    assert len({COMPOSER.compose(name, USUAL) for name in names}) > 45


def test_several_captions_of_an_image_differ_and_begin_with_the_first():
    texts = COMPOSER.compose_all('a.jpg', USUAL, 5)
    assert len(set(texts)) == 5 and texts[0] == COMPOSER.compose('a.jpg', USUAL)
    assert COMPOSER.compose_all('a.jpg', USUAL, 3) == texts[:3]


def test_where_there_are_not_so_many_captions_they_repeat():
    one = ['The {person} with {hair length} is {action} in {upper clothes} and {lower clothes}.']
    composer = CaptionComposer(CATALOGUE, one, synonyms=Synonyms())
    # Two names of a young man, nothing else to choose from.
    assert len(composer.compose_all('a', USUAL, 5)) == 5
    assert set(composer.compose_all('a', USUAL, 5)) == {
        'The young man with short hair is walking in a blue striped shirt and black jeans.',
        'The young gentleman with short hair is walking in a blue striped shirt and black jeans.',
    }


def only(*templates, catalogue=CATALOGUE):
    return CaptionComposer(catalogue, templates, synonyms=Synonyms())


REST = ' {he} has {hair length} and {lower clothes} and is {action}.'


@pytest.mark.parametrize(
    'extra, expected',
    [
        ({}, 'The boy wears a blue striped shirt.'),
        ({'bag': 'a handbag'}, 'The boy wears a blue striped shirt and carries a handbag.'),
        ({'hat': 'a cap'}, 'The boy wears a blue striped shirt and a cap.'),
        ({'hat': 'a cap', 'glasses': 'glasses'}, 'The boy wears a blue striped shirt, glasses and a cap.'),
    ],
)
def test_what_is_absent_vanishes_cleanly(extra, expected):
    composer = only('The {noun} wears <{upper clothes} | {glasses} | {hat}>[ and carries {bag}].' + REST)
    caption = composer.compose('a', {**USUAL, 'age': 'child', **extra})
    assert caption == expected + ' He has short hair and black jeans and is walking.'


def test_an_attribute_is_said_once():
    composer = only('The {person} has {upper clothes}[ and {bag}].[ {bag} can be seen.]' + REST)
    caption = composer.compose('a', {**USUAL, 'bag': 'a handbag'})
    assert caption.count('handbag') == 1


def test_on_wish_as_much_is_said_as_templates_can():
    telling = CaptionComposer(CATALOGUE, load_templates(), say_most=True)
    person = {**USUAL, 'glasses': 'sunglasses', 'hat': 'a helmet'}
    said = [
        sum(bool(re.search('sunglasses|dark glasses', text.lower())) + ('helmet' in text) for text in texts)
        for composer in (COMPOSER, telling)
        if (texts := [composer.compose(str(number), person) for number in range(200)])
    ]
    assert said[1] == 400 and said[0] < 300
    assert telling.digest != COMPOSER.digest


def test_verbs_agree_with_garments():
    rest = ' The {person} is {action} in {upper clothes}, with {hair length}.'
    composer = only('{his} {bare lower clothes} {lower clothes:is|are} seen.' + rest)
    assert composer.compose('a', USUAL).startswith('His black jeans are seen.')
    woman = {**USUAL, 'gender': 'woman', 'lower clothes': 'a red skirt'}
    assert composer.compose('a', woman).startswith('Her red skirt is seen.')


def test_what_is_ridden_is_said_with_riding():
    riding = {**USUAL, 'action': 'riding', 'vehicle': 'a bicycle'}
    for number in range(200):
        caption = COMPOSER.compose(str(number), riding)
        assert re.search(r'\brid(es|ing) a (bicycle|bike)\b', caption), caption
        assert len(re.findall('bicycle|bike', caption)) == 1
        assert 'riding along' not in caption


def test_synonyms_replace_words_and_phrases():
    texts = ' '.join(captions(3000, 0.5))
    for word in ('trousers', 'sweatpants', 'rucksack', 'spectacles', 'checkered', 'mid-length hair', 'mobile phone',
                 'hooded sweatshirt', 'windbreaker', 'bike', 'grey', 'is cropped'):  # fmt: skip
        assert word in texts
    assert 'pure color' not in texts


def test_words_are_replaced_whole_and_the_longest_first():
    table = Synonyms(words={'pants': ['trousers'], 'sports pants': ['sweatpants'], 'cap': ['hat']})
    assert list(table.substitutes('red sports pants')) == ['red sweatpants']
    assert list(table.substitutes('a cape and a cap-like thing')) == ['a cape and a cap-like thing']


@pytest.mark.parametrize(
    'change, message',
    [
        ({'age': None}, r"\['age'\] are missing"),
        ({'shoes': 'boots'}, r"\['shoes'\] unknown"),
        ({'action': 'flying'}, "action must be one of the phrases.*'flying'"),
        ({'bag': 'a sack'}, "bag must be one of the phrases.*'a sack'"),
        ({'bag': ['a backpack']}, r"bag must be one of the phrases.*\['a backpack'\]"),
        ({'shoes': 'boots', 1: 'x'}, r"\[1, 'shoes'\] unknown"),
    ],
)
def test_attributes_must_be_of_the_catalogue(change, message):
    with pytest.raises(ValueError, match=message):
        COMPOSER.compose('a', {**USUAL, **change})


@pytest.mark.parametrize(
    'template, message',
    [
        ('The {person} is {action}.', 'must say the required attribute'),
        ('The {person} with {shirt}.', '{shirt} must be one of'),
        ('{bag} and {upper clothes} of the {person}.' + REST, '{bag} must stand in brackets'),
        ('<{bag} | {hat}> and {upper clothes} of the {person}.' + REST, 'must have an item that every person has'),
        ('The {person.old} wears {upper clothes}.' + REST, '{person} must be without .form'),
        ('<|>The {person} wears {upper clothes}.' + REST, 'must hold something'),
        ('The {person} wears {upper clothes} {upper clothes:a|b|c}.' + REST, 'must be like'),
        ('The {person} {hair length.colour}' + REST, "must have a form 'colour'"),
    ],
)
def test_a_bad_template_is_refused_by_number_and_reason(template, message):
    with pytest.raises(ValueError, match=f'template 1: .*{message}'):
        only(template)


def test_there_must_be_templates():
    with pytest.raises(ValueError, match='templates must hold at least one'):
        CaptionComposer(CATALOGUE, [])


def test_synonyms_may_not_change_the_number():
    with pytest.raises(ValueError, match=r"synonyms of 'black jeans'.*must be all singular or all plural"):
        CaptionComposer(CATALOGUE, load_templates(), synonyms=Synonyms(
            words={'jeans': ['jeans', 'pair of trunks and a sock']}, classes=load_synonyms().classes))  # fmt: skip


def with_shoes(tmp_path, sentences):
    content = yaml.safe_load(Path(CATALOGUE.path).read_text())
    content['attributes']['shoes'] = {
        'required': False, 'phrases': ['white sneakers', 'a black boot'], 'negative': 'a person without shoes',
        **({'sentences': sentences} if sentences else {}),
    }  # fmt: skip
    path = tmp_path / 'mine.yaml'
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return load_catalogue(path)


def test_a_new_attribute_takes_data_only(tmp_path):
    catalogue = with_shoes(tmp_path, ['{he} {wears} {shoes}.', 'On {his} feet {shoes:is|are} {shoes}.'])
    composer = CaptionComposer(catalogue, load_templates())
    texts = [composer.compose(str(number), {**USUAL, 'shoes': 'white sneakers'}) for number in range(100)]
    assert all(text.count('white sneakers.') == 1 for text in texts)
    assert any('On his feet are white sneakers.' in text for text in texts)
    assert not [text for text in texts if find_defects(text)]
    assert composer.compose('a', USUAL) == COMPOSER.compose('a', USUAL)


def test_an_attribute_that_nothing_says_is_told(tmp_path, caplog):
    CaptionComposer(with_shoes(tmp_path, []), load_templates())
    assert "no template has a blank for ['shoes']" in caplog.text


def test_another_language_takes_data_only(tmp_path):
    path = tmp_path / 'zh.yaml'
    path.write_text(yaml.safe_dump({
        'language': 'zh',
        'attributes': {
            'age': {'required': True, 'phrases': ['年轻', '老年'], 'prompts': ['一张{}人的照片']},
            'gender': {'required': True, 'phrases': ['男性', '女性'], 'prompts': ['一张{}的照片']},
            'clothes': {'required': True, 'compose': '{colour}{garment}',
                        'parts': {'colour': ['红色', '黑色'], 'garment': ['衬衫', '外套']}},
            'bag': {'required': False, 'phrases': ['背包'], 'negative': '没有包的人'},
        },
        'persons': {gender: {'pronouns': {'他': word}, 'noun': [gender],
                             'ages': {age: {'person': [age + gender]} for age in ('年轻', '老年')}}
                    for gender, word in (('男性', '他'), ('女性', '她'))},
    }, allow_unicode=True, sort_keys=False), encoding='utf-8')  # fmt: skip
    catalogue = load_catalogue(path)
    composer = CaptionComposer(catalogue, ['一位{person}穿着{clothes}。[{他}背着{bag}。]'], synonyms=Synonyms())
    person = {'age': '年轻', 'gender': '女性', 'clothes': '红色衬衫'}
    assert composer.compose('a', person) == '一位年轻女性穿着红色衬衫。'
    assert composer.compose('a', {**person, 'bag': '背包'}) == '一位年轻女性穿着红色衬衫。她背着背包。'
    assert catalogue['age'].prompt_texts()[0] == ('一张年轻人的照片',)


def test_the_digest_tells_tables_apart():
    table = load_synonyms()
    other = Synonyms(words={}, compositions=table.compositions, classes=table.classes)
    assert COMPOSER.digest == CaptionComposer(CATALOGUE, load_templates(), seed=5).digest
    assert COMPOSER.digest != CaptionComposer(CATALOGUE, load_templates()[:228]).digest
    assert COMPOSER.digest != CaptionComposer(CATALOGUE, load_templates(), synonyms=other).digest


@pytest.mark.slow
def test_a_million_captions_without_a_defect():
    rng = random.Random(0)
    seen, lengths = set(), Counter()
    for number in range(1_000_000):
        caption = COMPOSER.compose(f'{number}.jpg', draw(rng, rng.choice([0.05, 0.2, 0.5])))
        assert not find_defects(caption), caption
        seen.add(hash(caption))
        lengths[caption.count(' ') + 1] += 1
    assert len(seen) > 100_000
    assert min(lengths) >= 13 and max(lengths) <= 39


@pytest.mark.parametrize('name', ['a\ud800.jpg', 'a\udcff.jpg'])
def test_names_that_are_no_unicode_text(name):
    """Lone surrogates: JSON can hold the first, and Python names files that are not UTF-8 by the second."""
    assert COMPOSER.compose(name, USUAL) == COMPOSER.compose(name, USUAL)
