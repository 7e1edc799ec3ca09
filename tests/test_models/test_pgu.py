import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmt2ireid.models import PGUHead
from mmt2ireid.models.layers import PartLinear, PrototypeAttention, PrototypeDecoderLayer
from mmt2ireid.models.losses import identity_loss, ranking_loss
from mmt2ireid.structures import PairFeatures, PairTargets

DIM, HEADS, WIDTH, PARTS = 10, 3, 8, 4


def spread(module, seed=0):
    """Random weights in float64, so that no bias or norm is at its trivial start."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5
    return module


def tokens_and_mask(batch=3, length=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(batch, length, DIM, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([length, 1, 4])[:batch]
    return tokens, torch.arange(length) < lengths[:, None]


def plain_attention(attention, x, y, mask=None):
    """Multi-head cross-attention with keys and values written out, item by item and head by head."""
    outputs = []
    for b in range(len(y)):
        query = attention.query(x[b % len(x)])
        real = y[b] if mask is None else y[b][mask[b]]
        key, value = attention.key(real), attention.value(real)
        heads = []
        for h in range(attention.num_heads):
            part = slice(h * attention.head_dim, (h + 1) * attention.head_dim)
            weights = (query[:, part] @ key[:, part].T / math.sqrt(attention.head_dim)).softmax(-1)
            heads.append(weights @ value[:, part])
        outputs.append(attention.out(torch.cat(heads, -1)))
    return torch.stack(outputs)


def plain_layer(layer, x, y, mask=None):
    x = x + plain_attention(layer.attention, layer.norm_attention(x), layer.norm_attention(y), mask)
    first, _, second = layer.ffn
    hidden = (layer.norm_ffn(x) @ first.weight.T + first.bias).clamp(min=0)
    return x + hidden @ second.weight.T + second.bias


def plain_parts(head, y, mask=None):
    x = head.prototypes
    for layer in head.decoder:
        x = plain_layer(layer, x, y, mask)
    return torch.stack([x[:, k] @ head.project.weight[k] for k in range(x.shape[1])], 1)


class TestAttention:
    @pytest.mark.parametrize('shared', [True, False])
    @pytest.mark.parametrize('masked', [True, False])
    def test_folding_is_exact(self, shared, masked):
        attention = spread(PrototypeAttention(DIM, HEADS, WIDTH))
        tokens, mask = tokens_and_mask()
        mask = mask if masked else None
        x = torch.randn(1 if shared else 3, PARTS, DIM, dtype=torch.float64)
        torch.testing.assert_close(attention(x, tokens, mask), plain_attention(attention, x, tokens, mask))

    def test_gradients_equal_the_plain_ones(self):
        attention = spread(PrototypeAttention(DIM, HEADS, WIDTH))
        tokens, mask = tokens_and_mask()
        x = torch.randn(1, PARTS, DIM, dtype=torch.float64)
        weight = torch.randn(3, PARTS, DIM, dtype=torch.float64)
        gradients = []
        for attend in (attention, lambda *args: plain_attention(attention, *args)):
            inputs = [x.clone().requires_grad_(), tokens.clone().requires_grad_()]
            loss = (attend(*inputs, mask) * weight).sum()
            gradients.append(torch.autograd.grad(loss, [*inputs, *attention.parameters()]))
        torch.testing.assert_close(*gradients)

    def test_which_maps_have_a_bias(self):
        attention = PrototypeAttention(DIM, HEADS, WIDTH)
        biases = [name for name, _ in attention.named_parameters() if name.endswith('bias')]
        assert biases == ['out.bias']


class TestDecoderLayer:
    def test_equals_plain(self):
        layer = spread(PrototypeDecoderLayer(DIM, HEADS, WIDTH, 12))
        tokens, mask = tokens_and_mask()
        x = torch.randn(3, PARTS, DIM, dtype=torch.float64)
        torch.testing.assert_close(layer(x, tokens, mask), plain_layer(layer, x, tokens, mask))


class TestPartLinear:
    @pytest.mark.parametrize('bias', [True, False])
    def test_equals_separate_linears(self, bias):
        maps = spread(PartLinear(PARTS, 5, 6, bias=bias))
        x = torch.randn(3, PARTS, 5, dtype=torch.float64)
        linears = [nn.Linear(5, 6, bias=bias).double() for _ in range(PARTS)]
        for k, linear in enumerate(linears):
            linear.weight.data = maps.weight[k].T
            if bias:
                linear.bias.data = maps.bias[k, 0]
        expected = torch.stack([linear(x[:, k]) for k, linear in enumerate(linears)], 1)
        torch.testing.assert_close(maps(x), expected)

    def test_initialisation(self):
        torch.manual_seed(0)
        uniform, normal = PartLinear(8, 64, 100, bias=False), PartLinear(8, 64, 100, std=0.001)
        assert uniform.bias is None
        assert 0.99 / 8 < uniform.weight.abs().max() <= 1 / 8
        assert normal.weight.std().item() == pytest.approx(0.001, rel=0.03)
        assert normal.bias.abs().max() == 0


class TestHead:
    @staticmethod
    def build(**changes):
        arguments = dict(num_classes=5, dim=DIM, num_prototypes=PARTS, num_heads=HEADS, head_dim=WIDTH, ffn_dim=12)
        return spread(PGUHead(**{**arguments, **changes}))

    def features(self):
        img, _ = tokens_and_mask(seed=1)
        txt, mask = tokens_and_mask(seed=2)
        unused = torch.zeros(3, DIM, dtype=torch.float64)
        pids = torch.tensor([4, 0, 1])
        return PairFeatures(img, txt, mask, unused, unused), PairTargets(pids, pids, pids)

    def test_parts_equal_plain(self):
        head = self.build()
        tokens, mask = tokens_and_mask()
        for masking in (mask, None):
            torch.testing.assert_close(head.parts(tokens, masking), plain_parts(head, tokens, masking))

    def test_embedding_is_the_concatenation_of_parts(self):
        head = self.build()
        tokens, mask = tokens_and_mask()
        expected = torch.cat(list(head.parts(tokens, mask).unbind(1)), -1)
        assert torch.equal(head.embed(tokens, mask), expected)
        assert expected.shape == (3, PARTS * DIM)

    def test_padding_has_no_influence(self):
        head = self.build()
        tokens, mask = tokens_and_mask()
        other = torch.where(mask[..., None], tokens, 100.0)
        torch.testing.assert_close(head.parts(other, mask), head.parts(tokens, mask))
        assert (head.parts(other) - head.parts(tokens)).abs().max() > 0.1
        longer, longer_mask = F.pad(tokens, (0, 0, 0, 5), value=9.0), F.pad(mask, (0, 5))
        torch.testing.assert_close(head.parts(longer, longer_mask), head.parts(tokens, mask))

    def test_losses_equal_plain(self):
        head = self.build(loss_weight=0.7, ranking_loss=dict(type='mmt2ireid.RankingLoss', margin=0.9))
        features, targets = self.features()
        img = plain_parts(head, features.img_tokens)
        txt = plain_parts(head, features.txt_tokens, features.txt_mask)
        identity = torch.zeros((), dtype=torch.float64)
        for k in range(PARTS):
            logits = [part[:, k] @ head.classifiers.weight[k] + head.classifiers.bias[k, 0] for part in (img, txt)]
            identity += identity_loss(*logits, targets.pids) / PARTS
        ranking = ranking_loss(
            torch.cat(list(img.unbind(1)), -1),
            torch.cat(list(txt.unbind(1)), -1),
            targets.pids,
            0.9,
            generator=torch.Generator().manual_seed(3),
        )
        head.ranking_criterion.seed_step(3)
        losses = head.loss(features, targets)
        assert ranking > 0
        torch.testing.assert_close(losses, {'loss_pgu_identity': 0.7 * identity, 'loss_pgu_ranking': 0.7 * ranking})

    def test_defaults_are_the_papers(self):
        head = PGUHead(num_classes=11)
        attention = head.decoder[0].attention
        assert head.prototypes.shape == (1, 6, 512)
        assert len(head.decoder) == 2
        assert (attention.num_heads, attention.head_dim) == (6, 512)
        assert head.decoder[0].ffn[0].out_features == 512
        assert head.project.weight.shape == (6, 512, 512) and head.project.bias is None
        assert head.classifiers.weight.shape == (6, 512, 11)
        assert head.prototypes.std().item() == pytest.approx(1.0, rel=0.1)

    def test_part_maps_start_as_asked(self):
        stds = {
            start: PGUHead(num_classes=11, part_init=start).project.weight.std() for start in ('uniform', 'kaiming')
        }
        assert stds['kaiming'].item() == pytest.approx(0.0625, rel=0.01)
        assert (stds['kaiming'] / stds['uniform']).item() == pytest.approx(6**0.5, rel=0.01)
        with pytest.raises(ValueError, match=r'part_init must be one of .* got None'):
            PGUHead(num_classes=11, part_init=None)

    @pytest.mark.parametrize('name', ['num_classes', 'num_prototypes', 'num_layers', 'num_heads'])
    def test_sizes_must_be_positive(self, name):
        with pytest.raises(ValueError, match=f'{name} must be positive, but got 0'):
            self.build(**{name: 0})

    def test_weight_must_not_be_negative(self):
        with pytest.raises(ValueError, match='loss_weight must not be negative'):
            self.build(loss_weight=-1.0)
