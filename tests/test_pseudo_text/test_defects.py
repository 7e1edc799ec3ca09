"""The checker keeps silent on sound captions and finds every planted defect."""

import random

import pytest
from human_captions import BROKEN, REPORTED
from human_captions import SOUND as HUMAN
from planted_defects import PLANTED
from sound_captions import SOUND

from mmt2ireid.datasets.toy.captions import write_captions
from mmt2ireid.datasets.toy.sampling import distinct_persons, sample_shot
from mmt2ireid.datasets.toy.styles import STYLES
from mmt2ireid.pseudo_text.defects import DEFECT_KINDS, defect_kind, find_defects


def toy_captions(domain, count, per_person=2):
    for number, person in enumerate(distinct_persons(5, domain, count)):
        rng = random.Random(f'{domain}{number}')
        yield from write_captions(person, sample_shot(rng, person, hide_feet=0.3), domain, rng, per_person)


SOUND_TOY = [caption for domain in STYLES for caption in toy_captions(domain, 100, 1)]


def kinds(caption, **options):
    return {defect_kind(defect) for defect in find_defects(caption, **options)}


def test_there_are_enough_sound_captions():
    assert len(set(SOUND)) >= 450
    assert len(set(HUMAN)) >= 150


@pytest.mark.parametrize('caption', [*SOUND, *REPORTED, *HUMAN])
def test_sound_captions_have_no_defect(caption):
    assert find_defects(caption) == []
    assert find_defects(caption.lower()) == []


@pytest.mark.parametrize(('kind', 'caption'), [(kind, text) for kind, texts in PLANTED.items() for text in texts])
def test_planted_defects_are_found(kind, caption):
    assert kind in kinds(caption)


@pytest.mark.parametrize(('kind', 'caption'), [(kind, text) for kind, texts in BROKEN.items() for text in texts])
def test_broken_captions_of_people_have_their_defect_and_no_other(kind, caption):
    assert kinds(caption) == {kind}


def test_every_kind_is_planted():
    assert set(PLANTED) == set(DEFECT_KINDS)
    assert all(len(texts) >= 2 for texts in PLANTED.values())


@pytest.mark.parametrize('domain', STYLES)
def test_toy_captions_have_no_defect(domain):
    captions = list(toy_captions(domain, 800))
    assert len(captions) >= 1500
    assert [(text, defects) for text in captions if (defects := find_defects(text))] == []


def test_a_defect_of_the_release_is_found():
    """The examples that are known of LUPerson-T's released captions."""
    assert 'markup' in kinds('The <age> woman is walking, wearing a blue shirt and black jeans.')
    assert 'doubled words' in kinds('A young man is walking. He has short hair hair.')
    assert 'agreement' in kinds('The elderly woman is go for a walk in a red coat and black trousers.')
    assert 'pronoun' in kinds('The man wears a white t-shirt. He leggings are black.')


@pytest.mark.parametrize('caption', SOUND_TOY[::3])
def test_any_doubled_word_is_found(caption):
    tokens = caption.split()
    for place, token in enumerate(tokens):
        doubled = [*tokens[:place], token.strip('.,'), *tokens[place:]]
        assert 'doubled words' in kinds(' '.join(doubled)), token


@pytest.mark.parametrize('caption', SOUND_TOY)
def test_any_wrong_article_is_found(caption):
    tokens = caption.split()
    other = {'a': 'an', 'an': 'a', 'A': 'An', 'An': 'A'}
    for place, token in enumerate(tokens):
        if token in other:
            assert 'article' in kinds(' '.join([*tokens[:place], other[token], *tokens[place + 1 :]]))


@pytest.mark.parametrize('caption', SOUND_TOY)
def test_a_verb_after_its_pronoun_must_agree(caption):
    plural = {'is': 'are', 'has': 'have', 'wears': 'wear', 'carries': 'carry', 'walks': 'walk', 'holds': 'hold'}
    tokens = caption.split()
    for place in range(1, len(tokens)):
        if tokens[place] in plural and tokens[place - 1] in ('he', 'she', 'He', 'She'):
            broken = [*tokens[:place], plural[tokens[place]], *tokens[place + 1 :]]
            assert 'agreement' in kinds(' '.join(broken)), ' '.join(broken)


@pytest.mark.parametrize('caption', [text for text in SOUND_TOY if {'man', 'woman'} & set(text.split())])
def test_a_pronoun_of_the_other_gender_is_found(caption):
    other = {'he': 'she', 'He': 'She', 'his': 'her', 'His': 'Her', 'she': 'he', 'She': 'He'}
    tokens = caption.split()
    for place, token in enumerate(tokens):
        if token in other and tokens[place - 1] != 'beside':
            broken = ' '.join([*tokens[:place], other[token], *tokens[place + 1 :]])
            assert kinds(broken) & {'gender', 'pronoun'}, broken


@pytest.mark.parametrize('caption', SOUND_TOY[::2])
def test_a_blank_in_place_of_any_word_is_found(caption):
    tokens = caption.split()
    for place in range(len(tokens)):
        for blank in ('<bag>', '{hat}', '[MASK]', '____'):
            assert 'markup' in kinds(' '.join([*tokens[:place], blank, *tokens[place + 1 :]]))


@pytest.mark.parametrize('caption', SOUND_TOY[::2])
def test_what_vanished_behind_wearing_is_missed(caption):
    head, found, _ = caption.partition(' wearing ')
    if found:
        assert 'dangling' in kinds(f'{head} wearing.')
        assert 'dangling' in kinds(f'{head} wearing a .')


@pytest.mark.parametrize('caption', SOUND_TOY[::5])
def test_repeated_sentences_are_found(caption):
    assert 'repeated sentence' in kinds(f'{caption} {caption}')


def test_a_missing_comma_is_named():
    assert find_defects('He wears a white shirt black pants.') == ['run-on: "shirt black pants"']
    assert find_defects('He wears a gray hoodie jeans.') == ['run-on: "hoodie jeans"']


def test_blanks_and_capitals_are_named():
    defects = find_defects('A man wears a cap.He has  a bag , and a coat. he walks.')
    assert defects == [
        "spacing: two blanks after 'has'", "spacing: a blank before ','", "spacing: no blank before 'He'",
        "capital: 'he' after a stop",
    ]  # fmt: skip


@pytest.mark.parametrize(
    'caption',
    [
        'a man in a coat , he has a bag .', 'The man ... he has 1.5 bags, 2,000 dots and a J.Crew shirt.',
        'He wears a shirt with www.example.com and U.S.A. on it.', 'The man is approx. thirty, with an iPhone. iPads?',
        'the man walks. he has a bag.',
    ],
)  # fmt: skip
def test_manners_of_writing_are_sound(caption):
    assert not kinds(caption) & {'spacing', 'capital'}


def test_length_is_counted_in_words():
    caption = ' '.join(['The man walks on in a red shirt.', *(f'Item {number}.' for number in range(10))])
    assert 'over-long' not in kinds(caption, max_words=28)
    assert 'over-long' in kinds(caption, max_words=27)


def test_a_defect_is_said_once_and_names_its_words():
    defects = find_defects('He are walking. He are walking on.')
    assert defects == ['agreement: "he are"']


def test_arguments_are_checked():
    with pytest.raises(TypeError, match='must be a text, but got None'):
        find_defects(None)
    with pytest.raises(ValueError, match='max_words must be at least 1, but got 0'):
        find_defects('A man.', max_words=0)
    with pytest.raises(ValueError, match="must be 'kind: what'"):
        defect_kind('something else')


@pytest.mark.parametrize(
    'caption', ['a', 'A', 'he', 'is', 'the', 'and', 'who', 'a a', "man's", '.a', "'s", 'his', '?', '\ufb01ne \u0130 a']
)
def test_fragments_do_not_break_the_checker(caption):
    assert isinstance(find_defects(caption), list)


def test_random_words_do_not_break_the_checker():
    rng = random.Random(0)
    words = [*' '.join(SOUND).split(), ',', '.', 'a', 'an', 'is', '', '-', '"', 'He', 'are']
    for _ in range(3000):
        caption = ' '.join(rng.choices(words, k=rng.randint(1, 30)))
        assert {defect_kind(defect) for defect in find_defects(caption)} <= set(DEFECT_KINDS)


def test_the_manner_of_pseudo_texts_is_sound():
    first = 'The middle-aged woman is walking, dressed in a blue striped shirt and black jeans.'
    assert find_defects(f'{first} She wears glasses and carries a bag, and she has long hair.') == []
