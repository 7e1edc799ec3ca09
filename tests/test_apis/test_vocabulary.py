"""Vocabularies from the training captions of a config, and the tool that writes them."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmt2ireid.apis import build_vocabulary, checkpoint_vocabulary, get_model, vocabulary_file
from mmt2ireid.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/cmmt/r50_cuhk.py'
CAPTIONS = {
    'train': [['A man in a T-shirt.', 'The man, red shirt'], ['a woman; a red skirt', 'red red MAN']],
    'val': [['unseen unseen unseen']],
}


@pytest.fixture
def cfg(tmp_path):
    """The paper's config on two pictures."""
    records = []
    for split, images in CAPTIONS.items():
        for captions in images:
            path = f'cam_a/{len(records)}.jpg'
            records.append(dict(split=split, captions=captions, file_path=path, processed_tokens=[], id=len(records)))
    (tmp_path / 'imgs/cam_a').mkdir(parents=True)
    (tmp_path / 'reid_raw.json').write_text(json.dumps(records))
    cfg = Config.fromfile(CONFIG)
    vocab = str(tmp_path / 'words' / 'cuhk.json')
    cfg.train_dataloader.dataset.data_root = str(tmp_path)
    cfg.train_dataloader.dataset.pipeline[3].tokenizer.vocab = vocab
    return cfg


def run_tool(*arguments):
    spec = importlib.util.spec_from_file_location('build_vocabulary_tool', ROOT / 'tools' / 'build_vocabulary.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments])


@pytest.fixture
def config_file(cfg, tmp_path):
    path = tmp_path / 'small.py'
    path.write_text(cfg.pretty_text)
    return path


def test_words_are_those_of_the_training_captions(cfg):
    tokenizer, num_captions = build_vocabulary(cfg, min_count=2)
    text = ' '.join(caption for image in CAPTIONS['train'] for caption in image).lower()
    counts = Counter(text.translate(str.maketrans('-.,;', '    ')).split())
    wanted = {word for word, count in counts.items() if count >= 2}
    assert num_captions == 4
    assert set(tokenizer.words) == wanted == {'a', 'man', 'red', 'shirt'}
    assert build_vocabulary(cfg)[0].words == ['a', 'red', 'man']


def test_wrapped_sets_are_counted(cfg):
    inner = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='mmengine.RepeatDataset', dataset=inner, times=2)
    tokenizer, num_captions = build_vocabulary(cfg)
    assert (tokenizer.words, num_captions) == (['a', 'red', 'man'], 4)
    assert vocabulary_file(cfg).endswith('cuhk.json')


def test_an_encoder_that_is_too_small_is_refused(cfg):
    cfg.model.text_encoder.vocab_size = 4
    with pytest.raises(ValueError, match=r'vocab_size must be at least 5, .* but got 4'):
        build_vocabulary(cfg)
    cfg.model.text_encoder.vocab_size = 5
    build_vocabulary(cfg)


def test_a_config_without_words_is_refused():
    with pytest.raises(ValueError, match=r'must have one tokenizer=.* but got none'):
        vocabulary_file(Config.fromfile(ROOT / 'configs/cmmt/vitb16_cuhk_from-unipt.py'))


def test_a_missing_vocabulary_names_the_tool(cfg):
    with pytest.raises(FileNotFoundError, match=r'cuhk\.json: write it with tools/build_vocabulary\.py'):
        DATASETS.build(dict(cfg.train_dataloader.dataset, _scope_='mmt2ireid'))


def test_the_tool_writes_what_the_tokenizer_reads(cfg, config_file, capsys):
    assert run_tool(config_file) == 0
    path = Path(vocabulary_file(cfg))
    assert json.loads(path.read_text()) == {'words': ['a', 'red', 'man']}
    assert '3 words of 4 captions, each at least 3 times' in capsys.readouterr().out
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, _scope_='mmt2ireid'))
    assert len(dataset) == 4
    assert dataset.pipeline.transforms[3](dict(captions=['Red woman']))['token_ids'][0].tolist() == [3, 1]


def test_the_tool_does_not_replace_other_words_unasked(cfg, config_file, capsys):
    assert run_tool(config_file) == 0
    path = Path(vocabulary_file(cfg))
    before = path.read_bytes()
    assert run_tool(config_file) == 0
    assert run_tool(config_file, '--min-count', 2) == 1
    assert 'holds other words' in capsys.readouterr().err
    assert path.read_bytes() == before
    assert run_tool(config_file, '--min-count', 2, '--force') == 0
    assert path.read_bytes() != before


def test_the_tool_takes_words_out_of_a_checkpoint(config_file, tmp_path):
    checkpoint, out = tmp_path / 'epoch_1.pth', tmp_path / 'old.json'
    torch.save(dict(meta=dict(vocabulary=['old', 'words']), state_dict={}), checkpoint)
    assert run_tool(config_file, '--checkpoint', checkpoint, '--out', out) == 0
    assert json.loads(out.read_text()) == {'words': ['old', 'words']}


def test_a_checkpoint_without_words_is_named(tmp_path):
    torch.save(dict(meta=dict(epoch=1), state_dict={}), tmp_path / 'epoch_1.pth')
    with pytest.raises(ValueError, match=r'epoch_1\.pth must be of a run with VocabularyHook'):
        checkpoint_vocabulary(tmp_path / 'epoch_1.pth')


def test_bad_count_is_refused(config_file):
    with pytest.raises(SystemExit):
        run_tool(config_file, '--min-count', 0)


def test_the_papers_model_reads_the_words(cfg):
    cfg.model.heads = dict()
    model = get_model(cfg)
    ids = torch.tensor([[2, 3, 4], [3, 1, 0]])
    with torch.no_grad():
        output, embed = model.text_features(ids, ids > 0)
        _, img = model.image_features(torch.zeros(1, 3, 384, 128))
    assert (output.tokens.shape, embed.shape, img.shape) == ((2, 3, 1024), (2, 1024), (1, 1024))
