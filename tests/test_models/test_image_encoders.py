import pytest
import timm
import torch
import torch.nn.functional as F
from model_builders import VIT
from torch import nn

from mmt2ireid.models.image_encoders import backbone_tokens, num_extra_tokens
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput


def build(**config):
    torch.manual_seed(0)
    backbone = MODELS.build(config)
    backbone.eval()
    return backbone


def timm_names(state):
    """mmpretrain's names of a ViT's weights to timm's."""
    pairs = (
        ('patch_embed.projection', 'patch_embed.proj'),
        ('layers.', 'blocks.'),
        ('ffn.blocks.0.0', 'mlp.fc1'),
        ('ffn.blocks.1', 'mlp.fc2'),
        ('.ln1', '.norm1'),
        ('.ln2', '.norm2'),
    )
    renamed = {}
    for key, value in state.items():
        key = key.replace('ln1.', 'norm.') if key.startswith('ln1.') else key
        for ours, theirs in pairs:
            key = key.replace(ours, theirs)
        renamed[key] = value
    return renamed


def test_vision_transformer_equals_timm():
    ours = build(
        type='mmpretrain.VisionTransformer',
        img_size=(48, 32),
        patch_size=8,
        out_type='raw',
        arch=dict(embed_dims=24, num_layers=3, num_heads=3, feedforward_channels=96),
    )
    theirs = timm.models.VisionTransformer(
        img_size=(48, 32), patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=0, global_pool=''
    ).eval()
    for parameter in ours.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    theirs.load_state_dict(timm_names(ours.state_dict()))
    images = torch.randn(2, 3, 48, 32)
    output = backbone_tokens(ours, images)
    assert output.tokens.shape == (2, 1 + 6 * 4, 24)
    assert output.num_extra_tokens == 1 and output.mask is None
    torch.testing.assert_close(output.tokens, theirs.forward_features(images), atol=1e-5, rtol=1e-5)


def test_position_embeddings_are_resized_at_load():
    def vit(size):
        return build(
            type='mmpretrain.VisionTransformer',
            img_size=size,
            patch_size=16,
            out_type='raw',
            interpolate_mode='bicubic',
            arch=dict(embed_dims=8, num_layers=1, num_heads=1, feedforward_channels=8),
        )

    square, person = vit(224), vit((384, 128))
    square.pos_embed.data = torch.randn(1, 1 + 14 * 14, 8)
    expected = (
        F.interpolate(
            square.pos_embed.data[:, 1:].reshape(1, 14, 14, 8).permute(0, 3, 1, 2),
            size=(24, 8),
            mode='bicubic',
            align_corners=False,
        )
        .permute(0, 2, 3, 1)
        .reshape(1, 192, 8)
    )
    missing, unexpected = person.load_state_dict(square.state_dict())
    assert not missing and not unexpected
    assert torch.equal(person.pos_embed[:, :1], square.pos_embed[:, :1])
    torch.testing.assert_close(person.pos_embed[:, 1:].detach(), expected, atol=1e-5, rtol=1e-5)
    assert backbone_tokens(person, torch.randn(1, 3, 384, 128)).tokens.shape == (1, 193, 8)


@pytest.mark.parametrize(
    ('config', 'size', 'shape', 'extra'),
    [
        (VIT, (32, 16), (2, 9, 24), 1),
        (dict(VIT, out_type='featmap'), (32, 16), (2, 8, 24), 0),
        (dict(VIT, type='mmpretrain.DistilledVisionTransformer'), (32, 16), (2, 10, 24), 2),
        (dict(type='mmpretrain.ResNet', depth=18), (96, 32), (2, 3, 512), 0),
        (dict(type='mmpretrain.ResNet', depth=18, strides=(1, 2, 2, 1)), (96, 32), (2, 12, 512), 0),
        (
            dict(
                type='mmpretrain.SwinTransformer',
                img_size=(384, 128),
                pad_small_map=True,
                arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
            ),
            (384, 128),
            (2, 48, 96),
            0,
        ),
        (
            dict(type='mmpretrain.TIMMBackbone', model_name='vit_tiny_patch16_224', img_size=(48, 32)),
            (48, 32),
            (2, 7, 192),
            1,
        ),
        (dict(type='mmpretrain.TIMMBackbone', model_name='resnet10t', features_only=True), (64, 32), (2, 2, 512), 0),
        (
            dict(
                type='mmpretrain.TIMMBackbone',
                model_name='swin_tiny_patch4_window7_224',
                img_size=(96, 64),
                depths=(1, 1, 1, 1),
            ),
            (96, 64),
            (2, 6, 768),
            0,
        ),
        (
            dict(
                type='mmpretrain.TIMMBackbone',
                model_name='swin_tiny_patch4_window7_224',
                img_size=(96, 64),
                depths=(1, 1, 1, 1),
                features_only=True,
            ),
            (96, 64),
            (2, 6, 768),
            0,
        ),
    ],
)
def test_upstream_backbones(config, size, shape, extra):
    backbone = build(**config)
    output = backbone_tokens(backbone, torch.randn(2, 3, *size))
    assert output.tokens.shape == shape
    assert output.num_extra_tokens == extra
    assert output.tokens.isfinite().all()


def returning(output):
    class Backbone(nn.Module):
        def forward(self, images):
            return output

    return Backbone()


def test_feature_map_is_read_row_by_row():
    grid = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    output = backbone_tokens(returning((grid[:, :1], grid)), torch.zeros(2, 3, 8, 8))
    for row in range(4):
        for column in range(5):
            assert torch.equal(output.tokens[:, row * 5 + column], grid[:, :, row, column])


def test_encoder_output_passes_through():
    mine = EncoderOutput(torch.zeros(2, 3, 4), num_extra_tokens=3)
    assert backbone_tokens(returning(mine), torch.zeros(2, 3, 8, 8)) is mine


@pytest.mark.parametrize(
    ('output', 'got'),
    [((torch.zeros(2, 4),), r'shape \(2, 4\)'), (dict(x=1), 'dict'), (torch.zeros(2), r'shape \(2,\)')],
)
def test_other_outputs_are_named(output, got):
    with pytest.raises(ValueError, match=f"image encoder Backbone must be tokens .* but got {got}.*out_type='raw'"):
        backbone_tokens(returning(output), torch.zeros(2, 3, 8, 8))


def test_pooled_vision_transformer_is_named():
    with pytest.raises(ValueError, match=r'VisionTransformer must be tokens .* but got shape \(2, 24\)'):
        backbone_tokens(build(**dict(VIT, out_type='cls_token')), torch.randn(2, 3, 32, 16))


def test_no_extra_tokens_unless_the_backbone_says_so():
    assert num_extra_tokens(returning(None)) == 0
