"""A word vocabulary travels with its weights, and other words are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mmt2ireid.engine.launch import build_runner

WORDS = ['a', 'man', 'shirt', 'red']


def worded(vocab):
    return dict(type='WordPairs', vocab=vocab)


@pytest.fixture
def cfg_of(make_cfg, tmp_path):
    """A config of the tiny parts whose pipelines read words from a file."""
    import vocabulary_parts  # noqa: F401

    def make(words, *, val_words=None, vocab_size=None, **changes):
        files = {}
        for part, content in dict(train=words, val=val_words or words).items():
            files[part] = tmp_path / f'{part}_{abs(hash(tuple(content)))}.json'
            files[part].write_text(json.dumps(dict(words=content)))
        cfg = make_cfg(epochs=changes.pop('epochs', 1), **changes)
        cfg.custom_hooks.append(dict(type='VocabularyHook'))
        cfg.train_dataloader.dataset = worded(str(files['train']))
        cfg.val_dataloader.dataset = cfg.test_dataloader.dataset = worded(str(files['val']))
        if vocab_size is not None:
            cfg.model = dict(type='WordModel', vocab_size=vocab_size)
        return cfg

    return make


def checkpoint_of(cfg) -> Path:
    build_runner(cfg).train()
    return Path(cfg.work_dir) / 'epoch_1.pth'


def test_words_are_in_the_checkpoint_and_in_the_working_directory(cfg_of):
    path = checkpoint_of(cfg_of(WORDS, vocab_size=6))
    assert torch.load(path, weights_only=True)['meta']['vocabulary'] == WORDS
    assert json.loads((path.parent / 'vocabulary.json').read_text()) == {'words': WORDS}


@pytest.mark.parametrize('how', ['test', 'resume', 'load_from'])
def test_the_same_words_pass(cfg_of, how, tmp_path):
    path = checkpoint_of(cfg_of(WORDS))
    cfg = cfg_of(WORDS, epochs=2, work_dir=tmp_path / 'again', load_from=str(path), resume=how == 'resume')
    runner = build_runner(cfg)
    runner.test() if how == 'test' else runner.train()


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['a', 'man', 'red', 'shirt'], "4 words and the pipelines 4; word 2 is 'shirt' there and 'red' here"),
        (WORDS[:3], "4 words and the pipelines 3; word 3 is 'red' there and none here"),
        ([*WORDS, 'tie'], "4 words and the pipelines 5; word 4 is none there and 'tie' here"),
    ],
)
@pytest.mark.parametrize('how', ['test', 'resume', 'load_from'])
def test_other_words_are_refused(cfg_of, how, words, told, tmp_path):
    path = checkpoint_of(cfg_of(WORDS))
    cfg = cfg_of(words, epochs=2, work_dir=tmp_path / 'again', load_from=str(path), resume=how == 'resume')
    runner = build_runner(cfg)
    with pytest.raises(ValueError, match=rf'epoch_1\.pth must have the vocabulary .* the checkpoint has {told}'):
        runner.test() if how == 'test' else runner.train()
    assert not (tmp_path / 'again' / 'vocabulary.json').exists()


def test_a_checkpoint_that_does_not_tell_is_warned_about(cfg_of, tmp_path):
    cfg = cfg_of(WORDS)
    cfg.custom_hooks.pop()
    path = checkpoint_of(cfg)
    runner = build_runner(cfg_of(WORDS, work_dir=tmp_path / 'again', load_from=str(path)))
    runner.train()
    log = next((tmp_path / 'again').glob('*/*.log')).read_text()
    assert 'epoch_1.pth does not say which words it was trained with' in log


def test_pipelines_have_one_vocabulary(cfg_of):
    with pytest.raises(ValueError, match=r"one vocabulary, but one has 3 words .* word 0 is 'man' there and 'a' here"):
        build_runner(cfg_of(WORDS, val_words=WORDS[1:])).train()


def test_the_encoder_has_an_embedding_for_each_word(cfg_of):
    with pytest.raises(ValueError, match=r'text_encoder\.vocab_size must be at least 6, .* but got 5'):
        build_runner(cfg_of(WORDS, vocab_size=5)).train()
    build_runner(cfg_of(WORDS, vocab_size=9)).train()


def test_wrapped_sets_are_looked_into(cfg_of):
    cfg = cfg_of(WORDS)
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.dataset = dict(type='WordPairsTwice', vocab=loader.dataset.vocab)
    assert torch.load(checkpoint_of(cfg), weights_only=True)['meta']['vocabulary'] == WORDS


def test_pipelines_without_words_have_nothing_to_keep(make_cfg):
    cfg = make_cfg(epochs=1)
    cfg.custom_hooks.append(dict(type='VocabularyHook'))
    path = checkpoint_of(cfg)
    assert 'vocabulary' not in torch.load(path, weights_only=True)['meta']
    assert not (path.parent / 'vocabulary.json').exists()
