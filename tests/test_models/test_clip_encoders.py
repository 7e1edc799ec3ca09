"""CLIP's towers against open_clip's own model: the same weights give the same features."""

from __future__ import annotations

import copy
import json
import sys

import pytest
import torch
from mmengine.config import ConfigDict
from model_builders import build_dual_encoder, make_batch
from test_no_host_sync import NoHostSync
from torch import nn

from mmt2ireid.models.clip_towers import OpenCLIPPretrained, resize_grid
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput
from mmt2ireid.text import CLIPTokenizer

open_clip = pytest.importorskip('open_clip')

TEXT = dict(context_length=16, vocab_size=49408, width=32, heads=2, layers=2)
VIT = dict(
    embed_dim=24,
    quick_gelu=True,
    vision_cfg=dict(image_size=64, layers=2, width=64, head_width=32, patch_size=16),
    text_cfg=TEXT,
)
RESNET = dict(
    embed_dim=24,
    quick_gelu=True,
    vision_cfg=dict(image_size=64, layers=[1, 1, 1, 1], width=8, patch_size=None, head_width=64),
    text_cfg=TEXT,
)
TIMM = dict(
    embed_dim=24,
    vision_cfg=dict(
        timm_model_name='test_byobnet',
        timm_model_pretrained=False,
        timm_pool='catavgmax',
        timm_proj='',
        image_size=[32, 16],
    ),
    text_cfg=TEXT,
)
SIZES = {'vit': (64, 64), 'resnet': (64, 64), 'timm': (32, 16)}
MODELS_OF = {'vit': VIT, 'resnet': RESNET, 'timm': TIMM}


def upstream(config, seed=0):
    """open_clip's model, random to the last bias and running statistic."""
    torch.manual_seed(seed)
    return spread(open_clip.CLIP(**copy.deepcopy(config)))


def spread(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * parameter.abs().mean().clamp(min=0.1) * torch.randn_like(parameter)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def save(model, config, folder):
    folder.mkdir(exist_ok=True)
    (folder / 'open_clip_config.json').write_text(json.dumps({'model_cfg': config}))
    torch.save(model.state_dict(), folder / 'open_clip_pytorch_model.bin')
    return f'local-dir:{folder}'


def encoder(kind, place=None, model=None, **options):
    """Our encoder, with the weights of a folder."""
    init = None if place is None else dict(type='mmt2ireid.OpenCLIPPretrained', model=place)
    config = dict(type=f'mmt2ireid.OpenCLIP{kind}Encoder', model=model, init_cfg=init, **options)
    built = MODELS.build(ConfigDict(config))
    built.init_weights()
    return built.eval()


def captions(model_length=16, longest=12):
    tokenizer = CLIPTokenizer(model_length)
    ids = tokenizer(['a man', 'a woman with a red umbrella', 'someone in a blue coat, walking along'])
    assert max(map(len, ids)) <= longest
    rows = torch.zeros(len(ids), longest, dtype=torch.int64)
    for row, caption in enumerate(ids):
        rows[row, : len(caption)] = torch.tensor(caption)
    return rows, torch.arange(longest) < torch.tensor([len(caption) for caption in ids])[:, None]


@pytest.mark.parametrize('kind', MODELS_OF)
@torch.no_grad()
def test_images_equal_open_clips(kind, tmp_path):
    model = upstream(MODELS_OF[kind])
    ours = encoder('Image', save(model, MODELS_OF[kind], tmp_path), MODELS_OF[kind])
    images = torch.randn(3, 3, *SIZES[kind])
    output, wanted = ours(images), model.encode_image(images)
    assert output.num_extra_tokens == 1 and output.mask is None
    torch.testing.assert_close(output.tokens[:, 0], wanted, atol=1e-5, rtol=1e-5)
    state = {f'visual.{key}': value for key, value in model.visual.state_dict().items()}
    assert state.keys() == ours.state_dict().keys()
    assert all(torch.equal(value, ours.state_dict()[key]) for key, value in state.items())


@torch.no_grad()
def test_patches_of_a_vit_are_what_open_clip_calls_tokens(tmp_path):
    """Its own tokens stop before the projection."""
    config = dict(VIT, vision_cfg=dict(VIT['vision_cfg'], output_tokens=True))
    model, images = upstream(config), torch.randn(2, 3, 64, 64)
    pooled, tokens = model.visual(images)
    output = encoder('Image', save(model, VIT, tmp_path), VIT)(images)
    assert output.tokens.shape == (2, 17, 24)
    wanted = torch.cat([pooled[:, None], tokens @ model.visual.proj], dim=1)
    torch.testing.assert_close(output.tokens, wanted, atol=1e-5, rtol=1e-5)


def test_the_patch_embedding_can_stay_as_loaded(tmp_path):
    model = upstream(VIT)
    ours = encoder('Image', save(model, VIT, tmp_path), VIT, freeze_patch_embed=True)
    frozen = [name for name, parameter in ours.named_parameters() if not parameter.requires_grad]
    assert frozen == ['visual.conv1.weight'] and torch.equal(ours.visual.conv1.weight, model.visual.conv1.weight)
    for other in (RESNET, TIMM):
        with pytest.raises(ValueError, match='freeze_patch_embed must be False'):
            encoder('Image', None, other, freeze_patch_embed=True)


@pytest.mark.parametrize('changes', [{}, dict(attentional_pool=True, attn_pooler_heads=2)])
@torch.no_grad()
def test_a_model_that_gives_its_own_tokens_too(changes, tmp_path):
    """As CoCa's do; the embedding is the first of the two."""
    config = dict(VIT, vision_cfg=dict(VIT['vision_cfg'], output_tokens=True, **changes))
    model, images = upstream(config), torch.randn(2, 3, 64, 64)
    ours = encoder('Image', save(model, config, tmp_path), config)
    torch.testing.assert_close(ours(images).tokens[:, 0], model.visual(images)[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_patches_of_a_resnet_are_its_pooling_asked_at_each_position(tmp_path):
    model, images = upstream(RESNET), torch.randn(2, 3, 64, 64)
    output = encoder('Image', save(model, RESNET, tmp_path), RESNET)(images)
    assert output.tokens.shape == (2, 5, 24)
    pool = model.visual.attnpool
    maps = []
    pool.register_forward_hook(lambda module, args, result: maps.append(args[0]))
    model.visual(images)
    tokens = maps[0].flatten(2).permute(0, 2, 1).double()
    tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], 1) + pool.positional_embedding.double()
    pool = copy.deepcopy(pool).double()
    width = 256 // pool.num_heads
    for row in range(2):
        query, key, value = (layer(tokens[row]) for layer in (pool.q_proj, pool.k_proj, pool.v_proj))
        heads = []
        for head in range(pool.num_heads):
            part = slice(head * width, (head + 1) * width)
            heads.append((query[:, part] @ key[:, part].T / width**0.5).softmax(1) @ value[:, part])
        wanted = pool.c_proj(torch.cat(heads, 1))
        torch.testing.assert_close(output.tokens[row].double(), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('kind', MODELS_OF)
@torch.no_grad()
def test_captions_equal_open_clips(kind, tmp_path):
    """Padded to 16 there and to the longest caption here; open_clip finds the end by the largest id."""
    model = upstream(MODELS_OF[kind])
    ours = encoder('Text', save(model, MODELS_OF[kind], tmp_path), MODELS_OF[kind])
    ids, mask = captions()
    padded = nn.functional.pad(ids, (0, 4))
    output = ours(ids, mask)
    torch.testing.assert_close(output.tokens[:, 0], model.encode_text(padded), atol=1e-5, rtol=1e-5)
    assert (ours.vocab_size, ours.max_length) == (49408, 16)
    assert output.num_extra_tokens == 1
    assert output.mask.sum(1).tolist() == (mask.sum(1) - 1).tolist(), 'all but the end token, which is now the first'
    longer = ours(padded, nn.functional.pad(mask, (0, 4)))
    torch.testing.assert_close(longer.tokens[:, :12][output.mask], output.tokens[output.mask])


@torch.no_grad()
def test_words_went_through_the_same_projection(tmp_path):
    model = upstream(VIT)
    ours = encoder('Text', save(model, VIT, tmp_path), VIT)
    ids, mask = captions()
    tokens = ours(ids, mask).tokens
    for row in range(len(ids)):
        for last in range(1, int(mask[row].sum()) - 1):
            # What open_clip gives a caption that ends at this word.
            cut = nn.functional.pad(ids[row : row + 1, : last + 1], (0, 15 - last))
            states = model.token_embedding(cut) + model.positional_embedding
            states = model.ln_final(model.transformer(states, attn_mask=model.attn_mask))
            wanted = (states[:, last] @ model.text_projection)[0]
            torch.testing.assert_close(tokens[row, last], wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_positions_for_person_pictures_equal_open_clips_own_resize(tmp_path):
    place = save(upstream(VIT), VIT, tmp_path)
    model = open_clip.create_model(place, force_image_size=(96, 32)).eval()
    ours = encoder('Image', place, VIT, image_size=(96, 32))
    torch.testing.assert_close(
        ours.visual.positional_embedding, model.visual.positional_embedding, atol=1e-6, rtol=1e-6
    )
    images = torch.randn(2, 3, 96, 32)
    output = ours(images)
    assert output.tokens.shape == (2, 13, 24)
    torch.testing.assert_close(output.tokens[:, 0], model.encode_image(images), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_grid_of_as_many_positions_is_resized_too(tmp_path):
    """open_clip goes by their number, and leaves a 4 x 4 grid as it is for 8 x 2."""
    place = save(upstream(VIT), VIT, tmp_path)
    ours = encoder('Image', place, VIT, image_size=(128, 32))
    square = encoder('Image', place, VIT)
    wanted = nn.functional.interpolate(
        square.visual.positional_embedding[1:].reshape(1, 4, 4, 64).permute(0, 3, 1, 2),
        size=(8, 2), mode='bicubic', antialias=True,
    ).permute(0, 2, 3, 1).reshape(16, 64)  # fmt: skip
    torch.testing.assert_close(ours.visual.positional_embedding[1:], wanted)
    assert not torch.equal(ours.visual.positional_embedding, square.visual.positional_embedding)


@torch.no_grad()
def test_a_resnet_for_person_pictures(tmp_path):
    """open_clip cannot build it; its resize, of ViTs, is the same rule."""
    model = upstream(RESNET)
    ours = encoder('Image', save(model, RESNET, tmp_path), RESNET, image_size=(192, 64))
    shell = type('Shell', (), dict(visual=type('Grid', (), dict(grid_size=(6, 2)))))
    state = {'visual.positional_embedding': model.visual.attnpool.positional_embedding}
    open_clip.model.resize_pos_embed(state, shell)
    (wanted,) = state.values()
    torch.testing.assert_close(ours.visual.attnpool.positional_embedding, wanted, atol=1e-6, rtol=1e-6)
    images = torch.randn(2, 3, 192, 64)
    model.visual.attnpool.positional_embedding = nn.Parameter(wanted)
    torch.testing.assert_close(ours(images).tokens[:, 0], model.encode_image(images), atol=1e-5, rtol=1e-5)
    assert ours(images).tokens.shape == (2, 13, 24)


@torch.no_grad()
def test_longer_captions_equal_open_clips_own_resize(tmp_path):
    place = save(upstream(VIT), VIT, tmp_path)
    model = open_clip.create_model(place, force_context_length=24).eval()
    ours = encoder('Text', place, VIT, context_length=24)
    ids, mask = captions(24, 24)
    torch.testing.assert_close(ours(ids, mask).tokens[:, 0], model.encode_text(ids), atol=1e-5, rtol=1e-5)
    assert ours.max_length == 24


def test_a_grid_of_the_same_size_is_left_alone():
    table = torch.randn(13, 5)
    assert resize_grid(table, (6, 2), (6, 2)) is table


@pytest.mark.parametrize('kind', MODELS_OF)
def test_every_weight_is_trained(kind, tmp_path):
    """DistributedDataParallel stops at a parameter without gradient."""
    ids, mask = captions()
    torch.manual_seed(0)
    for ours, output in (
        (built := encoder('Image', None, MODELS_OF[kind]), lambda: built.train()(torch.randn(2, 3, *SIZES[kind]))),
        (words := encoder('Text', None, MODELS_OF[kind]), lambda: words.train()(ids, mask)),
    ):
        output().tokens[:, 0].square().sum().backward()
        assert [name for name, parameter in ours.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize('kind', ['vit', 'resnet'])
@torch.no_grad()
def test_in_a_dual_encoder(kind):
    """Normalisation to retrieval features: the model's own data preprocessor, necks without weights."""
    config = MODELS_OF[kind]
    neck = dict(type='mmt2ireid.GlobalTokenNeck', out_channels=24)
    model = build_dual_encoder(
        heads={},
        image_encoder=dict(type='mmt2ireid.OpenCLIPImageEncoder', model=config, image_size=(96, 32)),
        text_encoder=dict(type='mmt2ireid.OpenCLIPTextEncoder', model=config),
        img_neck=neck,
        txt_neck=neck,
    ).eval()
    assert (model.data_preprocessor.vocab_size, model.data_preprocessor.max_length) == (49408, 16)
    batch = model.data_preprocessor(make_batch(2, captions=2, image_size=(96, 32), masked=False))
    with torch.no_grad():
        features = model.extract(batch['inputs'])
        image = model.image_encoder(batch['inputs'].images).tokens
    assert features.img_embed.shape == (2, 24) and features.txt_embed.shape == (4, 24)
    assert torch.equal(features.img_embed, image[:, 0])
    assert torch.equal(features.txt_embed, features.txt_tokens[:, 0])
    assert model.predict(batch['inputs'], batch['data_samples'])[0].txt_feats.shape == (2, 24)


@pytest.mark.parametrize('kind', MODELS_OF)
@torch.no_grad()
def test_in_bfloat16_and_without_waiting_for_the_device(kind):
    image, text = encoder('Image', None, MODELS_OF[kind]), encoder('Text', None, MODELS_OF[kind])
    images, (ids, mask) = torch.randn(2, 3, *SIZES[kind]), captions()
    wanted = [image(images).tokens[:, 0], text(ids, mask).tokens[:, 0]]
    with torch.autocast('cpu', dtype=torch.bfloat16), NoHostSync():
        found = [image(images).tokens[:, 0], text(ids, mask).tokens[:, 0]]
    for one, two in zip(found, wanted, strict=True):
        assert nn.functional.cosine_similarity(one.float(), two).min() > 0.99


@pytest.mark.parametrize('kind', MODELS_OF)
def test_pictures_of_another_size(kind):
    height, width = SIZES[kind]
    message = rf'must be of image_size=\({height}, {width}\) .*, but got \({height}, {width + 32}\)'
    with pytest.raises(ValueError, match=message):
        encoder('Image', None, MODELS_OF[kind])(torch.zeros(1, 3, height, width + 32))


def test_necks_without_a_global_token():
    neck = MODELS.build(dict(type='mmt2ireid.GlobalTokenNeck', out_channels=4))
    with pytest.raises(ValueError, match='needs a leading global token of width out_channels=4, but got 0'):
        neck(EncoderOutput(torch.zeros(1, 2, 4)))
    with pytest.raises(ValueError, match='got 1 such tokens of width 3'):
        neck(EncoderOutput(torch.zeros(1, 2, 3), num_extra_tokens=1))


def test_the_activation_must_be_the_one_of_the_weights(tmp_path):
    place = save(upstream(VIT), VIT, tmp_path)
    for kind in ('Image', 'Text'):
        with pytest.raises(ValueError, match=r'activation must be that of the weights .*, QuickGELU, but got GELU'):
            encoder(kind, place, dict(VIT, quick_gelu=False))


def test_weights_of_another_model_are_named(tmp_path):
    place = save(upstream(VIT), VIT, tmp_path)
    wide = dict(VIT, vision_cfg=dict(VIT['vision_cfg'], width=96), text_cfg=dict(TEXT, width=64))
    with pytest.raises(ValueError, match=r'must have the shapes of VisionTransformer, .*class_embedding'):
        encoder('Image', place, wide)
    with pytest.raises(ValueError, match='must have the shapes of OpenCLIPTextEncoder'):
        encoder('Text', place, wide)
    with pytest.raises(ValueError, match='must have the shapes of ModifiedResNet'):
        encoder('Image', place, RESNET)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(model='ViT-B-61'), "model must be one that open_clip knows, but got 'ViT-B-61'; near it: ViT-B-16"),
        (dict(model='local-dir:somewhere'), 'belongs into init_cfg'),
        (dict(model=dict(embed_dim=4)), 'model must be the model_cfg of an open_clip model'),
        (dict(model=VIT, image_size=(100, 32)), r'multiples of \(16, 16\), but got'),
        (dict(model=VIT, image_size=[96]), 'must be a height and a width'),
        (dict(model=RESNET, image_size=(48, 32)), r'multiples of \(32, 32\), but got'),
        (dict(model=TIMM, image_size=(64, 32)), r'image_size must be None or \(32, 16\) for this tower'),
        (dict(model=TIMM, image_size=(48, 16)), r'image_size must be None or \(32, 16\) for this tower'),
    ],
)
def test_what_an_image_encoder_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        encoder('Image', **options)


def test_what_a_text_encoder_refuses():
    for changes, found in (
        (dict(no_causal_mask=True), "CLIP without a causal mask, with pool_type 'argmax'"),
        (dict(pool_type='last'), "CLIP with pool_type 'last'"),
    ):
        with pytest.raises(ValueError, match=f"must be CLIP's own, causal and read at the end token, but got {found}"):
            encoder('Text', model=dict(VIT, text_cfg=dict(TEXT, **changes)))
    with pytest.raises(ValueError, match='context_length must be at least 2'):
        encoder('Text', model=VIT, context_length=1)


def test_what_weights_are_refused():
    with pytest.raises(ValueError, match='must be a tag or a file where model brings no weights'):
        OpenCLIPPretrained()
    with pytest.raises(ValueError, match='with load_clip, but got Linear'):
        OpenCLIPPretrained('openai')(nn.Linear(1, 1))
    with pytest.raises(ValueError, match='model of OpenCLIPPretrained must be given'):
        OpenCLIPPretrained('openai')(encoder('Text', model=VIT))


def test_by_name_and_tag(tmp_path, monkeypatch):
    """A tag of OpenAI's kind belongs to the model with QuickGELU; the plain one is refused, not silently wrong."""
    model = upstream(VIT)
    save(model, VIT, tmp_path)
    file = str(tmp_path / 'open_clip_pytorch_model.bin')
    for name, config in (('ViT-tiny', dict(VIT, quick_gelu=False)), ('ViT-tiny-quickgelu', VIT)):
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, name, {'openai': dict(file=file, quick_gelu=True)})
    init = dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai')
    images = torch.randn(2, 3, 64, 64)
    ours = encoder('Image', model='ViT-tiny-quickgelu')
    assert (ours(images).tokens[:, 0] - model.encode_image(images)).abs().max() > 1e-3, 'random until told'
    ours.init_cfg = init
    ours.init_weights()
    torch.testing.assert_close(ours(images).tokens[:, 0], model.encode_image(images), atol=1e-5, rtol=1e-5)
    for kind in ('Image', 'Text'):
        plain = encoder(kind, model='ViT-tiny')
        plain.init_cfg = init
        with pytest.raises(ValueError, match="'ViT-tiny openai', QuickGELU, but got GELU"):
            plain.init_weights()
    ours.init_cfg = dict(init, pretrained=file)
    ours.init_weights()


def test_weights_that_cannot_be_fetched_are_named(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise OSError('Network is unreachable')

    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, 'ViT-tiny-quickgelu', VIT)
    tag = dict(url='https://example.invalid/none/tiny.pt', quick_gelu=True)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, 'ViT-tiny-quickgelu', {'openai': tag})
    monkeypatch.setattr('urllib.request.urlopen', no_network)
    ours = encoder('Text', model='ViT-tiny-quickgelu')
    ours.init_cfg = dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai', cache_dir=str(tmp_path / 'cache'))
    with pytest.raises(FileNotFoundError, match=r"tag 'openai'.*example\.invalid.*unreachable.*pretrained=FILE"):
        ours.init_weights()


def test_without_open_clip_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'open_clip', None)
    for kind in ('Image', 'Text'):
        with pytest.raises(ImportError, match=r"pip install 'mmt2ireid\[clip\]'"):
            encoder(kind, model='ViT-B-16')


@pytest.mark.slow
@pytest.mark.parametrize('name', ['ViT-B-16-quickgelu', 'RN50-quickgelu'])
@torch.no_grad()
def test_full_size_equals_open_clips(name, tmp_path):
    """At 224 x 224 and, where open_clip builds it, at 384 x 128; 77 tokens; weights from a file."""
    torch.manual_seed(0)
    model = spread(open_clip.create_model(name, pretrained=None))
    file = str(tmp_path / 'weights.bin')
    torch.save(model.state_dict(), file)
    init = dict(type='mmt2ireid.OpenCLIPPretrained', pretrained=file)
    images, (ids, mask) = torch.randn(2, 3, 224, 224), captions(77, 14)
    for size in (None, (384, 128)):
        config = dict(type='mmt2ireid.OpenCLIPImageEncoder', model=name, image_size=size, init_cfg=init)
        ours = MODELS.build(config)
        ours.init_weights()
        ours.eval()
        if size is None:
            wanted = model.encode_image(images)
            found = ours(images).tokens[:, 0]
            torch.testing.assert_close(found / wanted.norm(dim=1, keepdim=True), nn.functional.normalize(wanted),
                                       atol=1e-5, rtol=1e-5)  # fmt: skip
        elif name.startswith('ViT'):
            theirs = open_clip.create_model(name, pretrained=file, force_image_size=size).eval()
            person = torch.randn(2, 3, *size)
            wanted, found = theirs.encode_image(person), ours(person).tokens
            assert found.shape == (2, 193, 512)
            torch.testing.assert_close(found[:, 0] / wanted.norm(dim=1, keepdim=True), nn.functional.normalize(wanted),
                                       atol=1e-5, rtol=1e-5)  # fmt: skip
        else:
            assert ours(torch.randn(2, 3, *size)).tokens.shape == (2, 49, 1024)
    text = MODELS.build(dict(type='mmt2ireid.OpenCLIPTextEncoder', model=name, init_cfg=init))
    text.init_weights()
    wanted = model.encode_text(nn.functional.pad(ids, (0, 63)))
    torch.testing.assert_close(text.eval()(ids, mask).tokens[:, 0], wanted, atol=1e-5, rtol=1e-5)
