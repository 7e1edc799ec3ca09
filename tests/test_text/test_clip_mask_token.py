"""CLIP's vocabulary with a mask token in place of its last byte pair."""

import pickle

import pytest

from mmt2ireid.text import CLIPTokenizer

pytest.importorskip('open_clip')
CAPTIONS = ["A man's t-shirt, 3 buttons", 'a plaidish shirt', 'woman ' * 150]


def test_captions_are_as_without():
    plain, masking = CLIPTokenizer(), CLIPTokenizer(mask_token=True)
    assert masking(CAPTIONS) == plain(CAPTIONS)
    assert [masking.word_ids(caption) for caption in CAPTIONS] == [plain.word_ids(caption) for caption in CAPTIONS]


def test_ids():
    tokenizer = CLIPTokenizer(mask_token=True)
    assert (tokenizer.mask_id, tokenizer.pad_id, tokenizer.vocab_size) == (49405, 0, 49408)
    assert tokenizer.special_ids == {49405, 49406, 49407}


def test_no_caption_holds_the_mask():
    """The one word that had its id is written in two pieces, and is still one word."""
    plain, masking = CLIPTokenizer(), CLIPTokenizer(mask_token=True)
    caption = 'Dr Jekyll in a coat'
    assert 49405 in plain([caption])[0]
    (ids,) = masking([caption])
    assert 49405 not in ids and len(ids) == len(plain([caption])[0]) + 1
    assert masking.word_ids(caption) == [-1, 0, 1, 1, 2, 3, 4, -1]
    assert masking._bpe.decode(ids[1:-1]).strip() == caption.lower()


def test_a_captions_own_mask_is_text():
    (ids,) = CLIPTokenizer(mask_token=True)(['a <mask> <|mask|> jekyll'])
    assert 49405 not in ids


def test_other_tokenizers_keep_their_vocabulary():
    CLIPTokenizer(mask_token=True)(['jekyll'])
    assert CLIPTokenizer()(['jekyll']) == [[49406, 49405, 49407]]


def test_pickled():
    tokenizer = pickle.loads(pickle.dumps(CLIPTokenizer(mask_token=True)))
    assert 49405 not in tokenizer(['jekyll'])[0] and tokenizer.mask_id == 49405
