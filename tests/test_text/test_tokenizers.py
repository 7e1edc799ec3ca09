import json
import pickle

import pytest

from mmt2ireid.text import CLIPTokenizer, HFTokenizer, build_tokenizer, shared_tokenizer

PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'man', 'in', 'red', 'shirt', '##s', 'walk', '##ing', '.']


@pytest.fixture
def bert_dir(tmp_path):
    (tmp_path / 'vocab.txt').write_text('\n'.join(PIECES) + '\n')
    config = {'tokenizer_class': 'BertTokenizer', 'do_lower_case': True}
    (tmp_path / 'tokenizer_config.json').write_text(json.dumps(config))
    return str(tmp_path)


def test_bert_ids_and_facts(bert_dir):
    tokenizer = HFTokenizer(bert_dir)
    ids = tokenizer(['A man walking.', 'red shirts zzz'])
    assert [[PIECES[i] for i in one] for one in ids] == [
        ['[CLS]', 'a', 'man', 'walk', '##ing', '.', '[SEP]'],
        ['[CLS]', 'red', 'shirt', '##s', '[UNK]', '[SEP]'],
    ]
    assert (tokenizer.pad_id, tokenizer.mask_id, tokenizer.vocab_size) == (0, 4, len(PIECES))
    assert tokenizer.special_ids == {0, 1, 2, 3, 4}
    assert tokenizer.word_ids('A man walking.') == [-1, 0, 1, 2, 2, 3, -1]
    assert tokenizer.num_truncated == 0


def test_bert_equals_transformers_call(bert_dir):
    from transformers import AutoTokenizer

    captions = ['a man in a red shirt', 'Walking shirts . ' * 9, 'red']
    expected = AutoTokenizer.from_pretrained(bert_dir)(captions, truncation=True, max_length=12)['input_ids']
    assert HFTokenizer(bert_dir, max_length=12)(captions) == expected


CHINESE = '一个穿红衣服的女人'


def test_unknown_tokens_are_counted(bert_dir):
    tokenizer = HFTokenizer(str(bert_dir))
    tokenizer(['a red zebra .', 'a man'])
    assert (tokenizer.num_tokens, tokenizer.num_unknown) == (6, 1)
    assert tokenizer.unknown_share([CHINESE]) == 1 and tokenizer.unknown_share(['a man', 'a zebra']) == 0.25
    assert tokenizer.unknown_share([]) == 0
    assert (tokenizer.num_tokens, tokenizer.num_unknown) == (6, 1)


def test_clip_counts_what_it_writes_byte_by_byte():
    tokenizer = CLIPTokenizer()
    assert tokenizer.unknown_share(['a man in a red t-shirt, café at 10 €', 'a naïve 😀']) == 0
    assert tokenizer.unknown_share([CHINESE]) > 0.7


def test_a_caption_cannot_name_special_tokens(bert_dir):
    pieces = [PIECES[i] for i in HFTokenizer(bert_dir)(['red [SEP] [MASK] red'])[0]]
    assert pieces[:2] + pieces[-2:] == ['[CLS]', 'red', 'red', '[SEP]']
    assert set(pieces[2:-2]) == {'[UNK]'}


def test_150_words_keep_their_special_tokens(bert_dir):
    tokenizer = HFTokenizer(bert_dir)
    (ids,) = tokenizer([' '.join(['man'] * 150)])
    assert len(ids) == 100 and ids[0] == 2 and ids[-1] == 3 and set(ids[1:-1]) == {6}
    tokenizer(['a man', ' '.join(['man'] * 98)])
    assert tokenizer.num_truncated == 1
    assert len(tokenizer.word_ids(' '.join(['man'] * 150))) == 100 and tokenizer.num_truncated == 1


@pytest.mark.parametrize('caption', ['', '  \n'])
def test_empty_caption_is_named(bert_dir, caption):
    with pytest.raises(ValueError, match='caption 1 must hold at least one word'):
        HFTokenizer(bert_dir)(['a man', caption])


def test_single_string_is_refused(bert_dir):
    with pytest.raises(TypeError, match='list of str'):
        HFTokenizer(bert_dir)('a man')


def test_hf_is_loaded_at_the_first_call_only():
    tokenizer = HFTokenizer('no/such/folder')
    with pytest.raises(FileNotFoundError, match=r"transformers tokenizer 'no/such/folder'.*local directory"):
        tokenizer(['a man'])


def test_hub_failure_names_the_tokenizer(monkeypatch):
    import transformers

    def refuse(name, **kwargs):
        raise OSError(f'no connection for {name}\nmore lines')

    monkeypatch.setattr(transformers.AutoTokenizer, 'from_pretrained', refuse)
    with pytest.raises(FileNotFoundError, match=r"transformers tokenizer 'bert-base-uncased': no connection.*HF_HOME"):
        HFTokenizer()(['a man'])


def test_clip_equals_open_clip():
    import open_clip

    captions = ["A man's t-shirt, 3 buttons", 'woman ' * 150]
    expected = open_clip.tokenizer.SimpleTokenizer()(captions)
    tokenizer = CLIPTokenizer()
    ids = tokenizer(captions)
    for one, row in zip(ids, expected.tolist(), strict=True):
        assert one == row[: len(one)] and not any(row[len(one) :])
    assert len(ids[1]) == 77 and ids[1][-1] == 49407 and tokenizer.num_truncated == 1
    assert (tokenizer.vocab_size, tokenizer.mask_id, tokenizer.pad_id) == (49408, None, 0)
    assert tokenizer.special_ids == {49406, 49407}


def test_clip_word_ids():
    tokenizer = CLIPTokenizer()
    words = tokenizer.word_ids('a plaidish shirt')
    (ids,) = tokenizer(['a plaidish shirt'])
    assert len(words) == len(ids) and words[0] == words[-1] == -1 and words[1] == 0 and words[-2] == 2
    assert words[2:-2] == [1] * (len(ids) - 4)


MARKS = '.!"()*#:;~'


class TestDroppedCharacters:
    def test_they_are_blanks(self):
        plain, dropping = CLIPTokenizer(), CLIPTokenizer(drop_characters=MARKS)
        assert [len(tokenizer(['A man walks.'])[0]) for tokenizer in (plain, dropping)] == [6, 5]
        caption = 'A man (tall) walks.He: "wears" a t-shirt, blue; *new* shoes #1 ~!'
        assert dropping([caption]) == plain(['A man tall walks He wears a t-shirt, blue new shoes 1'])
        words = dropping.word_ids(caption)
        assert len(words) == len(dropping([caption])[0]) and words[-2] == 14

    def test_other_marks_stay(self):
        caption = "It's a man-like, 3/4 sleeve? shirt & 'tie'"
        assert CLIPTokenizer(drop_characters=MARKS)([caption]) == CLIPTokenizer()([caption])

    def test_a_caption_of_marks_alone_is_read(self):
        tokenizer = CLIPTokenizer(drop_characters=MARKS)
        assert tokenizer(['...', '( )']) == CLIPTokenizer()(['...', '( )'])

    def test_pickled_and_with_a_mask(self):
        tokenizer = CLIPTokenizer(mask_token=True, drop_characters=MARKS)
        assert pickle.loads(pickle.dumps(tokenizer))(['a man.']) == tokenizer(['a man.']) == CLIPTokenizer()(['a man'])

    def test_must_be_a_str(self):
        with pytest.raises(ValueError, match='drop_characters must be one str'):
            CLIPTokenizer(drop_characters=['.', '!'])


def test_pickled_tokenizers_give_the_same(bert_dir):
    for tokenizer in (HFTokenizer(bert_dir), CLIPTokenizer()):
        expected = tokenizer(['a red shirt'])
        data = pickle.dumps(tokenizer)
        assert len(data) < 1000
        assert pickle.loads(data)(['a red shirt']) == expected


def test_build_by_type_name(bert_dir):
    tokenizer = build_tokenizer(dict(type='HFTokenizer', name_or_dir=bert_dir, max_length=7))
    assert isinstance(tokenizer, HFTokenizer) and tokenizer.max_length == 7
    assert isinstance(build_tokenizer(dict(type='mmt2ireid.CLIPTokenizer')), CLIPTokenizer)


def test_equal_configs_share_one(bert_dir):
    first = shared_tokenizer(dict(type='HFTokenizer', name_or_dir=bert_dir))
    assert shared_tokenizer(dict(name_or_dir=bert_dir, type='HFTokenizer')) is first
    assert shared_tokenizer(dict(type='HFTokenizer', name_or_dir=bert_dir, max_length=50)) is not first


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='Bert'), "one of .*'CLIPTokenizer'.* but got 'Bert'"),
        (dict(), 'but got None'),
        (dict(type='CLIPTokenizer', size=3), 'arguments of CLIPTokenizer'),
        (dict(type='CLIPTokenizer', max_length=2), 'max_length must be'),
        (dict(type='HFTokenizer', name_or_dir=''), 'name_or_dir must be'),
    ],
)
def test_bad_config_is_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        build_tokenizer(cfg)


def test_a_relative_folder_is_another_tokenizer_elsewhere(tmp_path, monkeypatch):
    from mmt2ireid.text import shared_tokenizer

    found = []
    for name in ('one', 'two', 'one'):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        found.append(shared_tokenizer(dict(type='HFTokenizer', name_or_dir='words')))
    assert found[0] is found[2] and found[0] is not found[1]
