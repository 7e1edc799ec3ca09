"""The CLIP family's configs say what the papers and the READMEs do, and their pipelines run."""

import json
import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from test_configs import CONFIGS, load, shallow

from mmt2ireid.apis import get_model
from mmt2ireid.apis.search.preprocessing import pipeline_tokenizer
from mmt2ireid.datasets.seeding import seeded_rng
from mmt2ireid.registry import PARAM_SCHEDULERS
from mmt2ireid.structures import PersonSample
from mmt2ireid.text import CLIPTokenizer

pytest.importorskip('open_clip')
DATA = ('cuhk', 'icfg', 'rstp')
TRAINING = [
    *(('clip', f'vitb16_{data}_itc', (384, 128)) for data in DATA),
    *(('irra', f'vitb16_{data}_irra', (384, 128)) for data in DATA),
    ('irra', 'vitb16_cuhk_irra_release', (384, 128)),
    *(('tbps-clip', f'vitb16_{data}_tbps', (224, 224)) for data in DATA),
    *(('tbps-clip', f'vitb16_{data}_tbps_full', (224, 224)) for data in DATA),
    *(('rde', f'vitb16_{data}_tal', (384, 128)) for data in DATA),
    ('rde', 'vitb16_cuhk_tal_txt-aug', (384, 128)),
    ('toy', 'clip_toy_itc', (96, 48)),
    ('toy', 'irra_clip_toy', (96, 48)),
    ('toy', 'tbps_clip_toy', (96, 48)),
    ('toy', 'tbps_clip_toy_full', (96, 48)),
    ('toy', 'unipt_clip_toy', (96, 48)),
]
NO_PICTURE = ('LoadPersonImage', 'ExtraViews', 'DeleteWords', 'Tokenize', 'PackPersonInputs')
TABLE_4 = [('unipt', f'clip-{arch}_{data}_unipt', (384, 128)) for arch in ('vitb16', 'rn50') for data in DATA[:2]]


@pytest.fixture
def picture(tmp_path):
    import cv2

    path = tmp_path / 'person.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (60, 25, 3), dtype=np.uint8))
    return str(path)


@pytest.mark.parametrize(('folder', 'name', 'size'), TRAINING)
def test_training_pipelines(folder, name, size, picture):
    cfg = load(CONFIGS / folder / f'{name}.py')
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    caption = ' '.join(['a woman in a red coat with white shoes'] * 4)

    def run(seed):
        with seeded_rng(seed):
            return pipeline(dict(img_path=picture, captions=[caption], pid=3, image_id=0, sample_idx=0))

    items = [run(seed) for seed in range(30)]
    for item in items:
        assert item['inputs'].shape == (3, *size) and item['inputs'].dtype == torch.uint8
        ids = item['data_samples'].token_ids[0]
        assert (ids[0], ids[-1]) == (49406, 49407) and len(ids) <= 77
        if 'irra' in (folder, name.split('_')[0]):
            masked, positions = item['data_samples'].masked_token_ids, item['data_samples'].mask_positions
            changed = (masked != ids).nonzero().squeeze(1)
            assert set(changed.tolist()) <= set(positions.tolist())
        else:
            assert 'masked_token_ids' not in item['data_samples']
    assert len({item['inputs'].numpy().tobytes() for item in items}) > 10
    again = run(7)
    assert torch.equal(again['inputs'], items[7]['inputs'])
    if name.endswith('_full'):
        first, *_ = (step for step in cfg.train_dataloader.dataset.pipeline if step['type'] == 'ExtraViews')
        own = [step for step in cfg.train_dataloader.dataset.pipeline if step['type'] not in NO_PICTURE]
        assert first['views'][0] == own, 'view 0 is made as the picture itself'
        for views in zip(*(item['data_samples'].views for item in items), strict=True):
            assert {tuple(view.shape) for view in views} == {(3, *size)}
            assert len({view.numpy().tobytes() for view in views}) > 10
        assert len({view.numpy().tobytes() for view in [items[0]['inputs'], *items[0]['data_samples'].views]}) > 2
        assert all(map(torch.equal, again['data_samples'].views, items[7]['data_samples'].views))
    else:
        assert 'views' not in items[0]['data_samples']
    if folder == 'tbps-clip':
        assert len({len(item['data_samples'].token_ids[0]) for item in items}) > 2


@pytest.mark.parametrize(('folder', 'name', 'size'), TRAINING + TABLE_4)
def test_evaluation_pipelines(folder, name, size, picture):
    cfg = load(CONFIGS / folder / f'{name}.py')
    for part in ('val', 'test'):
        pipeline = Compose(cfg[f'{part}_dataloader'].dataset.pipeline)
        item = pipeline(dict(img_path=picture, captions=['red coat', 'a man'], pid=3, image_id=0, sample_idx=0))
        assert item['inputs'].shape == (3, *size)
        assert [ids[0] for ids in item['data_samples'].token_ids] == [49406] * 2
        assert cfg[f'{part}_dataloader'].dataset.split == part
    assert cfg.train_dataloader.dataset.split == 'train'


def test_irras_learning_rates():
    cfg = shallow(load(CONFIGS / 'irra' / 'vitb16_cuhk_irra.py'))
    model = get_model(cfg)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    settings = {id(param): group for group in optimizer.param_groups for param in group['params']}
    for name, param in model.named_parameters():
        group = settings[id(param)]
        rate, decay = irras_setting(name)
        assert (group['lr'], group['weight_decay'], group['eps']) == (pytest.approx(rate), decay, 1e-3), name


def irras_setting(name):
    """Rate and decay of the authors' code: later lines win; their classifier and mlm_head are five times as fast."""
    rate, decay = 1e-5, 4e-5
    if 'cross_attention' in name or 'interaction.layers' in name:
        rate = 5e-5
    if 'bias' in name:
        rate, decay = 2e-5, 0.0
    if name.startswith(('heads.identity', 'heads.irr.transform', 'heads.irr.decoder')):
        rate = 5e-5
    return rate, decay


@pytest.mark.parametrize(('name', 'size'), [(n, s) for folder, n, s in TRAINING if folder == 'tbps-clip'])
def test_tbps_clip_reads_as_its_authors(name, size, picture):
    """Captions without some marks in training, test and searches; images resized bilinearly in training alone."""
    cfg = load(CONFIGS / 'tbps-clip' / f'{name}.py')
    wanted = CLIPTokenizer()(['a man walks'])[0]
    for part, interpolation in (('train', 'bilinear'), ('val', 'bicubic'), ('test', 'bicubic')):
        steps = cfg[f'{part}_dataloader'].dataset.pipeline
        (resize,) = (step for step in steps if step['type'] == 'Resize')
        assert resize.interpolation == interpolation
        kept = [step for step in steps if step['type'] in ('LoadPersonImage', 'Resize', 'Tokenize', 'PackPersonInputs')]
        item = Compose(kept)(dict(img_path=picture, captions=['"A man" (walks).'], pid=3, image_id=0, sample_idx=0))
        assert item['data_samples'].token_ids[0].tolist() == wanted and item['inputs'].shape == (3, *size)
    assert pipeline_tokenizer(cfg.test_pipeline)(['"A man" (walks).']) == [wanted], 'as in searches'
    assert cfg.tokenizer == cfg.test_pipeline[-2].tokenizer


def test_tbps_clip_trains_what_its_authors_train():
    cfg = shallow(load(CONFIGS / 'tbps-clip' / 'vitb16_cuhk_tbps_full.py'))
    model = get_model(cfg)
    frozen = [name for name, param in model.named_parameters() if not param.requires_grad]
    assert frozen == ['image_encoder.visual.conv1.weight']
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    decays = {id(param): group['weight_decay'] for group in optimizer.param_groups for param in group['params']}
    flat = {'image_encoder.visual.class_embedding', 'heads.contrastive.log_scale'}
    for name, param in model.named_parameters():
        if param.requires_grad:
            assert decays[id(param)] == (0 if param.ndim < 2 else 0.02), name
            flat -= {name} if param.ndim < 2 else set()
    assert not flat


def rates_of(cfg):
    """The learning rate in each of 60 epochs."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    schedulers = []
    for settings in cfg.param_scheduler:
        settings = dict(dict(end=60), **settings, optimizer=optimizer)
        schedulers.append(PARAM_SCHEDULERS.get(settings.pop('type'))(**settings))
    rates = []
    for _ in range(60):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return rates


def test_irras_schedule():
    """Five epochs from a tenth of the rate, then a cosine to zero at the end of the sixtieth."""
    cfg = load(CONFIGS / 'irra' / 'vitb16_cuhk_irra.py')
    assert (cfg.train_cfg.max_epochs, cfg.train_dataloader.batch_size) == (60, 64)
    rates = rates_of(cfg)
    assert rates[0] == pytest.approx(1e-6) and max(rates) == pytest.approx(1e-5)
    assert rates.index(max(rates)) in (4, 5)
    assert rates == sorted(rates[:6]) + sorted(rates[6:], reverse=True)
    assert rates[-1] < 5e-8


def test_irras_release_has_the_schedule_of_its_code():
    cfg = load(CONFIGS / 'irra' / 'vitb16_cuhk_irra_release.py')
    for epoch, rate in enumerate(rates_of(cfg)):
        warmup, cosine = 0.1 * (1 - epoch / 5) + epoch / 5, 0.5 * (1 + math.cos(math.pi * (epoch - 5) / 55))
        assert rate == pytest.approx(1e-5 * (warmup if epoch < 5 else cosine), abs=1e-15), epoch


def test_irras_release_reads_as_its_code(picture):
    cfg = load(CONFIGS / 'irra' / 'vitb16_cuhk_irra_release.py')
    assert cfg.model.read_masked_text and not load(CONFIGS / 'irra' / 'vitb16_cuhk_irra.py').model.get(
        'read_masked_text'
    )
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    colors = set()
    for seed in range(30):
        with seeded_rng(seed):
            item = pipeline(dict(img_path=picture, captions=['coat'], pid=3, image_id=0, sample_idx=0))
        assert item['data_samples'].mask_positions.tolist() == [1]
        colors |= {tuple(row) for row in item['inputs'].flatten(1).T[::97].tolist()}
    assert (133, 147, 156) in colors, "BGR of CLIP's mean, filled in after normalization"
    for part in ('train', 'test'):
        (resize,) = (step for step in cfg[f'{part}_dataloader'].dataset.pipeline if step['type'] == 'Resize')
        assert (resize.interpolation, resize.backend) == ('bilinear', 'pillow')


def test_irras_release_trains(picture):
    """One step of the shrunk model: one text pass of 77 places, all losses, every weight gets a gradient."""
    cfg = shallow(load(CONFIGS / 'irra' / 'vitb16_cuhk_irra_release.py'))
    cfg.model.heads.irr.update(vocab_size=1000, num_layers=1)
    cfg.model.image_encoder.half_weights = cfg.model.text_encoder.half_weights = True
    model = get_model(cfg).train()
    seen = []
    model.text_encoder.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    samples = []
    for number in range(4):
        ids = torch.tensor([998, number + 1, 5, 999])
        masked = dict(masked_token_ids=torch.tensor([998, 997, 5, 999]), mask_positions=torch.tensor([1]))
        samples.append(PersonSample(pid=number % 2, sample_idx=number, token_ids=[ids], **masked))
    pictures = [torch.randint(0, 256, (3, 384, 128), dtype=torch.uint8) for _ in samples]
    losses = model(**model.data_preprocessor(dict(inputs=pictures, data_samples=samples), True), mode='loss')
    assert set(losses) == {'loss_sdm', 'loss_irr', 'loss_identity'} and seen == [(4, 77)]
    sum(losses.values()).backward()
    assert all(param.grad.isfinite().all() for param in model.parameters())


def test_irras_heads():
    heads = load(CONFIGS / 'irra' / 'vitb16_cuhk_irra.py').model.heads
    assert heads.sdm.loss.temperature == 0.02
    assert (heads.irr.vocab_size, heads.irr.num_layers, heads.irr.num_heads) == (49408, 4, 8)
    assert heads.identity.loss_weight == 0.5  # the mean of the modalities, not their sum


@pytest.mark.parametrize('name', [name for _, name, _ in TABLE_4])
def test_unipts_table_4(name, picture):
    """CLIP's towers under UniPT's fine-tuning: its rates, its losses, flips alone."""
    cfg = load(CONFIGS / 'unipt' / f'{name}.py')
    bert = load(CONFIGS / 'unipt' / f'vitb16_{name.split("_")[1]}.py')
    for part in ('optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert cfg[part] == bert[part]
    assert cfg.model.heads == bert.model.heads and cfg.load_from is None
    for encoder in (cfg.model.image_encoder, cfg.model.text_encoder):
        assert encoder.model == {'vitb16': 'ViT-B-16-quickgelu', 'rn50': 'RN50-quickgelu'}[name[5:].split('_')[0]]
        assert encoder.init_cfg == dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai')
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    pictures = set()
    for seed in range(20):
        with seeded_rng(seed):
            item = pipeline(dict(img_path=picture, captions=['red'], pid=3, image_id=0, sample_idx=0))
        pictures.add(item['inputs'].numpy().tobytes())
    flipped = np.frombuffer(pictures.pop(), np.uint8).reshape(3, 384, 128)[..., ::-1]
    assert pictures == {flipped.tobytes()}


def test_unipts_table_4_learns():
    """One step: every weight that takes part gets a gradient, and the losses are UniPT's."""
    cfg = shallow(load(CONFIGS / 'unipt' / 'clip-rn50_cuhk_unipt.py'))
    model = get_model(cfg).train()
    samples = [
        PersonSample(pid=number % 2, sample_idx=number, token_ids=[torch.tensor([998, number + 1, 999])])
        for number in range(4)
    ]
    pictures = [torch.randint(0, 256, (3, 384, 128), dtype=torch.uint8) for _ in samples]
    data = model.data_preprocessor(dict(inputs=pictures, data_samples=samples), True)
    losses = model(**data, mode='loss')
    assert set(losses) == {'loss_identity', 'loss_ranking', 'loss_pgu_identity', 'loss_pgu_ranking'}
    sum(losses.values()).backward()
    idle = [name for name, param in model.named_parameters() if param.grad is None]
    assert not idle


def test_lora_trains_a_small_part():
    pytest.importorskip('peft')
    init_default_scope('mmt2ireid')
    model = get_model(Config.fromfile(CONFIGS / 'toy' / 'clip_toy_itc_lora.py'))
    sizes = [sum(p.numel() for p in model.parameters() if p.requires_grad is wanted) for wanted in (True, False)]
    assert 0 < sizes[0] < 0.05 * sizes[1]


@pytest.mark.parametrize(
    ('folder', 'name', 'scale'),
    [
        *((folder, name, None) for folder, name, _ in TRAINING if folder in ('clip', 'tbps-clip')),
        ('clip', 'vitb16_cuhk_itc_lora', None),
        ('toy', 'tbps_clip_toy', 1 / 0.07),
        ('toy', 'tbps_clip_toy_full', 1 / 0.07),
    ],
)
def test_where_learned_scales_start(folder, name, scale):
    """Real data: from the loaded weights. The twins of TBPS-CLIP take few steps and have their own."""
    head = load(CONFIGS / folder / f'{name}.py').model.heads.contrastive
    assert head.get('loss', head).logit_scale == scale


@pytest.mark.parametrize('name', ['vitb16_cuhk_tbps', 'vitb16_cuhk_tbps_full'])
def test_tbps_clips_scale_is_that_of_openais_weights(name, tmp_path):
    import open_clip
    from mmengine.config import ConfigDict

    cfg = shallow(load(CONFIGS / 'tbps-clip' / f'{name}.py'))
    towers = cfg.model.image_encoder.model.to_dict()
    network = open_clip.CLIP(**towers)
    network.logit_scale.data.fill_(4.6052)  # as in OpenAI's file of ViT-B/16
    (tmp_path / 'open_clip_config.json').write_text(json.dumps(dict(model_cfg=towers)))
    torch.save(network.state_dict(), tmp_path / 'open_clip_pytorch_model.bin')
    for encoder in (cfg.model.image_encoder, cfg.model.text_encoder):
        encoder.init_cfg = ConfigDict(type='mmt2ireid.OpenCLIPPretrained', model=f'local-dir:{tmp_path}')
    model = get_model(cfg, pretrained=True)
    assert model.heads.contrastive.learned_scale().item() == pytest.approx(100, rel=1e-4)
