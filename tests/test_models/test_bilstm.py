import math

import numpy as np
import pytest
import torch
from model_builders import VOCAB, build_dual_encoder, make_batch
from test_no_host_sync import NoHostSync

from mmt2ireid.models.text_encoders import BiLSTMTextEncoder

LENGTHS = (7, 1, 4, 2)


def build(dtype=torch.float64):
    torch.manual_seed(0)
    return BiLSTMTextEncoder(vocab_size=20, embed_dims=5, hidden_dims=3).to(dtype)


def captions(lengths=LENGTHS, padding=0):
    generator = torch.Generator().manual_seed(1)
    ids = torch.zeros(len(lengths), max(lengths) + padding, dtype=torch.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, 20, (length,), generator=generator)
    return ids, torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]


def naive_lstm(lstm, words):
    """One direction with loops over steps and units, in float64."""
    w_in, w_hid = lstm.weight_ih_l0.double().tolist(), lstm.weight_hh_l0.double().tolist()
    bias = (lstm.bias_ih_l0.double() + lstm.bias_hh_l0.double()).tolist()
    size = len(bias) // 4
    hidden, cell, outputs = [0.0] * size, [0.0] * size, []
    for word in words.double().tolist():
        gates = [
            sum(w * x for w, x in zip(w_in[g], word, strict=True))
            + sum(w * h for w, h in zip(w_hid[g], hidden, strict=True))
            + bias[g]
            for g in range(4 * size)
        ]
        for unit in range(size):
            take, forget, new, give = (gates[unit + part * size] for part in range(4))
            take, forget, give = (1 / (1 + math.exp(-gate)) for gate in (take, forget, give))
            cell[unit] = forget * cell[unit] + take * math.tanh(new)
            hidden[unit] = give * math.tanh(cell[unit])
        outputs.append(list(hidden))
    return outputs


@torch.no_grad()
@pytest.mark.parametrize('padding', [0, 5])
def test_equals_naive_without_padding(padding):
    encoder = build()
    ids, mask = captions(padding=padding)
    output = encoder(ids, mask)
    assert output.tokens.shape == (4, 7 + padding, 6)
    for row, length in enumerate(LENGTHS):
        words = encoder.embedding(ids[row, :length])
        ahead = naive_lstm(encoder.forward_lstm, words)
        back = naive_lstm(encoder.backward_lstm, words.flip(0))[::-1]
        expected = torch.tensor([a + b for a, b in zip(ahead, back, strict=True)], dtype=torch.float64)
        torch.testing.assert_close(output.tokens[row, :length], expected, atol=1e-10, rtol=1e-10)
        assert output.tokens[row, length:].abs().sum() == 0
    assert output.mask is mask and output.num_extra_tokens == 0


@torch.no_grad()
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_equals_torchs_packed_bidirectional_lstm(dtype):
    encoder = build(dtype)
    both = torch.nn.LSTM(5, 3, batch_first=True, bidirectional=True).to(dtype)
    for name, value in encoder.forward_lstm.named_parameters():
        getattr(both, name).copy_(value)
    for name, value in encoder.backward_lstm.named_parameters():
        getattr(both, f'{name}_reverse').copy_(value)
    ids, mask = captions()
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        encoder.embedding(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(both(packed)[0], batch_first=True)
    torch.testing.assert_close(encoder(ids, mask).tokens, expected)


@torch.no_grad()
@pytest.mark.parametrize(('layers', 'bias'), [(2, False), (3, True), (1, False)])
def test_layers_equal_torchs_packed_lstm(layers, bias):
    torch.manual_seed(0)
    encoder = BiLSTMTextEncoder(vocab_size=20, embed_dims=5, hidden_dims=3, num_layers=layers, bias=bias).double()
    both = torch.nn.LSTM(5, 3, num_layers=layers, bias=bias, batch_first=True, bidirectional=True).double()
    own = [dict(forward_lstm=encoder.forward_lstm, backward_lstm=encoder.backward_lstm), *encoder.upper]
    assert len(own) == layers
    for number, layer in enumerate(own):
        for side, end in (('forward_lstm', ''), ('backward_lstm', '_reverse')):
            for name, value in layer[side].named_parameters():
                getattr(both, f'{name.removesuffix("0")}{number}{end}').copy_(value)
    ids, mask = captions(padding=3)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        encoder.embedding(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(both(packed)[0], batch_first=True)
    tokens = encoder(ids, mask).tokens
    torch.testing.assert_close(tokens[:, : expected.shape[1]], expected)
    assert tokens[:, expected.shape[1] :].abs().sum() == 0


def test_the_published_sizes():
    """11.5 million parameters in two layers without biases."""
    encoder = BiLSTMTextEncoder(vocab_size=10, embed_dims=768, num_layers=2, bias=False)
    assert sum(value.numel() for name, value in encoder.named_parameters() if 'lstm' in name) == 11_534_336


def test_words_start_from_a_file(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    path = str(tmp_path / 'words.npy')
    np.save(path, vectors)
    encoder = BiLSTMTextEncoder(vocab_size=6, embed_dims=4, word_vectors=path)
    encoder.init_weights()
    found = encoder.embedding.weight.detach().numpy()
    assert np.array_equal(found[1:], vectors[1:]) and not found[0].any()  # padding stays nothing
    cases = [
        (vectors[:5], r'floats of shape \(6, 4\), a row per token id, but holds float32 \(5, 4\)'),
        (vectors.astype(np.int64), 'must hold floats'),
        (np.full_like(vectors, np.nan), 'finite floats, but row 0 is not'),
        (np.array([object()] * 6), 'cannot be read as one'),
    ]
    for content, message in cases:
        np.save(path, content, allow_pickle=True)
        with pytest.raises(ValueError, match=message):
            encoder.init_weights()
    encoder.word_vectors = str(tmp_path / 'none.npy')
    with pytest.raises(FileNotFoundError, match='no word vectors at'):
        encoder.init_weights()


@torch.no_grad()
def test_alone_and_padded_in_a_batch():
    encoder = build(torch.float32)
    ids, mask = captions(padding=20)
    together = encoder(ids, mask).tokens
    for row, length in enumerate(LENGTHS):
        alone = encoder(ids[row : row + 1, :length], mask[row : row + 1, :length]).tokens[0]
        torch.testing.assert_close(together[row, :length], alone, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_what_stands_at_padding_does_not_matter():
    encoder = build()
    ids, mask = captions()
    assert torch.equal(encoder(torch.where(mask, ids, 13), mask).tokens, encoder(ids, mask).tokens)


@torch.no_grad()
def test_order_of_words_matters_in_both_directions():
    encoder = build()
    ids, mask = captions((7,))
    turned = encoder(ids.flip(1), mask).tokens.flip(1)
    tokens = encoder(ids, mask).tokens
    assert (turned[..., :3] - tokens[..., :3]).abs().max() > 1e-3
    assert (turned[..., 3:] - tokens[..., 3:]).abs().max() > 1e-3


def test_padding_gets_no_gradient():
    encoder = build()
    ids, mask = captions()
    encoder(torch.where(mask, ids % 10 + 1, 15), mask).tokens.square().sum().backward()
    assert encoder.embedding.weight.grad[15].abs().sum() == 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())


def test_in_a_dual_encoder():
    text_encoder = dict(type='mmt2ireid.BiLSTMTextEncoder', vocab_size=VOCAB, embed_dims=12, hidden_dims=16)
    model = build_dual_encoder({'contrastive': dict(type='mmt2ireid.ContrastiveHead')}, text_encoder=text_encoder)
    batch = model.data_preprocessor(make_batch(4, masked=False))
    with NoHostSync():
        losses = model(**batch, mode='loss')
        losses['loss_contrastive'].backward()
    assert model.text_encoder.embedding.weight.grad.abs().sum() > 0
    assert model.data_preprocessor.vocab_size == VOCAB
    data = make_batch(1, masked=False)
    data['data_samples'][0].token_ids[0][1] = VOCAB
    with pytest.raises(ValueError, match='vocab_size=60'):
        model.data_preprocessor(data)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(vocab_size=1), 'vocab_size must be at least 2'),
        (dict(vocab_size=9, embed_dims=0), 'embed_dims must be positive, but got 0'),
        (dict(vocab_size=9, num_layers=0), 'num_layers must be positive, but got 0'),
        (dict(vocab_size=9, hidden_dims=0), 'hidden_dims must be positive, but got 0'),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        BiLSTMTextEncoder(**arguments)
