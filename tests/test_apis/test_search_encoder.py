"""The encoder of a config and checkpoint gives the very features that ``tools/test.py`` ranks with."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from export_models import WORDS, make_model, pictures, strange_texts  # noqa: E402

from mmt2ireid.apis.search import TextWarning, TorchEncoder, fingerprint, read_picture  # noqa: E402
from mmt2ireid.apis.search.encoder import MAX_CHARACTERS, Encoder, TextReading  # noqa: E402
from mmt2ireid.apis.search.fingerprint import describe_tokenizer  # noqa: E402
from mmt2ireid.apis.search.preprocessing import image_steps  # noqa: E402
from mmt2ireid.apis.search.preprocessing import test_pipeline as pipeline_of  # noqa: E402
from mmt2ireid.engine.launch import run  # noqa: E402
from mmt2ireid.engine.options import set_features_file  # noqa: E402
from mmt2ireid.registry import MODELS  # noqa: E402
from mmt2ireid.text import CLIPTokenizer  # noqa: E402
from mmt2ireid.visualization import SavedFeatures  # noqa: E402

KINDS = ('bert', 'words', 'clip', 'clip_resnet', 'swin')
CAPTIONS = ('A man in a RED coat.', "the woman's bag & a white shirt", 'Woman, zebra; coat', 'red ' * 60, '人 кот')


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Config and checkpoint of a kind, made once."""
    folder, kept = tmp_path_factory.mktemp('models'), {}

    def make(kind, name='', **changes):
        if kind + name not in kept:
            kept[kind + name] = make_model(kind, folder / (kind + name), **changes)
        return kept[kind + name]

    return make


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Seven crops of several sizes, with captions, in the layout of CUHK-PEDES."""
    root = tmp_path_factory.mktemp('world')
    (root / 'imgs').mkdir()
    records = []
    for number, picture in enumerate(pictures(7, seed=3)):
        cv2.imwrite(str(root / f'imgs/{number}.png'), picture[..., ::-1])
        captions = [CAPTIONS[(number + n) % len(CAPTIONS)] for n in range(1 + number % 3)]
        records.append(
            dict(split='test', captions=captions, file_path=f'{number}.png', processed_tokens=[], id=number % 3)
        )
    (root / 'reid_raw.json').write_text(json.dumps(records))
    return root


def mutual_teaching(config, folder):
    """Two networks that teach each other, and their teachers, all of different weights."""
    cfg = Config.fromfile(config)
    cfg.model.update(type='mmt2ireid.MutualTeaching')
    cfg.model.heads = {}
    folder.mkdir(exist_ok=True)
    cfg.dump(folder / 'mutual.py')
    torch.manual_seed(5)
    model = MODELS.build(cfg.model)
    state = {key: value + 0.1 * torch.randn(value.shape) for key, value in model.state_dict().items()}
    torch.save(dict(state_dict=state), folder / 'mutual.pth')
    return folder / 'mutual.py', folder / 'mutual.pth'


def evaluated(config, checkpoint, world, out):
    """Features of the world as an evaluation writes them."""
    cfg = Config.fromfile(HERE.parents[1] / 'configs/_base_/default_runtime.py')
    tiny = Config.fromfile(config)
    for step in tiny.test_dataloader.dataset.pipeline:
        vocab = step.get('tokenizer', {}).get('vocab')
        if vocab:
            Path(vocab).write_text(json.dumps({'words': WORDS}))
    tiny.test_dataloader.dataset.update(data_root=str(world), unit='image', ann_file='reid_raw.json')
    sampler = dict(type='mmengine.DefaultSampler', shuffle=False)
    tiny.test_dataloader.update(batch_size=3, num_workers=0, sampler=sampler)
    tiny.update(test_evaluator=dict(type='RetrievalMetric'), test_cfg=dict(), load_from=str(checkpoint))
    cfg.merge_from_dict(tiny.to_dict())
    cfg.update(work_dir=str(out), log_level='ERROR', experiment_name=out.name)
    path = set_features_file(cfg)
    run(cfg, lambda runner: runner.test())
    return SavedFeatures.load(path)


@pytest.mark.parametrize('kind', [*KINDS, 'bert-global', 'bert-pgu', 'bert-mmt', 'bert-steps'])
def test_features_are_those_of_the_evaluation(kind, made, world, tmp_path):
    kind, _, variant = kind.partition('-')
    changes = dict(
        global_=dict(test_features='global'),
        pgu=dict(test_features='pgu'),
        steps=dict(
            steps=[
                dict(type='mmpretrain.ResizeEdge', scale=40, edge='long'),
                dict(type='mmpretrain.CenterCrop', crop_size=(30, 14)),
                dict(type='Resize', scale=(16, 32)),
            ]
        ),
    ).get({'global': 'global_'}.get(variant, variant), {})
    config, checkpoint = made(kind, '' if variant == 'mmt' else variant, **changes)
    if variant == 'mmt':
        config, checkpoint = mutual_teaching(config, tmp_path)
    expected = evaluated(config, checkpoint, world, tmp_path / 'run')
    # In batches as the evaluation's: how a library sums depends on them.
    encoder = TorchEncoder(config, checkpoint, device='cpu', batch_size=3)
    assert isinstance(encoder, Encoder)
    images = encoder.encode_images([read_picture(path) for path in expected.img_paths])
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TextWarning)
        texts = encoder.encode_texts(expected.captions)
    assert images.dtype == texts.dtype == np.float32 and images.shape[1] == texts.shape[1] == encoder.dim
    np.testing.assert_allclose(images, expected.img_feats, rtol=0, atol=1e-6)
    np.testing.assert_allclose(texts, expected.txt_feats, rtol=0, atol=1e-6)
    assert np.ptp(images, axis=0).max() > 1e-3 and np.ptp(texts, axis=0).max() > 1e-3


def test_batches_do_not_matter(made):
    config, checkpoint = made('bert')
    texts, crops = strange_texts(23), pictures(11)
    one, many = (TorchEncoder(config, checkpoint, device='cpu', batch_size=size) for size in (1, 64))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TextWarning)
        np.testing.assert_allclose(one.encode_texts(texts), many.encode_texts(texts), rtol=0, atol=1e-6)
    np.testing.assert_allclose(one.encode_images(crops), many.encode_images(crops), rtol=0, atol=1e-6)
    assert one.encode_images([]).shape == one.encode_texts([]).shape == (0, one.dim)


@pytest.mark.parametrize('kind', ['bert', 'words', 'clip'])
@pytest.mark.parametrize(
    'text',
    [
        '😀',
        '👩‍🦰🧥',
        '红色外套的女人',
        'женщина',
        'مرأة',
        '!!!',
        '\u200b',
        '\ud800 red',
        '\0',
        'x' * 10_000,
        'a ' * 5000,
    ],
)
def test_every_text_has_an_answer(kind, text, made):
    encoder = TorchEncoder(*made(kind), device='cpu')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TextWarning)
        (vector,) = encoder.encode_texts([text])
    assert np.isfinite(vector).all() and abs(np.linalg.norm(vector) - 1) < 1e-5
    assert isinstance(encoder.read_text(text), TextReading)


@pytest.mark.parametrize('kind', ['bert', 'words', 'clip'])
def test_texts_without_a_word_are_refused(kind, made):
    encoder = TorchEncoder(*made(kind), device='cpu')
    for text in ('', '  \n\t\u3000'):
        with pytest.raises(ValueError, match='at least one word'):
            encoder.encode_texts(['a man', text])
    with pytest.raises(ValueError, match='at most 100,000 characters, but has 100,001'):
        encoder.encode_texts(['a' * (MAX_CHARACTERS + 1)])
    with pytest.raises(ValueError, match='must be a str, but got int'):
        encoder.encode_texts([3])
    with pytest.raises(ValueError, match='must be a list of str'):
        encoder.encode_texts('a man')


def test_long_texts_are_cut_as_the_tokenizer_does_and_said_once(made):
    encoder = TorchEncoder(*made('bert'), device='cpu')
    long = 'man ' * 10_000
    with pytest.warns(TextWarning, match='it reads the first 24 tokens') as caught:
        found = encoder.encode_texts([long, 'a man', long])
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        again = encoder.encode_texts([long, 'man ' * 22])
    np.testing.assert_allclose(again, found[[0, 0]], atol=1e-6)
    assert encoder.read_text(long) == TextReading(24, True, 22, 0)


def test_words_that_nobody_knows_are_told(made):
    encoder = TorchEncoder(*made('words'), device='cpu')
    assert encoder.read_text('zebra quagga').notes == [
        'The model knows none of these words, so the answer says little. Try English words.'
    ]
    assert encoder.read_text('a red zebra').notes == ['The model does not know 1 of the 3 words.']
    assert encoder.read_text('a red coat').notes == []
    for _ in range(2):  # each of them, not the first only
        with pytest.warns(TextWarning, match="'quagga': The model knows none of these words"):
            encoder.encode_texts(['a red coat', 'quagga'])
    assert TorchEncoder(*made('bert'), device='cpu').read_text('人 кот').num_unknown == 2
    clip = TorchEncoder(*made('clip'), device='cpu')
    assert clip.read_text('😀 at a café').num_unknown == 0
    (note,) = clip.read_text('一个穿红衣服的女人').notes
    assert note.startswith('The model knows few of these words')


def test_the_words_travel_in_the_checkpoint(made, tmp_path):
    config, checkpoint = made('words')
    before = TorchEncoder(config, checkpoint, device='cpu')
    assert before.tokenizer.words == WORDS
    saved = torch.load(checkpoint, weights_only=True)
    torch.save(dict(saved, meta={}), tmp_path / 'mute.pth')
    vocab = Path(config).parent / 'is_in_the_checkpoint.json'
    vocab.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match='no word vocabulary at'):
        TorchEncoder(config, tmp_path / 'mute.pth', device='cpu')
    vocab.write_text(json.dumps({'words': WORDS[::-1]}))
    other = TorchEncoder(config, tmp_path / 'mute.pth', device='cpu')
    assert other.tokenizer.words == WORDS[::-1] and other.fingerprint != before.fingerprint
    assert TorchEncoder(config, checkpoint, device='cpu').tokenizer.words == WORDS


def edited(config, name, edit):
    cfg = Config.fromfile(config)
    edit(cfg)
    path = Path(config).parent / f'{name}.py'
    cfg.dump(path)
    return path


def test_dropped_characters_are_part_of_the_fingerprint():
    assert describe_tokenizer(CLIPTokenizer()) != describe_tokenizer(CLIPTokenizer(drop_characters='~'))
    one, same = (CLIPTokenizer(drop_characters=marks) for marks in ('~*', '*~~'))
    assert describe_tokenizer(one) == describe_tokenizer(same)


def test_a_fingerprint_names_what_changes_features_and_nothing_else(made, tmp_path, monkeypatch):
    config, checkpoint = made('bert')

    def name_of(config=config, checkpoint=checkpoint):
        return TorchEncoder(config, checkpoint, device='cpu').fingerprint

    first = name_of()
    assert len(first) == 16 and int(first, 16) >= 0 and name_of() == first
    saved = torch.load(checkpoint, weights_only=True)
    state = saved['state_dict']

    def with_change(key, change):
        path = tmp_path / 'changed.pth'
        torch.save(dict(state_dict={**state, key: change(state[key])}), path)
        return name_of(checkpoint=path)

    used = [
        key for key in state if key.startswith(('image_encoder.', 'txt_neck.', 'heads.pgu.')) and state[key].numel()
    ]
    for key in (used[0], used[-1], next(key for key in used if key.startswith('txt_neck.'))):
        assert with_change(key, lambda value: value + 0.01) != first, key
    trained = next(key for key in state if key.startswith('heads.identity.'))
    assert with_change(trained, lambda value: value + 1) == first
    torch.save(state, tmp_path / 'alone.pth')
    assert name_of(checkpoint=tmp_path / 'alone.pth') == first

    def pipeline(cfg):
        return cfg.test_dataloader.dataset.pipeline

    changing = {
        'features': lambda cfg: cfg.model.update(test_features='global'),
        'pixels': lambda cfg: cfg.model.update(
            data_preprocessor=dict(type='mmt2ireid.PairDataPreprocessor', mean=(0, 0, 0))
        ),
        'resize': lambda cfg: pipeline(cfg)[1].update(interpolation='bilinear'),
        'length': lambda cfg: pipeline(cfg)[2].tokenizer.update(max_length=20),
    }
    names = {first, *(name_of(config=edited(config, name, edit)) for name, edit in changing.items())}
    assert len(names) == 1 + len(changing)
    other_loader = edited(config, 'loader', lambda cfg: cfg.test_dataloader.update(batch_size=7))
    assert name_of(config=other_loader) == first
    monkeypatch.setattr(fingerprint, 'READER_VERSION', fingerprint.READER_VERSION + 1)
    assert name_of() not in names


def test_two_who_teach_each_other_are_named_by_the_first_teacher(made, tmp_path):
    config, checkpoint = mutual_teaching(made('bert')[0], tmp_path)
    first = TorchEncoder(config, checkpoint, device='cpu').fingerprint
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    for prefix, same in (('teachers.0.', False), ('teachers.1.', True), ('networks.0.', True)):
        key = next(key for key in state if key.startswith(f'{prefix}image_encoder'))
        torch.save(dict(state_dict={**state, key: state[key] + 0.1}), tmp_path / 'changed.pth')
        found = TorchEncoder(config, tmp_path / 'changed.pth', device='cpu').fingerprint
        assert (found == first) is same, prefix


def test_a_checkpoint_must_have_what_retrieval_uses(made, tmp_path):
    config, checkpoint = made('bert')
    state = torch.load(checkpoint, weights_only=True)['state_dict']

    def without(prefix):
        path = tmp_path / 'less.pth'
        torch.save(dict(state_dict={key: value for key, value in state.items() if not key.startswith(prefix)}), path)
        return TorchEncoder(config, path, device='cpu')

    without('heads.identity.')
    for prefix in ('heads.pgu.', 'image_encoder.', 'txt_neck.'):
        with pytest.raises(ValueError, match=rf'must hold all weights that retrieval uses.*{prefix}'):
            without(prefix)
    with pytest.raises(ValueError, match='does it belong to this config'):
        TorchEncoder(config, made('swin')[1], device='cpu')
    with pytest.raises(FileNotFoundError, match='nothing'):
        TorchEncoder(config, tmp_path / 'nothing.pth')
    torch.save([1], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='must hold tensors by name'):
        TorchEncoder(config, tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='batch_size must be'):
        TorchEncoder(config, checkpoint, batch_size=0)


def test_pictures_of_another_kind_are_refused(made):
    encoder = TorchEncoder(*made('bert'), device='cpu')
    for picture in (np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), [1], None):
        with pytest.raises(ValueError, match='picture 1 must be uint8 RGB'):
            encoder.encode_images([np.zeros((4, 4, 3), np.uint8), picture])


def test_pipelines_are_found_in_wrappers_and_must_agree():
    steps = [dict(type='LoadPersonImage'), dict(type='Resize'), dict(type='Tokenize'), dict(type='PackPersonInputs')]
    part = dict(type='CUHKPEDES', pipeline=steps)
    joined = dict(type='ConcatDataset', datasets=[part, dict(part)])
    for split in ('test', 'val'):
        assert pipeline_of(Config({f'{split}_dataloader': dict(dataset=joined)})) == steps
    assert image_steps(steps) == [dict(type='Resize')]
    joined['datasets'][1]['pipeline'] = steps[:2]
    with pytest.raises(ValueError, match='its parts differ'):
        pipeline_of(Config(dict(test_dataloader=dict(dataset=joined))))
    with pytest.raises(ValueError, match='must have a pipeline'):
        pipeline_of(Config(dict(test_dataloader=None)))


def test_a_model_of_a_pre_training_can_be_searched_with(made):
    """Its config has no test split, but says how pictures and texts are prepared."""
    config, checkpoint = made('bert')
    cfg = Config.fromfile(config)
    cfg.update(test_pipeline=pipeline_of(cfg), val_dataloader=None, test_dataloader=None)
    searched, expected = (TorchEncoder(one, checkpoint, device='cpu') for one in (cfg, config))
    assert searched.fingerprint == expected.fingerprint
    np.testing.assert_array_equal(searched.encode_texts(['a woman']), expected.encode_texts(['a woman']))


@pytest.mark.parametrize('base', ['lupt', 'lup_mllm', 'lupt_mals', 'mals', 'synth_pedes'])
def test_bases_of_pre_trainings_say_how_pictures_are_prepared(base):
    pipeline = pipeline_of(Config.fromfile(HERE.parents[1] / f'configs/_base_/datasets/{base}.py'))
    assert [step.type for step in pipeline] == ['LoadPersonImage', 'Resize', 'Tokenize', 'PackPersonInputs']


def test_a_checkpoint_of_another_image_size(tmp_path):
    """128 x 32 has 16 x 4 patches: mmpretrain would take them for 8 x 8."""
    from model_builders import VIT

    from mmt2ireid.apis import get_model

    def make(name, size):
        steps = [dict(type='Resize', scale=size[::-1])]
        return make_model('bert', tmp_path / name, image_encoder=dict(VIT, img_size=size), steps=steps)

    config, path = make('old', (128, 32))
    checkpoint = torch.load(path, weights_only=True)
    torch.save(dict(checkpoint, meta=dict(cfg=Config.fromfile(config).pretty_text)), path)
    other, _ = make('new', (64, 32))
    rows = checkpoint['state_dict']['image_encoder.pos_embed'][:, 1:].reshape(1, 16, 4, -1).permute(0, 3, 1, 2)
    wanted = torch.nn.functional.interpolate(rows, size=(8, 4), mode='bicubic').flatten(2).transpose(1, 2)
    encoder = TorchEncoder(other, path)
    for model in (get_model(other, str(path)), encoder.model):
        assert torch.allclose(model.image_encoder.pos_embed[:, 1:].cpu(), wanted, atol=1e-6)
    assert encoder.encode_images(pictures(2, seed=0)).shape == (2, encoder.dim)
    with pytest.raises(ValueError, match=r'the image encoder, 64 x 32 .*, but gives 128 x 32'):
        mixed = Config.fromfile(other)
        mixed.test_dataloader.dataset.pipeline[1].scale = (32, 128)
        TorchEncoder(mixed, path)
