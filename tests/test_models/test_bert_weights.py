from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from model_builders import BERT, build_dual_encoder, dual_encoder_config
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM, BertModel

from mmt2ireid.models import BertTextEncoder, MLMHead
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import MaskedText, PairFeatures, PairTargets


@pytest.fixture(scope='module')
def upstream():
    """A BERT with its prediction head, random to the last bias."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**BERT)).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope='module')
def folder(upstream, tmp_path_factory):
    path = tmp_path_factory.mktemp('checkpoint') / 'bert'
    upstream.save_pretrained(path)
    return str(path)


@pytest.fixture
def captions():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, BERT['vocab_size'], (4, 9), generator=generator)
    mask = torch.arange(9) < torch.tensor([9, 2, 5, 8])[:, None]
    return ids.where(mask, 0), mask


def loaded_from(folder):
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=folder)
    encoder, head = BertTextEncoder(config=BERT, init_cfg=init), MLMHead(config=BERT, init_cfg=init)
    encoder.init_weights()
    head.init_weights()
    return encoder.eval(), head.eval()


def masked_loss_features(tokens, positions, targets):
    unused = torch.zeros(len(tokens), 3)
    index = torch.zeros(len(tokens), dtype=torch.int64)
    features = PairFeatures(unused, unused, unused, unused, unused, masked_tokens=tokens)
    return features, PairTargets(index, index, index, MaskedText(tokens, positions, targets))


def test_encoder_equals_transformers(upstream, folder, captions):
    ids, mask = captions
    encoder, _ = loaded_from(folder)
    expected = upstream.bert(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    output = encoder(ids, mask)
    torch.testing.assert_close(output.tokens[mask], expected[mask], atol=1e-5, rtol=1e-5)
    assert torch.equal(output.mask, mask)
    assert output.num_extra_tokens == 1


def test_encoder_without_padding_equals_transformers(captions):
    ids, _ = captions
    torch.manual_seed(0)
    encoder = BertTextEncoder(config=BERT).eval()
    plain = BertModel(BertConfig(**BERT), add_pooling_layer=False).eval()
    plain.load_state_dict(encoder.bert.state_dict())
    expected = plain(input_ids=ids).last_hidden_state
    torch.testing.assert_close(encoder(ids, torch.ones_like(ids, dtype=torch.bool)).tokens, expected)


def test_masked_language_model_equals_transformers(upstream, folder, captions):
    ids, mask = captions
    positions = torch.tensor([1, 10, 20, 21, 33])
    rows, columns = positions // ids.shape[1], positions % ids.shape[1]
    assert mask[rows, columns].all()
    targets = torch.tensor([7, 8, 59, 0, 30])
    labels = torch.full_like(ids, -100)
    labels[rows, columns] = targets
    expected = upstream(input_ids=ids, attention_mask=mask.long(), labels=labels)

    encoder, head = loaded_from(folder)
    logits = []
    head.decoder.register_forward_hook(lambda module, args, output: logits.append(output))
    losses = head.loss(*masked_loss_features(encoder(ids, mask).tokens, positions, targets))
    torch.testing.assert_close(logits[0], expected.logits[rows, columns], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(losses['loss_mlm'], expected.loss, atol=1e-5, rtol=1e-5)


def test_encoder_and_head_get_exactly_the_checkpoint(upstream, folder):
    encoder, head = loaded_from(folder)
    expected = upstream.bert.state_dict()
    assert encoder.bert.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in encoder.bert.state_dict().items())
    predictions = upstream.cls.predictions.state_dict()
    own = head.state_dict()
    assert own and all(torch.equal(value, predictions[key]) for key, value in own.items())


def test_model_keeps_the_checkpoint(upstream, folder):
    """Neither MMEngine's walk over the modules nor transformers' own initialisation starts the weights anew."""
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=folder)
    config = dual_encoder_config(
        dict(mlm=dict(type='mmt2ireid.MLMHead', config=BERT, init_cfg=init)),
        text_encoder=dict(type='mmt2ireid.BertTextEncoder', config=BERT, init_cfg=init),
    )
    model = MODELS.build(config)
    word = 'embeddings.word_embeddings.weight'
    assert not torch.equal(model.text_encoder.bert.state_dict()[word], upstream.bert.state_dict()[word])
    model.init_weights()
    expected = upstream.bert.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in model.text_encoder.bert.state_dict().items())
    assert torch.equal(model.heads['mlm'].decoder.weight, upstream.cls.predictions.decoder.weight)
    assert torch.equal(model.heads['mlm'].decoder.bias, upstream.cls.predictions.decoder.bias)


def test_decoder_is_not_tied(folder):
    encoder, head = loaded_from(folder)
    words = encoder.bert.embeddings.word_embeddings.weight
    assert torch.equal(head.decoder.weight, words)
    assert head.decoder.weight.data_ptr() != words.data_ptr()


def test_without_checkpoint_weights_stay_as_built():
    model = build_dual_encoder(spread=False)
    before = {key: value.clone() for key, value in model.text_encoder.state_dict().items()}
    model.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in model.text_encoder.state_dict().items())


@pytest.mark.parametrize(
    ('change', 'entry'),
    [
        (dict(vocab_size=61), 'word_embeddings'),
        (dict(hidden_size=16), 'word_embeddings'),
        (dict(num_hidden_layers=3), r'layer\.2.*missing in the checkpoint'),
        (dict(num_hidden_layers=1), r'layer\.1.*missing in the model'),
    ],
)
def test_another_architecture_is_named(folder, change, entry):
    encoder = BertTextEncoder(
        config={**BERT, **change}, init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint=folder)
    )
    with pytest.raises(ValueError, match=f'bert.* must have the shapes of BertModel.*{entry}'):
        encoder.init_weights()


def test_head_of_another_vocabulary_is_named(folder):
    head = MLMHead(config={**BERT, 'vocab_size': 61}, init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint=folder))
    with pytest.raises(ValueError, match=r'decoder\.weight'):
        head.init_weights()


def test_what_can_not_be_fetched_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    encoder = BertTextEncoder(
        config=BERT, init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint='nobody-at-all/no-such-bert')
    )
    with pytest.raises(OSError, match=r'nobody-at-all/no-such-bert.*init_cfg\.checkpoint'):
        encoder.init_weights()


def test_module_without_checkpoint_loading_is_named():
    neck = MODELS.build(
        dict(
            type='mmt2ireid.ConvMaxPoolNeck',
            in_channels=2,
            out_channels=2,
            init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint='x'),
        )
    )
    with pytest.raises(ValueError, match='load_hf, but got ConvMaxPoolNeck'):
        neck.init_weights()


def test_sizes_are_known():
    encoder = BertTextEncoder(config=BERT)
    assert (encoder.vocab_size, encoder.max_length) == (BERT['vocab_size'], BERT['max_position_embeddings'])


def old_release(upstream, folder, change=lambda state: None):
    """A folder with a pytorch_model.bin as BERT was published: old names of norms, pooler, next-sentence head, no
    decoder bias (it is the head's own)."""
    folder.mkdir(exist_ok=True)
    upstream.config.save_pretrained(folder)
    state = {}
    for key, value in upstream.state_dict().items():
        if key != 'cls.predictions.decoder.bias':
            state[key.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')] = (
                value
            )
    for name, size in (('bert.pooler.dense', BERT['hidden_size']), ('cls.seq_relationship', 2)):
        state.update({f'{name}.weight': torch.zeros(size, BERT['hidden_size']), f'{name}.bias': torch.zeros(size)})
    change(state)
    torch.save(state, folder / 'pytorch_model.bin')
    return str(folder)


@pytest.mark.parametrize('tied', ['with decoder', 'without decoder'])
def test_an_old_release_equals_transformers(upstream, captions, tmp_path, tied):
    ids, mask = captions
    drop = (
        (lambda state: state.pop('cls.predictions.decoder.weight')) if tied == 'without decoder' else lambda state: None
    )
    encoder, head = loaded_from(old_release(upstream, tmp_path / 'bert', drop))
    expected = upstream(input_ids=ids, attention_mask=mask.long()).logits
    tokens = encoder(ids, mask).tokens
    torch.testing.assert_close(head.decoder(head.transform(tokens))[mask], expected[mask], atol=1e-5, rtol=1e-5)
    assert torch.equal(head.decoder.weight, encoder.bert.embeddings.word_embeddings.weight)
    assert torch.equal(head.decoder.bias, upstream.cls.predictions.bias)


def test_safetensors_hold_the_tied_decoder_once(upstream, folder):
    (file,) = Path(folder).glob('*.safetensors')
    assert 'cls.predictions.decoder.weight' not in load_file(file)
    _, head = loaded_from(folder)
    assert torch.equal(head.decoder.weight, upstream.bert.embeddings.word_embeddings.weight)


def test_an_encoder_alone_has_no_head_to_give(upstream, tmp_path, capfd):
    """transformers would start the head from random values, with a remark, which is of no interest to an encoder."""
    from transformers.utils import logging

    upstream.bert.save_pretrained(tmp_path / 'bert')
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=str(tmp_path / 'bert'))
    encoder = BertTextEncoder(config=BERT, init_cfg=init)
    verbosity = logging.get_verbosity()
    encoder.init_weights()
    printed = capfd.readouterr()
    assert not any(word in printed.out + printed.err for word in ('corrupted', 'MISSING', 'LOAD REPORT'))
    assert logging.get_verbosity() == verbosity
    key = 'encoder.layer.1.output.dense.weight'
    assert torch.equal(encoder.bert.state_dict()[key], upstream.bert.state_dict()[key])
    head = MLMHead(config=BERT, init_cfg=init)
    with pytest.raises(ValueError, match=r"must hold BERT's prediction head, but .* first cls\.predictions\."):
        head.init_weights()


def test_another_kind_of_model_is_not_loaded_as_random_weights(tmp_path):
    from transformers import RobertaConfig, RobertaForMaskedLM

    RobertaForMaskedLM(RobertaConfig(**BERT)).save_pretrained(tmp_path / 'roberta')
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=str(tmp_path / 'roberta'))
    with pytest.raises(
        ValueError, match=r"roberta' must hold BERT's encoder, but .* weights are missing, first bert\."
    ):
        BertTextEncoder(config=BERT, init_cfg=init).init_weights()


def test_an_encoder_with_a_hole_is_named(upstream, tmp_path):
    path = old_release(upstream, tmp_path / 'bert', lambda s: s.pop('bert.encoder.layer.1.attention.self.key.bias'))
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=path)
    with pytest.raises(ValueError, match=r'1 of its weights are missing, first bert\.encoder\.layer\.1\.attention'):
        BertTextEncoder(config=BERT, init_cfg=init).init_weights()


def test_an_old_file_is_read_weights_only(upstream, tmp_path, monkeypatch):
    from test_backbone_weights import Evil

    monkeypatch.chdir(tmp_path)
    path = old_release(upstream, tmp_path / 'bert', lambda state: state.update(evil=Evil()))
    with pytest.raises(ValueError, match=r"bert' must hold weights only"):
        BertTextEncoder(config=BERT, init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint=path)).init_weights()
    assert not (tmp_path / 'ran.txt').exists()


def test_a_folder_without_weights_is_named(upstream, tmp_path):
    upstream.config.save_pretrained(tmp_path / 'bert')
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=str(tmp_path / 'bert'))
    with pytest.raises(OSError, match=r"bert' must hold a transformers checkpoint \(config\.json and"):
        BertTextEncoder(config=BERT, init_cfg=init).init_weights()


@pytest.mark.slow
def test_full_size_equals_transformers(tmp_path):
    """BERT-base-uncased's own sizes."""
    torch.manual_seed(0)
    upstream = BertForMaskedLM(BertConfig()).eval()
    upstream.save_pretrained(tmp_path / 'bert')
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=str(tmp_path / 'bert'))
    encoder, head = BertTextEncoder(init_cfg=init), MLMHead(init_cfg=init)
    encoder.init_weights()
    head.init_weights()
    ids = torch.randint(5, 30000, (2, 20))
    with torch.no_grad():
        tokens = encoder.eval()(ids, torch.ones_like(ids, dtype=torch.bool)).tokens
        expected = upstream(input_ids=ids, output_hidden_states=True)
    torch.testing.assert_close(tokens, expected.hidden_states[-1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(head.eval().decoder(head.transform(tokens)), expected.logits, atol=1e-5, rtol=1e-5)
