import pytest

from mmt2ireid.datasets.toy.vocabulary import VOCAB_SIZE, build_vocabulary, tokenizer_files, words_of

CAPTIONS = ['A man wears a t-shirt.', 'The woman, in a long coat, walks.', 'The man walks.']


@pytest.fixture
def tokenizer(tmp_path):
    transformers = pytest.importorskip('transformers')
    for name, text in tokenizer_files(CAPTIONS).items():
        (tmp_path / name).write_text(text)
    return transformers.AutoTokenizer.from_pretrained(tmp_path)


def test_size_is_fixed_and_specials_come_first():
    entries = build_vocabulary(CAPTIONS)
    assert len(entries) == len(set(entries)) == VOCAB_SIZE
    assert entries[:5] == ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    assert entries[-1].startswith('[unused')
    assert {'man', 'walks', 'shirt', 'coat', '-', '##a'} <= set(entries)
    assert 't-shirt' not in entries


def test_order_does_not_depend_on_the_order_of_captions():
    assert build_vocabulary(CAPTIONS) == build_vocabulary(CAPTIONS[::-1])


def test_too_many_words_are_refused():
    with pytest.raises(ValueError, match='must fit into 115 entries, but got'):
        build_vocabulary(CAPTIONS, size=115)


def test_transformers_reads_it(tokenizer):
    assert len(tokenizer) == VOCAB_SIZE
    assert tokenizer.pad_token_id == 0
    ids = tokenizer('The MAN wears a t-shirt.')['input_ids']
    assert tokenizer.convert_ids_to_tokens(ids) == [
        '[CLS]', 'the', 'man', 'wears', 'a', 't', '-', 'shirt', '.', '[SEP]'
    ]  # fmt: skip


def test_unseen_words_fall_into_characters(tokenizer):
    tokens = tokenizer.tokenize('purple2 xylophone!')
    assert '[UNK]' not in tokens
    assert ''.join(token.removeprefix('##') for token in tokens) == 'purple2xylophone!'


def test_words_of():
    assert words_of('A man, in a T-shirt; his hair is black.') == [
        'a', 'man', 'in', 'a', 't-shirt', 'his', 'hair', 'is', 'black'
    ]  # fmt: skip
