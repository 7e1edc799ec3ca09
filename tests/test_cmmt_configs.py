"""CMMT's configs are the paper's recipe, and each row of its tables differs from it in what the row says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmt2ireid.apis import get_model
from mmt2ireid.registry import HOOKS
from mmt2ireid.structures import PairInputs, PairTargets

FOLDER = Path(__file__).resolve().parent.parent / 'configs' / 'cmmt'
LEAVES = sorted(path.stem for path in FOLDER.glob('*.py'))
SIZES = {'CUHKPEDES': (34054, 68126), 'ICFGPEDES': (34674, 34674), 'RSTPReid': (18505, 37010)}
MEMORY, CPM = {'loss_memory_img', 'loss_memory_txt'}, {'loss_cpm'}
CROSS, INTRA = {'loss_hsm_cross'}, {'loss_hsm_txt', 'loss_hsm_img'}
BOTH = ('v2t', 't2v')
ROWS = {  # the losses, the source of the soft labels, the directions of MPLR (None: no clusters)
    'r50_cuhk': (MEMORY | CPM | CROSS | INTRA, 'text_iou', BOTH),
    'r50_cuhk_baseline': (MEMORY | CPM, 'identity', ()),
    'r50_cuhk_baseline_mplr': (MEMORY | CPM, 'identity', BOTH),
    'r50_cuhk_wo-hsm': (MEMORY | CPM, 'text_iou', BOTH),
    'r50_cuhk_wo-v2t': (MEMORY | CPM | CROSS | INTRA, 'text_iou', ('t2v',)),
    'r50_cuhk_wo-t2v': (MEMORY | CPM | CROSS | INTRA, 'text_iou', ('v2t',)),
    'r50_cuhk_wo-mplr': (MEMORY | CPM | CROSS | INTRA, 'text_iou', ()),
    'r50_cuhk_te-cpm': (MEMORY | CPM | CROSS | INTRA, 'text_embedding', BOTH),
    'r50_cuhk_ve-cpm': (MEMORY | CPM | CROSS | INTRA, 'image_embedding', BOTH),
    'r50_cuhk_wo-chsm': (MEMORY | CPM | INTRA, 'text_iou', BOTH),
    'r50_cuhk_wo-ihsm': (MEMORY | CPM | CROSS, 'text_iou', BOTH),
    'r50_cuhk_cmpm-cmpc': ({'loss_cpm', 'loss_cmpc'}, 'label', None),
    'r50_cuhk_mm-tim': ({'loss_text_regression'}, None, None),
    'r50_cuhk_release': (MEMORY | CPM | CROSS | INTRA, 'text_iou', BOTH),
    'r50_cuhk_warmup': (MEMORY | CPM | CROSS | INTRA, 'text_iou', BOTH),
    'clip-vitb16_cuhk': (MEMORY | CPM | CROSS | INTRA, 'text_iou', BOTH),
    'clip-rn50_cuhk': (MEMORY | CPM | CROSS | INTRA, 'text_iou', BOTH),
}


def load(name):
    init_default_scope('mmt2ireid')
    return Config.fromfile(FOLDER / f'{name}.py')


def hooks_of(cfg):
    return {hook['type']: hook for hook in cfg.custom_hooks}


def shallow(cfg):
    """The config's model with a small ResNet or ViT, a small text encoder and a memory of 10 images."""
    encoder = cfg.model.image_encoder
    if encoder.type == 'OpenCLIPImageEncoder':
        layers = [1, 1, 1, 1] if encoder.model.startswith('RN50') else 1
        vision = dict(image_size=224, layers=layers, width=64, head_width=64, patch_size=16)
        text = dict(context_length=77, vocab_size=20, width=64, heads=1, layers=1)
        small = dict(embed_dim=cfg.model.img_neck.out_channels, quick_gelu=True, vision_cfg=vision, text_cfg=text)
        encoder.model = cfg.model.text_encoder.model = small
    elif encoder.type == 'mmpretrain.ResNet':
        cfg.model.image_encoder.depth, cfg.model.img_neck.in_channels = 18, 512
    else:
        cfg.model.image_encoder.arch = dict(embed_dims=768, num_layers=1, num_heads=12, feedforward_channels=64)
    if cfg.model.text_encoder.type == 'BertTextEncoder':
        settings = cfg.model.text_encoder.get('config', {})
        cfg.model.text_encoder.config = dict(settings, num_hidden_layers=1, vocab_size=20, intermediate_size=64)
    if 'memory' in cfg.model.heads:
        cfg.model.heads.memory.update(num_images=10, num_captions=20)
    return get_model(cfg).train()


def batch(size=8):
    numbers = torch.arange(size)
    ids = torch.randint(1, 20, (size, 5), generator=torch.Generator().manual_seed(0))
    images = torch.randn(size, 3, 384, 128, generator=torch.Generator().manual_seed(1))
    return PairInputs(images, ids, ids > 0, (1,) * size, PairTargets(numbers // 2, numbers, numbers))


def losses_of(cfg):
    model = shallow(cfg)
    if model.phrase_bank is not None:
        model.phrase_bank.fill(np.arange(21) * 2, np.arange(40) % 7, 7)
    if 'memory' in cfg.model.heads:
        for memory in (model.heads['memory'].img_memory, model.heads['memory'].txt_memory):
            memory.set_features(torch.randn(memory.features.shape, generator=torch.Generator().manual_seed(2)))
            memory.set_labels(torch.arange(memory.num_instances) // 4 - 1)
    return model, model.loss(batch())


@pytest.mark.parametrize('name', ROWS)
def test_a_row_trains_what_it_says(name):
    cfg = load(name)
    wanted, soft_labels, refine = ROWS[name]
    model, losses = losses_of(cfg)
    assert set(losses) == wanted
    sum(losses.values()).backward()
    assert cfg.model.heads.get('cpm', {}).get('soft_labels') == soft_labels
    hooks = hooks_of(cfg)
    assert ('ClusteringHook' in hooks) == (refine is not None)
    assert refine is None or tuple(hooks['ClusteringHook'].refine) == refine
    assert ('NounPhraseHook' in hooks) == (model.phrase_bank is not None)
    graded = {key.split('.')[0] for key, param in model.named_parameters() if param.grad is not None}
    frozen = {'text_encoder', 'txt_neck'} if name == 'r50_cuhk_mm-tim' else set()
    parts = {'image_encoder', 'img_neck', 'text_encoder', 'txt_neck'}
    weightless = {part for part in parts if not list(model.get_submodule(part).parameters())}
    assert weightless == ({'img_neck', 'txt_neck'} if name.startswith('clip') else set())
    assert graded - {'heads'} == parts - weightless - frozen
    assert bool(cfg.get('find_unused_parameters')) == bool(frozen)


def test_frozen_text_is_the_same_in_training():
    model = shallow(load('r50_cuhk_mm-tim'))
    ids = torch.randint(1, 20, (4, 5), generator=torch.Generator().manual_seed(0))
    tokens = [model.text_encoder(ids, ids > 0).tokens for _ in range(2)]
    assert torch.equal(*tokens)


@pytest.mark.parametrize('name', LEAVES)
def test_memory_clusters_and_hooks_fit_the_data_set(name):
    cfg = load(name)
    hooks, train = hooks_of(cfg), cfg.train_dataloader.dataset
    assert cfg.train_dataloader.batch_size == 128
    assert (train.split, train.unit) == ('train', 'pair')
    assert {'StepSeedHook', 'CheckpointGuardHook', 'VocabularyHook'} <= hooks.keys()
    for hook in ('ClusteringHook', 'NounPhraseHook', 'VocabularyHook'):
        if hook in hooks:
            HOOKS.build(dict(hooks[hook]))
    heads = {key: head for key, head in cfg.model.heads.items() if head is not None}
    assert ('ClusteringHook' in hooks) == ('memory' in heads)
    if 'memory' not in heads:
        return
    assert (heads['memory'].num_images, heads['memory'].num_captions) == SIZES[train.type]
    assert heads['memory'].dim == cfg.model.img_neck.out_channels == cfg.model.txt_neck.out_channels
    clustered = hooks['ClusteringHook'].dataloader.dataset
    assert clustered.unit == 'image'
    assert all(clustered[key] == train[key] for key in train if key not in ('unit', 'pipeline'))
    assert clustered.pipeline == cfg.test_dataloader.dataset.pipeline
    tokenizers = [
        next(step.tokenizer for step in part.pipeline if step.type == 'Tokenize')
        for part in (train, clustered, cfg.test_dataloader.dataset)
    ]
    assert tokenizers[0] == tokenizers[1] == tokenizers[2]
    assert (tokenizers[0].type == 'WordTokenizer') == (cfg.model.text_encoder.type == 'BiLSTMTextEncoder')


def test_mutual_teaching_is_the_baseline_with_two_networks():
    cfg, baseline = load('r50_cuhk_cmpm-mmt'), load('r50_cuhk_baseline')
    hook, clustering = hooks_of(cfg)['MutualTeachingHook'], hooks_of(baseline)['ClusteringHook']
    own = dict(type='MutualTeachingHook', k1=20, reset_optimizer=True)  # as MMT's code
    assert hook == {key: value for key, value in clustering.items() if key not in ('eps_gap', 'refine')} | own
    assert cfg.model.heads.mutual.triplet_input == 'before_norm'
    HOOKS.build(dict(hook))
    assert 'ClusteringHook' not in hooks_of(cfg)
    head, sampler = cfg.model.heads.mutual, cfg.train_dataloader.sampler
    assert (head.num_images, head.num_captions) == SIZES['CUHKPEDES'] and head.min_cluster_size == hook.min_samples
    assert head.dim == cfg.model.img_neck.out_channels == cfg.model.txt_neck.out_channels
    assert sampler.num_clusters * sampler.num_instances == cfg.train_dataloader.batch_size
    assert cfg.model.heads.cpm == baseline.model.heads.cpm
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert cfg[key] == baseline[key]
    cfg.model.heads.mutual.update(num_images=10, num_captions=20, min_cluster_size=2)
    model = shallow(cfg)
    labels = [torch.arange(10) // 2, torch.arange(20) // 4]
    feats = [torch.randn(len(x), 1024, generator=torch.Generator().manual_seed(2)) for x in labels]
    model.heads['mutual'].set_labels(*labels, *feats)
    losses = model.loss(batch())
    kinds = ('id', 'soft_id', 'triplet', 'soft_triplet')
    assert set(losses) == CPM | {f'loss_{kind}_{name}' for kind in kinds for name in ('img', 'txt')}
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_papers_recipe():
    cfg = load('r50_cuhk')
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=3.2e-4)
    assert (cfg.param_scheduler.milestones, cfg.param_scheduler.gamma) == ([20], 0.1)
    assert cfg.train_cfg.max_epochs == 50
    heads = cfg.model.heads
    assert [heads[name].get('loss_weight', 1.0) for name in ('memory', 'cpm', 'hsm')] == [1.0, 0.8, 0.9]
    assert (heads.memory.momentum, heads.memory.temperature, heads.hsm.loss.ratio) == (0.2, 0.05, 0.03)
    clustering = hooks_of(cfg)['ClusteringHook']
    assert [clustering[key] for key in ('k1', 'k2', 'eps', 'eps_gap', 'min_samples')] == [30, 6, 0.6, 0.02, 4]
    assert cfg.model.image_encoder.depth == 50
    assert cfg.model.image_encoder.strides == (1, 2, 2, 2)
    assert cfg.model.img_neck.out_channels == 2 * cfg.model.text_encoder.hidden_dims == 1024
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53]


@pytest.mark.parametrize(('head', 'own', 'first'), [('cpm', 8, 0), ('hsm', 9, 1)])
def test_the_sweeps_change_one_weight(head, own, first):
    names = [name for name in LEAVES if name.startswith(f'r50_cuhk_{head}-')]
    assert len(names) == 11 - first - 1
    for name in names:
        cfg, paper, tenths = load(name), load('r50_cuhk'), int(name[-2:])
        assert tenths != own
        assert cfg.model.heads[head].loss_weight == pytest.approx(tenths / 10)
        cfg.model.heads[head].loss_weight = paper.model.heads[head].loss_weight
        assert cfg.model == paper.model
        assert cfg.custom_hooks == paper.custom_hooks


@pytest.mark.parametrize(('name', 'image'), [('clip-vitb16_cuhk', 'ViT-B-16'), ('clip-rn50_cuhk', 'RN50')])
def test_clip_is_openais(name, image):
    """Towers, weights, activation and preprocessing as open_clip itself knows them, without loading any."""
    open_clip = pytest.importorskip('open_clip')
    model = load(name).model
    for part in (model.image_encoder, model.text_encoder):
        assert part.model.startswith(image)
        assert part.init_cfg.pretrained == 'openai'
        known, tag = open_clip.get_model_config(part.model), open_clip.get_pretrained_cfg(part.model, 'openai')
        assert known['quick_gelu'] is tag['quick_gelu'] is True
        assert known['embed_dim'] == model.img_neck.out_channels == model.heads.memory.dim
        assert model.data_preprocessor.mean == pytest.approx([255 * value for value in tag['mean']])
        assert model.data_preprocessor.std == pytest.approx([255 * value for value in tag['std']])
    assert tuple(model.image_encoder.image_size) == (384, 128)
    assert load(name).optim_wrapper.optimizer.lr == 1e-5


def test_warm_up_is_projection_matching_alone():
    cfg = load('r50_cuhk_warmup')
    hook = hooks_of(cfg)['HeadWarmupHook']
    assert set(cfg.model.heads) - set(hook.heads) == {'cpm'}
    assert hook.epochs > 0
    assert cfg.model == load('r50_cuhk').model


def test_the_published_network():
    """Decay on the ResNet alone, x0.1 at 20, 30 and 40, and the captions of all loaders read alike."""
    cfg = load('r50_cuhk_release')
    model = shallow(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    decay = {id(param): group['weight_decay'] for group in groups for param in group['params']}
    for name, param in model.named_parameters():
        assert decay[id(param)] == (4e-5 if name.startswith('image_encoder') else 0), name
    assert cfg.param_scheduler.milestones == [20, 30, 40]
    loaders = (
        cfg.train_dataloader,
        cfg.val_dataloader,
        cfg.test_dataloader,
        hooks_of(cfg)['ClusteringHook'].dataloader,
    )
    steps = [step for loader in loaders for step in loader.dataset.pipeline if step.type == 'Tokenize']
    assert len(steps) == 4 and all(step.tokenizer == cfg.words for step in steps)
    reading = {name: cfg.words[name] for name in ('lower_case', 'delete_punctuation', 'end_word')}
    assert reading == dict(lower_case=False, delete_punctuation=True, end_word='<END>')
