import pytest
import torch
import torch.nn.functional as F

from mmt2ireid.models import ConvMaxPoolNeck
from mmt2ireid.structures import EncoderOutput


def make(batch=3, length=6, width=5, **arguments):
    torch.manual_seed(0)
    neck = ConvMaxPoolNeck(in_channels=width, out_channels=4, **arguments)
    lengths = torch.tensor([6, 2, 4])
    return neck, EncoderOutput(torch.randn(batch, length, width), torch.arange(length) < lengths[:, None], 1)


def naive_max(neck, tokens, mask, first=0):
    weight, bias = neck.project.weight.double(), neck.project.bias.double()
    rows = []
    for item, real in zip(tokens.double(), mask, strict=True):
        projected = [weight @ token + bias for token, keep in zip(item[first:], real[first:], strict=True) if keep]
        rows.append([max(token[d].item() for token in projected) for d in range(len(bias))])
    return torch.tensor(rows)


@pytest.mark.parametrize('include_cls', [True, False])
def test_maximum_over_real_tokens(include_cls):
    neck, output = make(include_cls=include_cls)
    projected, embed = neck(output)
    expected = naive_max(neck, output.tokens, output.mask, first=0 if include_cls else 1)
    torch.testing.assert_close(embed, expected.float())
    kept = slice(0 if include_cls else 1, None)
    torch.testing.assert_close(projected.tokens, neck.project(output.tokens[:, kept]))
    assert torch.equal(projected.mask, output.mask[:, kept])
    assert projected.num_extra_tokens == (1 if include_cls else 0)


def test_padding_does_not_change_embeddings():
    neck, output = make()
    longer = EncoderOutput(F.pad(output.tokens, (0, 0, 0, 9), value=50.0), F.pad(output.mask, (0, 9)), 1)
    torch.testing.assert_close(neck(longer)[1], neck(output)[1])


def test_padding_counts_when_told_so():
    neck, output = make(mask_padding=False)
    _, embed = neck(output)
    torch.testing.assert_close(embed, naive_max(neck, output.tokens, torch.ones_like(output.mask)).float())
    assert not torch.equal(embed, make()[0](output)[1])


@pytest.mark.parametrize('include_cls', [True, False])
def test_without_mask(include_cls):
    neck, output = make(include_cls=include_cls)
    projected, embed = neck(EncoderOutput(output.tokens, None, 2))
    expected = naive_max(neck, output.tokens, torch.ones_like(output.mask), first=0 if include_cls else 2)
    torch.testing.assert_close(embed, expected.float())
    assert projected.mask is None


def test_gradient_reaches_only_real_tokens():
    neck, output = make()
    tokens = output.tokens.requires_grad_()
    neck(output)[1].sum().backward()
    assert tokens.grad[~output.mask].abs().max() == 0
    assert tokens.grad[output.mask].abs().sum() > 0


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_masking_holds_in_half_precision(dtype):
    neck, output = make()
    _, embed = neck.to(dtype)(EncoderOutput(output.tokens.to(dtype), output.mask, 1))
    assert embed.isfinite().all() and embed.abs().max() < 100
