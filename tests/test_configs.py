"""Every config of the toolbox loads and builds, without network and without data."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmt2ireid.apis import get_model
from mmt2ireid.engine import unread_settings
from mmt2ireid.engine.schedules import fit_schedules
from mmt2ireid.registry import DATASETS, METRICS, PARAM_SCHEDULERS

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
LEAVES = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
SHALLOW_BERT = dict(num_hidden_layers=1, vocab_size=1000, intermediate_size=64)
WIDTHS = {'deit-small': 384, 'base': 768}
NUM_CLASSES = {'CUHKPEDES': 11003, 'ICFGPEDES': 2902, 'RSTPReid': 3701}


def load(path):
    init_default_scope('mmt2ireid')
    return Config.fromfile(path)


def shallow(cfg):
    """The config with encoders of the same widths and one layer."""
    encoder, text_encoder = (
        part.encoder if part.type == 'LoRAEncoder' else part
        for part in (cfg.model.image_encoder, cfg.model.text_encoder)
    )
    if encoder.type == 'mmpretrain.ResNet':
        encoder.depth = 18
        cfg.model.img_neck.in_channels = 512
    if isinstance(encoder.get('arch'), str) and encoder.arch in WIDTHS:
        width = WIDTHS[encoder.arch]
        encoder.arch = dict(embed_dims=width, num_layers=1, num_heads=width // 64, feedforward_channels=64)
    if encoder.type == 'OpenCLIPImageEncoder' and isinstance(encoder.model, str):
        width = cfg.model.img_neck.get('in_channels', cfg.model.img_neck.out_channels)
        layers = [1, 1, 1, 1] if encoder.model.startswith('RN50') else 1
        vision = dict(image_size=224, layers=layers, width=64, head_width=64, patch_size=16)
        text = dict(context_length=77, vocab_size=1000, width=64, heads=1, layers=1)
        small = dict(embed_dim=width, quick_gelu=True, vision_cfg=vision, text_cfg=text)
        encoder.model = text_encoder.model = small
    if text_encoder.type == 'BertTextEncoder' and 'num_hidden_layers' not in text_encoder.get('config', {}):
        text_encoder.config = dict(text_encoder.get('config', {}), **SHALLOW_BERT)
        for head in cfg.model.heads.values():
            if head is not None and head.type == 'MLMHead':
                head.config = dict(SHALLOW_BERT)
    for head in cfg.model.heads.values():
        if head is not None and head.type in ('MemoryHead', 'MutualTeachingHead'):
            head.num_images, head.num_captions = 10, 20
    return cfg


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_builds(path, monkeypatch):
    cfg = load(path)
    monkeypatch.setattr(unread_settings, 'print_log', lambda text, *_: pytest.fail(text))
    unread_settings.check_settings(cfg)
    cfg = shallow(cfg)
    model = get_model(cfg)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    known = {id(param) for group in optim_wrapper.optimizer.param_groups for param in group['params']}
    assert known == {id(param) for param in model.parameters() if param.requires_grad}
    frozen = any(not param.requires_grad for param in model.parameters())
    # Apple's MPS has no float64.
    assert not [name for name, value in model.state_dict().items() if value.dtype == torch.float64]
    encoder = cfg.model.image_encoder
    assert frozen == (encoder.type == 'LoRAEncoder' or encoder.get('freeze_patch_embed', False))
    schedulers = cfg.param_scheduler if isinstance(cfg.param_scheduler, list) else [cfg.param_scheduler]
    assert fit_schedules(schedulers, cfg.train_cfg.max_epochs) == (schedulers, [])
    assert not fit_schedules(schedulers, 100)[1], 'a longer training must not be left at the last rate'
    for scheduler in schedulers:
        settings = dict(dict(end=cfg.train_cfg.max_epochs), **scheduler, optimizer=optim_wrapper)
        kind = PARAM_SCHEDULERS.get(settings.pop('type'))
        if settings.pop('convert_to_iter_based', False):
            kind.build_iter_from_epoch(**settings, epoch_length=7)
        else:
            kind(**settings)
    for part in ('train', 'val', 'test'):
        loader = cfg.get(f'{part}_dataloader')
        if loader is not None:
            DATASETS.build(dict(loader.dataset, lazy_init=True))
        if cfg.get(f'{part}_evaluator') is not None:
            METRICS.build(cfg[f'{part}_evaluator'])


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_is_a_leaf_of_the_house(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 30
    assert text.startswith('# '), 'a config says in its first line what it is'
    cfg = load(path)
    assert cfg.default_scope == 'mmt2ireid'
    heads = {name: head for name, head in cfg.model.heads.items() if head is not None}
    assert heads
    data = cfg.train_dataloader.dataset.type
    for head in heads.values():
        if 'num_classes' in head and data in NUM_CLASSES and path.parent.name != 'toy':
            assert head.num_classes == NUM_CLASSES[data]


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: f'{path.parent.name}/{path.stem}')
def test_starts_from_weights_that_a_config_makes(path):
    cfg = load(path)
    init = cfg.model.image_encoder.get('init_cfg') or {}
    for checkpoint in (cfg.get('load_from'), init.get('checkpoint')):
        if checkpoint and checkpoint.startswith('work_dirs/'):
            _, stem, file = checkpoint.split('/')
            (maker,) = (load(leaf) for leaf in LEAVES if leaf.stem == stem)
            assert file == f'epoch_{maker.train_cfg.max_epochs}.pth'


@pytest.mark.parametrize(
    ('config', 'trained', 'tested'),
    [('deits_cuhk_to-icfg', 'CUHKPEDES', 'ICFGPEDES'), ('deits_icfg_to-cuhk', 'ICFGPEDES', 'CUHKPEDES')],
)
def test_trained_on_one_tested_on_another(config, trained, tested):
    cfg = load(CONFIGS / 'unipt' / f'{config}.py')
    assert [cfg[f'{part}_dataloader'].dataset.type for part in ('train', 'val', 'test')] == [trained, trained, tested]
    assert cfg.test_dataloader.dataset.split == 'test'
    assert cfg.test_dataloader.dataset.data_root != cfg.train_dataloader.dataset.data_root


def test_the_papers_pretraining_recipe():
    cfg = load(CONFIGS / 'unipt' / 'vitb16_lupt.py')
    assert cfg.train_cfg.max_epochs == 15
    assert cfg.train_dataloader.batch_size * 8 == 512
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.betas, optimizer.eps, optimizer.weight_decay) == (
        'AdamW',
        1e-5,
        (0.9, 0.98),
        1e-8,
        0.01,
    )
    assert [s.get('end') for s in cfg.param_scheduler] == [1.5, None]
    assert cfg.model.heads.contrastive.loss.logit_scale == 1.0
    assert not cfg.model.heads.contrastive.loss.get('learn_scale', False)
    assert cfg.model.heads.mlm.loss_weight == 1.0


def test_learning_rate_of_the_papers_pretraining():
    """Warm-up over a tenth of all steps to 1e-5, then linearly to 0."""
    cfg = load(CONFIGS / 'unipt' / 'vitb16_lupt.py')
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    epoch_length, steps = 20, 15 * 20
    schedulers = []
    for settings in cfg.param_scheduler:
        settings = dict(dict(end=15), **settings, optimizer=optimizer)
        kind = PARAM_SCHEDULERS.get(settings.pop('type'))
        settings.pop('convert_to_iter_based')
        schedulers.append(kind.build_iter_from_epoch(**settings, epoch_length=epoch_length))
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    warmup = steps // 10
    assert max(rates) == pytest.approx(1e-5)
    assert abs(rates.index(max(rates)) - warmup) <= 1
    expected = 1e-5 * (steps - 200) / (steps - warmup)
    assert rates[200] == pytest.approx(expected, rel=0.01)
    assert rates[-1] < 1e-7


def test_weight_decay_of_the_papers_pretraining():
    cfg = shallow(load(CONFIGS / 'unipt' / 'vitb16_lupt_tuned.py'))
    model = get_model(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    decay = {id(param): group['weight_decay'] for group in groups for param in group['params']}
    for name, param in model.named_parameters():
        free = param.ndim < 2 or any(part in name for part in ('pos_embed', 'position_embeddings', 'cls_token'))
        assert decay[id(param)] == (0 if free else 0.01), name


def test_learning_rates_of_the_papers_finetuning():
    cfg = shallow(load(CONFIGS / 'unipt' / 'deits_cuhk.py'))
    model = get_model(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    rate = {id(param): group['lr'] for group in groups for param in group['params']}
    expected = {
        'image_encoder': 1e-4,
        'text_encoder': 1e-5,
        'img_neck': 1e-3,
        'txt_neck': 1e-3,
        'heads.identity': 1e-3,
        'heads.pgu.classifiers': 1e-3,
        'heads.pgu.project': 1e-3,  # as in LGUR's code
        'heads.pgu': 1e-4,
    }
    for name, param in model.named_parameters():
        prefix = next(prefix for prefix in expected if name.startswith(prefix))
        assert rate[id(param)] == pytest.approx(expected[prefix]), name


def test_working_directories_do_not_meet():
    """They are named after configs, whatever the folder."""
    stems = [path.stem for path in LEAVES]
    assert len(set(stems)) == len(stems)
