"""Noun phrases: against phrases found by hand, NLTK's own chunker and NLTK's tagger."""

import random

import pytest
from phrase_captions import GOLD

from mmt2ireid.datasets.toy.captions import write_captions
from mmt2ireid.datasets.toy.sampling import distinct_persons, sample_shot
from mmt2ireid.datasets.toy.styles import STYLES
from mmt2ireid.text import build_tagger, noun_phrases
from mmt2ireid.text.phrases import nltk_tagger
from mmt2ireid.text.phrases.chunker import chunk
from mmt2ireid.text.phrases.lemmas import Lemmatizer
from mmt2ireid.text.phrases.lexicon import Lexicon, shared_lexicon
from mmt2ireid.text.phrases.words import sentences


def toy_captions(per_domain, per_person=2):
    for domain in STYLES:
        for number, person in enumerate(distinct_persons(5, domain, per_domain)):
            rng = random.Random(f'{domain}{number}')
            yield from write_captions(person, sample_shot(rng, person, hide_feet=0.3), domain, rng, per_person)


def phrases(caption, tagger):
    return [' '.join(phrase) for phrase in noun_phrases(caption, tagger)]


@pytest.fixture(scope='module')
def embedded():
    return build_tagger('embedded')


@pytest.fixture(scope='module')
def perceptron():
    try:
        return build_tagger('nltk')
    except (ImportError, FileNotFoundError) as error:
        pytest.skip(f'NLTK and its data are optional: {error}')


@pytest.mark.parametrize(('caption', 'gold'), GOLD.items())
def test_embedded_tagger_finds_the_phrases(caption, gold, embedded):
    assert phrases(caption, embedded) == gold.split('|')


@pytest.mark.parametrize(('caption', 'gold'), GOLD.items())
def test_perceptron_finds_the_phrases(caption, gold, perceptron):
    assert phrases(caption, perceptron) == gold.split('|')


def test_case_quotes_and_spaces_do_not_matter(embedded):
    plain = phrases("the man's bag is black, and he wears a t-shirt", embedded)
    assert plain == ['man', 'bag', 't-shirt']
    assert phrases('  The MAN\u2019s bag is\tblack,and he wears a T\u2011Shirt', embedded) == plain


@pytest.mark.parametrize('caption', ['', '  ', '.,;!?', 'She is walking away.', '\u2603 \ud800', 'n\u2019t'])
def test_captions_without_noun_phrase(caption, embedded):
    assert phrases(caption, embedded) == []


def test_unknown_words_are_judged_by_suffix_and_place(embedded):
    assert phrases('A gorgeous zorble wears frumious blunters.', embedded) == ['gorgeous zorble', 'frumious blunters']
    assert phrases('He quickly swizzles a 10-year-old frabjection.', embedded) == ['10-year-old frabjection']


def test_sentences_do_not_run_into_each_other():
    assert sentences('A t shirt. Shoes; (a bag)!', Lexicon()) == [('a', 't-shirt'), ('shoes',), ('(', 'a', 'bag', ')')]


@pytest.mark.parametrize('per_domain', [60])
def test_chunks_equal_those_of_nltk(per_domain, embedded):
    """The grammar, run by NLTK's regular-expression chunker over the tags after the lexicon's say."""
    nltk = pytest.importorskip('nltk')
    parser = nltk.RegexpParser('NP: {<M>*(<AND><M>+)*<N>+}')
    lexicon = shared_lexicon()
    names = {'JJ': 'M', 'CD': 'M', 'NN': 'N', 'NNS': 'N', 'CC': 'AND'}
    compared = 0
    for caption in toy_captions(per_domain, 1):
        for words in sentences(caption, lexicon):
            # Words that the lexicon does not know, so that the tags alone decide.
            tags = embedded.tag(words)
            strange = [word if tag == 'CC' else f'zz{i}' for i, (word, tag) in enumerate(zip(words, tags, strict=True))]
            kept = [tag if tag in names else 'XX' for tag in tags]
            tree = parser.parse([(word, names.get(tag, 'X')) for word, tag in zip(strange, kept, strict=True)])
            wanted = [
                tuple(word for word, role in part if role != 'AND')
                for part in tree.subtrees(lambda part: part.label() == 'NP')
            ]
            assert chunk(strange, kept, lexicon) == wanted
            compared += len(wanted)
    assert compared > 500


def test_taggers_agree_on_toy_captions(embedded, perceptron):
    shared = either = 0
    for caption in toy_captions(100):
        ours, theirs = set(phrases(caption, embedded)), set(phrases(caption, perceptron))
        shared, either = shared + len(ours & theirs), either + len(ours | theirs)
    assert shared / either > 0.97


def test_toy_captions_are_read_completely(embedded):
    """What a toy person wears is in a phrase: no garment is lost between the taggers' errors."""
    garments = {'shirt', 't-shirt', 'jacket', 'pants', 'trousers', 'jeans', 'skirt', 'shorts', 'sweater', 'hoodie'}
    for caption in toy_captions(60, 1):
        heads = {phrase[-1] for phrase in noun_phrases(caption, embedded)}
        said = {word for sentence in sentences(caption, shared_lexicon()) for word in sentence}
        assert said & garments - {'shirt'} <= heads


@pytest.mark.parametrize(
    ('plural', 'singular'),
    [
        ('shirts', 'shirt'), ('dresses', 'dress'), ('dress', 'dress'), ('watches', 'watch'), ('ladies', 'lady'),
        ('boxes', 'box'), ('women', 'woman'), ('policemen', 'policeman'), ('people', 'person'), ('feet', 'foot'),
        ('scarves', 'scarf'), ('jeans', 'jeans'), ('jean', 'jeans'), ('pant', 'pants'), ('glasses', 'glasses'),
        ('sunglasses', 'sunglasses'), ('shoes', 'shoe'), ('t-shirts', 't-shirt'), ('flip-flops', 'flip-flop'),
        ('hoodies', 'hoodie'), ('bus', 'bus'), ('striped', 'striped'), ('canvas', 'canvas'), ('ties', 'tie'),
        ('abdomen', 'abdomen'), ('specimens', 'specimen'), ('booties', 'bootie'), ('firemen', 'fireman'),
        ('polka-dots', 'polka-dot'), ('adidas', 'adidas'),
        ('men', 'man'), ('children', 'child'), ('toes', 'toe'), ('sleeves', 'sleeve'), ('buses', 'bus'),
    ],
)  # fmt: skip
def test_lemmas(plural, singular):
    lemmatizer = Lemmatizer()
    assert lemmatizer.lemma(plural) == singular
    assert lemmatizer.lemma(singular) == singular


def test_a_dictionary_serves_words_that_are_not_listed():
    lemmatizer = Lemmatizer({'oxen': 'ox', 'jeans': 'jean'}.get)
    assert [lemmatizer.lemma(word) for word in ('oxen', 'jeans', 'shirts')] == ['ox', 'jeans', 'shirt']


def test_lexicon_has_no_word_that_cannot_be_used():
    lexicon = Lexicon()
    describing = lexicon.words['modifiers'] | lexicon.words['describing_participles']
    assert not lexicon.sure_others & (describing | lexicon.words['nouns'])
    assert all(right in lexicon for right in lexicon.spellings.values())


@pytest.mark.parametrize('missing', ['nltk', 'data', 'old'])
def test_without_nltk_the_embedded_tagger_reads(missing, monkeypatch):
    if missing == 'nltk':
        monkeypatch.setitem(__import__('sys').modules, 'nltk', None)
        error, words = ImportError, r'mmt2ireid\[cmmt\]'
    else:
        nltk = pytest.importorskip('nltk')
        if missing == 'old':
            monkeypatch.setattr(nltk, '__version__', '3.8.1')
        else:
            monkeypatch.setattr(nltk_tagger, '_FOLDER', 'taggers/there_is_none/')
        error, words = (ImportError, '3.9 or newer') if missing == 'old' else (FileNotFoundError, 'NLTK_DATA')
    assert build_tagger('auto').name == 'embedded'
    with pytest.raises(error, match=words):
        build_tagger('nltk')


def test_unknown_tagger():
    with pytest.raises(ValueError, match="must be one of auto, nltk, embedded, but got 'spacy'"):
        build_tagger('spacy')
