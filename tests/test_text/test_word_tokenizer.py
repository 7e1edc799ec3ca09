import json

import pytest

from mmt2ireid.text import WordTokenizer, build_tokenizer

CAPTIONS = ['A man in a T-shirt.', "a woman; the man's shirt", 'A MAN']


def test_build_counts_lower_case_words():
    tokenizer = WordTokenizer.build(CAPTIONS, min_count=2)
    assert tokenizer.words == ['a', 'man', 'shirt']
    assert tokenizer(['Shirt, man & tie']) == [[4, 3, 1]]
    assert (tokenizer.pad_id, tokenizer.mask_id, tokenizer.vocab_size) == (0, None, 5)
    assert tokenizer.special_ids == {0, 1}
    assert tokenizer.word_ids('shirt, man') == [0, 1]


def test_default_minimum_is_three():
    assert WordTokenizer.build(CAPTIONS).words == ['a']
    with pytest.raises(ValueError, match='occurs 9 times'):
        WordTokenizer.build(CAPTIONS, min_count=9)


def test_truncation_is_counted():
    tokenizer = WordTokenizer(['man'], max_length=5)
    assert tokenizer(['man ' * 5, 'man ' * 6]) == [[2] * 5, [2] * 5]
    assert tokenizer.num_truncated == 1


def test_unknown_words_are_counted():
    tokenizer = WordTokenizer(['a', 'man'])
    tokenizer(['A man, a zebra.', '人'])
    assert (tokenizer.num_tokens, tokenizer.num_unknown) == (5, 2)


def test_punctuation_only_is_one_unknown_word():
    assert WordTokenizer(['man'])(['?!']) == [[1]]


def test_saved_vocabulary_gives_the_same_ids(tmp_path):
    tokenizer = WordTokenizer.build([*CAPTIONS, 'naïve 红 naïve'], min_count=1)
    path = tmp_path / 'words.json'
    tokenizer.save(path)
    again = build_tokenizer(dict(type='WordTokenizer', vocab=str(path)))
    captions = [*CAPTIONS, 'naïve 红 other']
    assert again(captions) == tokenizer(captions)
    assert [entry.name for entry in tmp_path.iterdir()] == ['words.json']


@pytest.mark.parametrize('content', ['{"words": 3}', '[]', '{"words": ["a", "a"]}', '{"words": [1]}', '{'])
def test_bad_vocabulary_file_is_named(tmp_path, content):
    path = tmp_path / 'words.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=r'words.json'):
        WordTokenizer(str(path))(['a'])


def test_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none.json'):
        WordTokenizer(str(tmp_path / 'none.json'))(['a'])


def test_file_is_plain_json(tmp_path):
    WordTokenizer(['man', 'red']).save(tmp_path / 'v.json')
    assert json.loads((tmp_path / 'v.json').read_text()) == {'words': ['man', 'red']}


PUBLISHED = dict(lower_case=False, delete_punctuation=True, end_word='<END>')


def test_captions_as_the_published_network_of_cmmt_reads_them():
    tokenizer = WordTokenizer(['a', '<END>', 'The', 'tshirt', 'the'], **PUBLISHED)
    assert tokenizer(['The t-shirt: a "the".']) == [[4, 5, 2, 6, 3]]
    assert tokenizer(['...']) == [[1, 3]]
    assert tokenizer.special_ids == {0, 1, 3} and tokenizer.word_ids('The a') == [0, 1, -1]
    short = WordTokenizer(['a', '<END>'], max_length=3, **PUBLISHED)
    assert short(['a a', 'a a a']) == [[2, 2, 3], [2, 2, 3]] and short.num_truncated == 1
    assert short.num_tokens == 4
    with pytest.raises(ValueError, match="'<END>' is not in it"):
        WordTokenizer(['a'], **PUBLISHED)(['a'])
    with pytest.raises(ValueError, match='end_word must be a word or None'):
        WordTokenizer(['a'], end_word='')


def test_a_vocabulary_is_counted_as_captions_are_read():
    built = WordTokenizer.build(['The T-shirt. the', 'The Tshirt'], min_count=2, **PUBLISHED)
    assert built.words == ['<END>', 'The', 'Tshirt'] and built.reading() == PUBLISHED
