"""Exported models against the models they were made of, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from export_models import CAPTIONS, LENGTH, clip_model, copy_graphs, left_in, make_model, pictures, words_model
from mmcv.transforms import Resize
from mmengine.model import BaseModule
from mmpretrain.models.utils import ShiftWindowMSA

from mmt2ireid.apis.export import Difference, Parity, export_model, exporting, graphs
from mmt2ireid.apis.export.preparation import picture_preparation
from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder
from mmt2ireid.apis.search.torch_encoder import TorchEncoder
from mmt2ireid.compat import any_number_of_windows
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput

ROOT = Path(__file__).resolve().parents[2]


@MODELS.register_module()
class UndecidedTextEncoder(BaseModule):
    """What it computes hangs on the values of its input, which no graph can express."""

    vocab_size, max_length = 1000, 100

    def __init__(self, config):
        super().__init__()
        self.table = torch.nn.Embedding(1000, config['hidden_size'])

    def forward(self, token_ids, mask):
        tokens = self.table(token_ids)
        return EncoderOutput(tokens if tokens.sum() > 0 else -tokens, mask)


@pytest.fixture(scope='module')
def bert(tmp_path_factory):
    """Config, checkpoint, exported folder and report."""
    folder = tmp_path_factory.mktemp('bert')
    config, checkpoint = make_model('bert', folder)
    report = export_model(config, checkpoint, folder / 'exported', timing=False)
    return config, checkpoint, report


@pytest.fixture
def copied(bert, monkeypatch):
    """Exporting takes the graphs that are there, which is faster."""
    copy_graphs(monkeypatch, bert[2].folder)


def check_by_hand(config, checkpoint, folder, tolerance=1e-5):
    """One by one and in batches, texts of one word and texts that are cut."""
    model, exported = TorchEncoder(config, checkpoint, device='cpu'), OnnxEncoder(folder, threads=1, batch_size=3)
    assert (model.fingerprint, model.dim) == (exported.fingerprint, exported.dim)
    shown = pictures(7)
    texts = [*CAPTIONS, 'red', 'A strange WORD, zebra!', 'a red coat and ' * 40]
    with pytest.warns(UserWarning, match='too long'):
        wanted = model.encode_texts(texts)
    with pytest.warns(UserWarning, match='too long'):
        assert np.abs(exported.encode_texts(texts) - wanted).max() < tolerance
    for text, row in zip(texts, wanted, strict=True):
        assert np.abs(exported.encode_texts([text])[0] - row).max() < tolerance
    wanted = model.encode_images(shown)
    assert np.abs(exported.encode_images(shown) - wanted).max() < tolerance
    assert np.abs(exported.encode_images(shown[:1]) - wanted[:1]).max() < tolerance
    assert np.ptp(wanted, axis=0).max() > 0.01  # else anything would do
    return model, exported


def test_vit_and_bert_with_features_of_a_head(bert):
    config, checkpoint, report = bert
    _, exported = check_by_hand(config, checkpoint, report.folder)
    assert report.dim == 16 + 3 * 16 == exported.dim  # the pooled embedding and PGU's three parts
    assert report.parity.largest < 1e-5
    assert report.parity.texts.count > 43  # captions and every length
    assert report.parity.images.cosine == pytest.approx(1)


@pytest.mark.parametrize(
    'kind',
    [
        'words',
        'clip',
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ('clip_resnet', 'swin', 'mmpretrain_swin')),
    ],
)
def test_every_kind_of_model(kind, tmp_path):
    config, checkpoint = make_model(kind, tmp_path)
    report = export_model(config, checkpoint, tmp_path / 'exported', timing=False)
    check_by_hand(config, checkpoint, report.folder)


@pytest.mark.slow
def test_two_layers_of_words_without_biases(tmp_path):
    """The text encoder of CMMT's published network."""
    encoder = dict(words_model()['text_encoder'], num_layers=2, bias=False)
    config, checkpoint = make_model('words', tmp_path, text_encoder=encoder)
    report = export_model(config, checkpoint, tmp_path / 'exported', timing=False)
    check_by_hand(config, checkpoint, report.folder)


def test_windows_are_joined_as_mmpretrain_does():
    maps = torch.randn(3, 12, 8, 5)
    windows = ShiftWindowMSA.window_partition(maps, 4)
    wanted = ShiftWindowMSA.window_reverse(windows, 12, 8, 4)
    with any_number_of_windows():
        found = ShiftWindowMSA.window_reverse(windows, 12, 8, 4)
    assert torch.equal(found, wanted) and torch.equal(found, maps)
    assert 'mmpretrain' in ShiftWindowMSA.window_reverse.__module__  # as it was


def test_a_single_token_is_a_text(bert):
    config, checkpoint, report = bert
    model, exported = TorchEncoder(config, checkpoint, device='cpu'), OnnxEncoder(report.folder)
    for ids in ([[5]], [[5], [6]], [[5], [7, 8, 9]]):
        longest = max(map(len, ids))
        padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
        mask = torch.tensor([[n < len(row) for n in range(longest)] for row in ids])
        with torch.no_grad():
            wanted = model.model.encode_text(padded, mask).numpy()
        assert np.abs(exported.encode_ids(ids) - wanted).max() < 1e-5


@pytest.mark.slow
def test_weights_too_large_for_one_file_lie_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, '_ONE_FILE_BYTES', 0)
    config, checkpoint = make_model('words', tmp_path)
    report = export_model(config, checkpoint, tmp_path / 'exported', timing=False)
    assert {'image.onnx.data', 'text.onnx.data'} < set(report.sizes)
    assert report.sizes['image.onnx.data'] > report.sizes['image.onnx'] / 2
    moved = (tmp_path / 'exported').rename(tmp_path / 'moved')
    check_by_hand(config, checkpoint, moved)


@pytest.mark.slow
def test_padding_to_all_that_the_encoder_reads(tmp_path):
    config, checkpoint = make_model(
        'clip', tmp_path, data_preprocessor=dict(type='mmt2ireid.PairDataPreprocessor', pad_to=LENGTH)
    )
    report = export_model(config, checkpoint, tmp_path / 'exported', timing=False)
    check_by_hand(config, checkpoint, report.folder)


@pytest.mark.slow
def test_padding_to_a_length_and_order_of_channels_are_kept(tmp_path):
    preparation = dict(
        type='mmt2ireid.PairDataPreprocessor', to_rgb=False, mean=(10, 100, 200), std=(20, 60, 90), pad_to=LENGTH
    )
    neck = dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=20, out_channels=16, mask_padding=False)
    config, checkpoint = make_model('words', tmp_path, data_preprocessor=preparation, txt_neck=neck)
    report = export_model(config, checkpoint, tmp_path / 'exported', timing=False, opset=18)
    assert report.opset == 18
    assert onnx.load(report.folder / 'text.onnx').opset_import[0].version == 18
    check_by_hand(config, checkpoint, report.folder)


def test_meta_says_what_others_need(bert):
    report = bert[2]
    meta = json.loads((report.folder / 'meta.json').read_text())
    assert meta['format'] == 1
    assert meta['config'] == 'tiny_bert'
    assert meta['fingerprint'] == report.fingerprint
    assert (meta['image']['height'], meta['image']['width'], meta['image']['interpolation']) == (32, 16, 'bicubic')
    assert meta['tokenizer']['max_length'] == LENGTH
    assert meta['versions']['torch'] == torch.__version__.split('+')[0]
    assert set(meta['files']) == {'image.onnx', 'text.onnx', 'tokenizer.json'} == set(report.sizes)
    assert {path.name for path in report.folder.iterdir()} == {*meta['files'], 'meta.json'}


def test_graphs_are_dynamic_and_tell_nothing_of_this_machine(bert):
    folder = bert[2].folder
    shapes = {}
    for name in ('image', 'text'):
        graph = onnx.load(folder / f'{name}.onnx').graph
        shapes |= {
            value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in graph.input
        }
    assert shapes == dict(pictures=['batch', 32, 16, 3], token_ids=['batch', 'length'], lengths=['batch'])
    for path in folder.iterdir():
        content = path.read_bytes()
        for secret in (str(ROOT), 'site-packages', str(folder.parent)):
            assert secret.encode() not in content, path.name


def test_an_exported_model_that_differs_is_not_kept(bert, copied, tmp_path):
    config, checkpoint, _ = bert
    with pytest.raises(ValueError, match=r'differ from the model.*images.*texts.*not kept'):
        export_model(config, checkpoint, tmp_path / 'new', timing=False, tolerance=1e-12)
    assert left_in(tmp_path) == []


def test_features_that_are_no_numbers_are_not_kept(bert, copied, tmp_path, monkeypatch):
    broken = Parity(Difference(float('nan'), float('nan'), 3), Difference(0.0, 1.0, 3))
    monkeypatch.setattr(exporting, 'compare_encoders', lambda *args: broken)
    with pytest.raises(ValueError, match=r'by nan .images.*not kept'):
        export_model(*bert[:2], tmp_path / 'new', timing=False)
    assert left_in(tmp_path) == []


def test_what_is_interrupted_leaves_nothing(bert, copied, tmp_path, monkeypatch):
    config, checkpoint, _ = bert

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, 'export_texts', interrupt)
    with pytest.raises(KeyboardInterrupt):
        export_model(config, checkpoint, tmp_path / 'new', timing=False)
    assert left_in(tmp_path) == []


def test_half_weights_are_refused(tmp_path):
    encoder = dict(clip_model('clip')['text_encoder'], half_weights=True)
    config, checkpoint = make_model('clip', tmp_path, text_encoder=encoder)
    with pytest.raises(ValueError, match='half_weights of the encoders must be False for an export'):
        export_model(config, checkpoint, tmp_path / 'new', timing=False)
    assert left_in(tmp_path) == []


def test_an_encoder_that_no_graph_can_express_is_named(tmp_path):
    config, checkpoint = make_model(
        'bert', tmp_path, text_encoder=dict(type='mmt2ireid.UndecidedTextEncoder', config=dict(hidden_size=32))
    )
    with pytest.raises(ValueError, match=r'the text encoder, UndecidedTextEncoder, cannot be exported to ONNX: \w+'):
        export_model(config, checkpoint, tmp_path / 'new', timing=False)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ('steps', 'words'),
    [
        ([], 'has nothing'),
        ([dict(type='Resize', scale=(16, 32)), dict(type='RandomFlip', prob=0.5)], 'has Resize, RandomFlip'),
        ([dict(type='Resize', scale=(16, 32), keep_ratio=True)], 'keep_ratio=True'),
        ([dict(type='Resize', scale_factor=0.5)], 'scale=None'),
        ([dict(type='Resize', scale=(16, 32), backend='pillow')], "'pillow'"),
    ],
)
def test_pipelines_that_do_more_than_resize_are_named(steps, words, tmp_path):
    config, checkpoint = make_model('words', tmp_path, steps=steps)
    with pytest.raises(ValueError, match=words):
        export_model(config, checkpoint, tmp_path / 'new')
    assert left_in(tmp_path) == []


def test_a_resize_to_a_square_has_two_sides():
    found = picture_preparation([Resize(scale=24, interpolation='lanczos')])
    assert found == dict(height=24, width=24, interpolation='lanczos')


def test_ids_that_the_text_encoder_cannot_read_are_named(tmp_path):
    bert = dict(vocab_size=60, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48)
    for limits, words in ((dict(max_position_embeddings=20), 'at most 20'), (dict(), 'below vocab_size=60')):
        config, checkpoint = make_model(
            'bert', tmp_path, text_encoder=dict(type='mmt2ireid.BertTextEncoder', config={**bert, **limits})
        )
        with pytest.raises(ValueError, match=words):
            export_model(config, checkpoint, tmp_path / 'new')


def test_an_opset_that_cannot_be_written_is_refused(bert, tmp_path):
    with pytest.raises(ValueError, match='opset must be from 18 to 22, but got 11'):
        export_model(*bert[:2], tmp_path / 'new', opset=11)
    assert left_in(tmp_path) == []
