"""Depths of the parameters of all encoders that offer rates by layer."""

from __future__ import annotations

import pytest
from mmengine.optim import build_optim_wrapper
from mmpretrain.models import VisionTransformer
from torch import nn

from mmt2ireid.models import BertTextEncoder

BERT = dict(vocab_size=9, hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=8)
CLIP = dict(
    embed_dim=8,
    vision_cfg=dict(layers=3, width=64, head_width=32, patch_size=8, image_size=16),
    text_cfg=dict(context_length=5, vocab_size=9, width=8, heads=2, layers=3),
)
RESNET = dict(CLIP, vision_cfg=dict(layers=(1, 1, 1, 1), width=8, image_size=32))
EXPECTED = {
    'bert.embeddings.position_embeddings.weight': 0,
    'bert.encoder.layer.2.output.dense.weight': 3,
    'token_embedding.weight': 0,
    'positional_embedding': 0,
    'transformer.resblocks.0.attn.in_proj_bias': 1,
    'ln_final.bias': 4,
    'text_projection': 4,
    'visual.class_embedding': 0,
    'visual.positional_embedding': 0,
    'visual.conv1.weight': 0,
    'visual.ln_pre.bias': 0,
    'visual.transformer.resblocks.2.mlp.c_fc.bias': 3,
    'visual.ln_post.weight': 4,
    'visual.proj': 4,
}


def open_clip(kind, **cfg):
    pytest.importorskip('open_clip')
    from mmt2ireid import models

    return getattr(models, f'OpenCLIP{kind}Encoder')(**cfg)


@pytest.mark.parametrize(
    'make',
    [
        lambda: BertTextEncoder(config=BERT),
        lambda: open_clip('Text', model=CLIP),
        lambda: open_clip('Image', model=CLIP),
    ],
    ids=['BERT', 'CLIP text', 'CLIP ViT'],
)
def test_depths(make):
    encoder = make()
    depths = {name: encoder.get_layer_depth(name) for name, _ in encoder.named_parameters()}
    assert {total for _, total in depths.values()} == {5}
    named = {name: depth for name, depth in EXPECTED.items() if name in depths}
    assert len(named) >= 2 and {name: depths[name][0] for name in named} == named
    assert {depth for depth, _ in depths.values()} >= {0, 1, 2, 3}
    assert encoder.get_layer_depth('x.' + next(iter(named)), 'x.') == (named[next(iter(named))], 5)


def test_depths_of_clips_resnet():
    encoder = open_clip('Image', model=RESNET)
    depths = {name: encoder.get_layer_depth(name) for name, _ in encoder.named_parameters()}
    assert depths['visual.conv1.weight'] == depths['visual.bn3.bias'] == (0, 6)
    assert depths['visual.layer1.0.conv1.weight'] == (1, 6) and depths['visual.layer4.0.bn1.bias'] == (4, 6)
    assert depths['visual.attnpool.c_proj.weight'] == (5, 6)


def test_other_towers_are_refused():
    vision = dict(timm_model_name='test_byobnet', timm_model_pretrained=False, timm_pool='catavgmax', timm_proj='')
    encoder = open_clip('Image', model=dict(CLIP, vision_cfg=dict(vision, image_size=32)))
    with pytest.raises(ValueError, match=r"layer_decay_rate must be left out for this image tower, .* none of CLIP's"):
        encoder.get_layer_depth('visual.trunk.stem')


def test_rates_of_both_encoders():
    arch = dict(embed_dims=8, num_layers=2, num_heads=2, feedforward_channels=8)
    vit = VisionTransformer(arch=arch, img_size=16, patch_size=8, out_type='raw')
    net = nn.ModuleDict(dict(image_encoder=vit, text_encoder=BertTextEncoder(config=BERT), head=nn.Linear(2, 2)))
    wrapper = build_optim_wrapper(
        net,
        dict(
            constructor='mmt2ireid.GroupedOptimWrapperConstructor',
            paramwise_cfg=dict(layer_decay_rate=0.5),
            optimizer=dict(type='SGD', lr=1.0),
        ),
    )
    rates = {id(parameter): group['lr'] for group in wrapper.optimizer.param_groups for parameter in group['params']}
    rate = {name: rates[id(parameter)] for name, parameter in net.named_parameters()}
    assert rate['image_encoder.pos_embed'] == 1 / 8 and rate['image_encoder.layers.0.attn.qkv.weight'] == 1 / 4
    assert rate['image_encoder.ln1.weight'] == rate['head.weight'] == 1
    assert rate['text_encoder.bert.embeddings.word_embeddings.weight'] == 1 / 16
    assert rate['text_encoder.bert.encoder.layer.2.output.dense.bias'] == 1 / 2
