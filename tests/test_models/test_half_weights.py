"""CLIP's towers with weights in float16: OpenAI's arithmetic, and updates that are lost."""

import copy

import pytest
import torch
import torch.nn.functional as F
from test_clip_encoders import RESNET, TIMM, VIT, captions, encoder, save, upstream

from mmt2ireid.models.clip_towers import resize_grid
from mmt2ireid.models.weights.positions import resize_positions

open_clip = pytest.importorskip('open_clip')
WEIGHTS = ('conv1', 'attn', 'mlp', 'proj')


@pytest.fixture(scope='module')
def towers(tmp_path_factory):
    """A model's own network, and the folder of its weights."""
    network = upstream(VIT)
    return network, save(network, VIT, tmp_path_factory.mktemp('clip'))


@torch.no_grad()
def test_features_are_those_of_open_clips_float16(towers):
    network, place = towers
    half = open_clip.CLIP(**copy.deepcopy(VIT), cast_dtype=torch.float16).eval()
    half.load_state_dict(network.state_dict())
    open_clip.convert_weights_to_lp(half, torch.float16)
    images, (ids, mask) = torch.randn(3, 3, 64, 64), captions()
    found = encoder('Image', place, VIT, half_weights=True)(images).tokens
    assert found.dtype == torch.float32
    assert torch.equal(found[:, 0], half.encode_image(images.half()).float())
    found = encoder('Text', place, VIT, half_weights=True)(ids, mask).tokens
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[:, 0], half.encode_text(F.pad(ids, (0, 4))).float(), atol=5e-3, rtol=2e-3)


@pytest.mark.parametrize('kind', ['Image', 'Text'])
def test_what_is_kept_in_float16(kind, towers):
    ours = encoder(kind, towers[1], VIT, half_weights=True)
    for name, parameter in ours.named_parameters():
        wanted = torch.float16 if any(part in name for part in WEIGHTS) else torch.float32
        assert parameter.dtype == wanted, name


def still_shares(half, place):
    """Share of a tower's matrices that has not moved after steps of IRRA's optimizer at 1e-5, by name."""
    torch.manual_seed(0)
    tower = encoder('Image', place, VIT, half_weights=half).train()
    before = {name: parameter.detach().clone() for name, parameter in tower.named_parameters()}
    optimizer = torch.optim.Adam(tower.parameters(), lr=1e-5, eps=1e-3)
    images = torch.randn(4, 3, 64, 64)
    for _ in range(5):
        optimizer.zero_grad()
        tower(images).tokens[:, 0].square().mean().backward()
        optimizer.step()
    assert all(parameter.isfinite().all() for parameter in tower.parameters())
    matrices = {name: p for name, p in tower.named_parameters() if p.ndim > 1 and any(w in name for w in WEIGHTS)}
    return {name: (p == before[name]).float().mean().item() for name, p in matrices.items()}


def test_small_updates_are_lost_in_float16_alone(towers):
    half, full = (still_shares(switch, towers[1]) for switch in (True, False))
    assert len(half) == 10 and max(full.values()) < 0.01
    assert sum(half.values()) / len(half) > 0.4


def test_checkpoints_cross_the_precisions(towers):
    half, full = (encoder('Image', towers[1], VIT, half_weights=switch) for switch in (True, False))
    full.load_state_dict(half.state_dict())
    half.load_state_dict(full.state_dict())
    assert full.visual.conv1.weight.dtype == torch.float32 and half.visual.conv1.weight.dtype == torch.float16
    assert torch.equal(full.visual.conv1.weight.half(), half.visual.conv1.weight)


def test_towers_that_cannot():
    for other in (RESNET, TIMM):
        with pytest.raises(ValueError, match='half_weights must be False for a tower that is no plain ViT'):
            encoder('Image', None, other, half_weights=True)


def test_adapters_refuse_it():
    pytest.importorskip('peft')
    from mmt2ireid.registry import MODELS

    inner = dict(type='mmt2ireid.OpenCLIPTextEncoder', model=VIT, half_weights=True)
    with pytest.raises(ValueError, match='half_weights must be False for an encoder with adapters'):
        MODELS.build(dict(type='mmt2ireid.LoRAEncoder', encoder=inner, target_modules=('query',)))


class TestPositions:
    def test_bilinear_as_irra_resizes_them(self, towers):
        network, place = towers
        table = network.visual.positional_embedding.detach()
        grid = F.interpolate(table[1:].T.reshape(1, 64, 4, 4), size=(6, 2), mode='bilinear')
        wanted = torch.cat([table[:1], grid.reshape(64, 12).T])
        ours = encoder('Image', place, VIT, image_size=(96, 32), position_mode='bilinear')
        torch.testing.assert_close(ours.visual.positional_embedding.detach(), wanted)
        usual = encoder('Image', place, VIT, image_size=(96, 32)).visual.positional_embedding.detach()
        assert torch.equal(usual, resize_grid(table, (4, 4), (6, 2))) and not torch.allclose(usual, wanted, atol=1e-3)

    def test_a_whole_checkpoint_of_another_grid(self, towers):
        ours = encoder('Image', towers[1], VIT, image_size=(96, 32), position_mode='bilinear')
        rows = towers[0].visual.positional_embedding.detach()[None]
        found = resize_positions(rows, ours.position_table(), (4, 4), 'it')
        torch.testing.assert_close(found[0], ours.visual.positional_embedding.detach())

    def test_unknown_mode(self):
        with pytest.raises(ValueError, match='position_mode must be one of'):
            encoder('Image', None, VIT, position_mode='nearest')
