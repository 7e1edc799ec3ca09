import pytest
import torch
import torch.nn.functional as F
from model_builders import VOCAB, build_dual_encoder, make_batch

from mmt2ireid.models.necks import ConvMaxPoolNeck, LinearBNNeck
from mmt2ireid.structures import EncoderOutput

LENGTHS = (6, 2, 4, 1)


def make(pool, **arguments):
    torch.manual_seed(0)
    neck = LinearBNNeck(in_channels=5, out_channels=4, pool=pool, **arguments).double()
    neck.norm.weight.data, neck.norm.bias.data = torch.randn(2, 4, dtype=torch.float64)
    tokens = torch.randn(4, 6, 5, dtype=torch.float64)
    return neck, EncoderOutput(tokens, torch.arange(6) < torch.tensor(LENGTHS)[:, None], 1)


def naive(neck, output, first=0):
    """Pools with loops in float64, then normalises over the batch by the definition."""
    weight, bias = neck.project.weight, neck.project.bias
    mask = output.mask if output.mask is not None else torch.ones(output.tokens.shape[:2], dtype=torch.bool)
    rows = []
    for item, real in zip(output.tokens, mask, strict=True):
        kept = [token for token, keep in zip(item[first:], real[first:], strict=True) if keep]
        if neck.pool == 'mean':
            rows.append(weight @ (sum(kept) / len(kept)) + bias)
        else:
            rows.append(torch.stack([weight @ token + bias for token in kept]).amax(0))
    pooled = torch.stack(rows)
    scale = (pooled.var(dim=0, unbiased=False) + neck.norm.eps).sqrt()
    return pooled, (pooled - pooled.mean(0)) / scale * neck.norm.weight + neck.norm.bias


@pytest.mark.parametrize('masked', [True, False])
@pytest.mark.parametrize('pool', ['mean', 'max'])
def test_equals_naive(pool, masked):
    neck, output = make(pool)
    output = output if masked else EncoderOutput(output.tokens, None, 1)
    pooled, expected = naive(neck, output)
    tokens, embed = neck(output)
    torch.testing.assert_close(embed, expected)
    if pool == 'mean':
        torch.testing.assert_close(tokens.tokens, pooled[:, None])
        assert tokens.mask is None and tokens.num_extra_tokens == 0
    else:
        torch.testing.assert_close(tokens.tokens, neck.project(output.tokens))
        assert tokens.mask is output.mask and tokens.num_extra_tokens == 1


@pytest.mark.parametrize('pool', ['mean', 'max'])
def test_without_cls(pool):
    neck, output = make(pool, include_cls=False)
    output = EncoderOutput(output.tokens, torch.ones(4, 6, dtype=torch.bool), 1)
    tokens, embed = neck(output)
    torch.testing.assert_close(embed, naive(neck, output, first=1)[1])
    assert tokens.num_extra_tokens == 0 and tokens.tokens.shape[1] == (5 if pool == 'max' else 1)


@pytest.mark.parametrize('pool', ['mean', 'max'])
def test_padding_does_not_change_embeddings(pool):
    neck, output = make(pool)
    neck.eval()
    longer = EncoderOutput(F.pad(output.tokens, (0, 0, 0, 9), value=50.0), F.pad(output.mask, (0, 9)), 1)
    torch.testing.assert_close(neck(longer)[1], neck(output)[1])


def test_mean_of_a_feature_map_is_the_global_average_pool():
    neck, _ = make('mean')
    neck.eval()
    maps = torch.randn(3, 5, 4, 2, dtype=torch.float64)
    output = EncoderOutput(maps.flatten(2).transpose(1, 2))
    expected = neck.norm(neck.project(F.adaptive_avg_pool2d(maps, 1).flatten(1)))
    torch.testing.assert_close(neck(output)[1], expected)


@pytest.mark.parametrize('pool', ['mean', 'max'])
def test_gradient_reaches_only_real_tokens(pool):
    neck, output = make(pool)
    tokens = output.tokens.requires_grad_()
    neck(output)[1].square().sum().backward()
    assert tokens.grad[~output.mask].abs().max() == 0
    assert tokens.grad[output.mask].abs().sum() > 0


@pytest.mark.parametrize('pool', ['mean', 'max'])
def test_batch_of_one_in_evaluation(pool):
    neck, output = make(pool)
    neck.train()(output)
    neck.eval()
    one = EncoderOutput(output.tokens[2:3], output.mask[2:3], 1)
    torch.testing.assert_close(neck(one)[1], neck(output)[1][2:3])


def test_starts_from_the_weights_of_the_other_neck():
    neck, other = LinearBNNeck(in_channels=5, out_channels=4), ConvMaxPoolNeck(in_channels=5, out_channels=4)
    missing, unexpected = neck.load_state_dict(other.state_dict(), strict=False)
    assert not unexpected and all(name.startswith('norm.') for name in missing)


def test_unknown_pool():
    with pytest.raises(ValueError, match=r"pool must be one of .* but got 'avg'"):
        LinearBNNeck(in_channels=5, pool='avg')


def test_resnet_and_bilstm_make_the_papers_encoders():
    neck = dict(type='mmt2ireid.LinearBNNeck', out_channels=16)
    model = build_dual_encoder(
        {'contrastive': dict(type='mmt2ireid.ContrastiveHead')},
        image_encoder=dict(type='mmpretrain.ResNet', depth=18, base_channels=8, strides=(1, 2, 2, 2)),
        text_encoder=dict(type='mmt2ireid.BiLSTMTextEncoder', vocab_size=VOCAB, embed_dims=12, hidden_dims=16),
        img_neck=dict(neck, in_channels=64, pool='mean'),
        txt_neck=dict(neck, in_channels=32, pool='max'),
        spread=False,
    )
    batch = model.data_preprocessor(make_batch(4, masked=False, image_size=(64, 32)))
    model(**batch, mode='loss')['loss_contrastive'].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    samples = model.eval()(**batch, mode='predict')
    assert samples[0].img_feat.shape == samples[0].txt_feats[0].shape == (16,)
