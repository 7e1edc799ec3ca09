"""Tiny models of every kind of the house as config and checkpoint, for the tests of export; random weights."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from mmt2ireid.datasets.toy.vocabulary import tokenizer_files
from mmt2ireid.registry import MODELS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'test_models'))
from model_builders import HEADS, dual_encoder_config

SIZE = (32, 16)
WORDS = ['a', 'man', 'woman', 'in', 'red', 'coat', 'blue', 'shirt', 'with', 'bag', 'and', 'the', 'white', "man's"]
CAPTIONS = ['a man in a red coat', 'the woman with a blue bag and a white shirt', "a man's bag", 'woman']
VOCAB = 160
LENGTH = 24
CLIP = dict(
    embed_dim=16,
    text_cfg=dict(context_length=LENGTH, vocab_size=49408, width=16, heads=2, layers=1),
)
VISION = dict(
    clip=dict(image_size=SIZE, layers=2, width=32, head_width=16, patch_size=8),
    clip_resnet=dict(image_size=32, layers=[1, 1, 1, 1], width=8, head_width=8),
)
BERT = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=48,
    max_position_embeddings=40,
)
MMPRETRAIN_SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=24, depths=[2, 2], num_heads=[2, 4]),
    img_size=(64, 32),
    window_size=6,  # neither map is a multiple of it
    out_indices=(1,),
    pad_small_map=True,
)
SWIN = dict(
    type='mmpretrain.TIMMBackbone',
    model_name='swin_tiny_patch4_window7_224',
    features_only=False,
    pretrained=False,
    img_size=(64, 32),
    window_size=2,
    embed_dim=24,
    depths=(1, 1, 1, 1),
    num_heads=(2, 2, 2, 2),
)


def make_model(kind: str, folder: Path, *, seed: int = 0, steps: list[dict] | None = None, **changes) -> tuple:
    """Writes config and checkpoint of a tiny model.

    Args:
        kind: 'bert' (ViT and BERT with PGU's features), 'words' (ResNet and Bi-LSTM, its words in the checkpoint),
            'clip', 'clip_resnet' (both towers of open_clip), 'swin' (timm's) or 'mmpretrain_swin', both
            with BERT.
        folder: where to.
        seed: of the weights.
        steps: what the test pipeline does between loading and tokenising.
        **changes: of the model's config.

    Returns:
        The paths of config and checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    meta = {}
    if kind in VISION:
        model = clip_model(kind)
        tokenizer = dict(type='CLIPTokenizer', max_length=LENGTH)
    elif kind == 'words':
        model = words_model()
        tokenizer = dict(type='WordTokenizer', vocab=str(folder / 'is_in_the_checkpoint.json'), max_length=LENGTH)
        meta = dict(vocabulary=WORDS)
    else:
        model = dual_encoder_config(
            {'pgu': HEADS['pgu'], 'identity': HEADS['identity']},
            text_encoder=dict(type='mmt2ireid.BertTextEncoder', config=BERT),
        )
        if kind == 'swin':
            model.update(image_encoder=SWIN, img_neck=dict(model['img_neck'], in_channels=192))
        if kind == 'mmpretrain_swin':
            model.update(image_encoder=MMPRETRAIN_SWIN, img_neck=dict(model['img_neck'], in_channels=48))
        tokenizer = dict(type='HFTokenizer', name_or_dir=str(write_bert_tokenizer(folder)), max_length=LENGTH)
    model.update(changes)
    height, width = picture_size(kind)
    steps = [dict(type='Resize', scale=(width, height), interpolation='bicubic')] if steps is None else steps
    pipeline = [
        dict(type='LoadPersonImage'),
        *steps,
        dict(type='Tokenize', tokenizer=tokenizer),
        dict(type='PackPersonInputs'),
    ]
    loader = dict(dataset=dict(type='CUHKPEDES', data_root='nowhere', split='test', pipeline=pipeline))
    config = folder / f'tiny_{kind}.py'
    Config(dict(default_scope='mmt2ireid', model=model, test_dataloader=loader)).dump(config)
    torch.manual_seed(seed)
    network = MODELS.build(model)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    settle_statistics(network, picture_size(kind))
    checkpoint = folder / 'tiny.pth'
    torch.save(dict(state_dict=network.state_dict(), meta=meta), checkpoint)
    return config, checkpoint


def settle_statistics(network: torch.nn.Module, size: tuple[int, int]) -> None:
    """Gives batch normalisation the statistics of random pictures and texts, without which deep networks go silent."""
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        network.train().image_features(torch.randn(16, 3, *size))
        network.text_features(torch.randint(3, 15, (16, 6)), torch.ones(16, 6, dtype=torch.bool))


def picture_size(kind: str) -> tuple[int, int]:
    return (64, 32) if kind in ('clip_resnet', 'swin', 'mmpretrain_swin') else SIZE


def clip_model(kind: str) -> dict:
    cfg = dict(CLIP, vision_cfg=VISION[kind])
    return dual_encoder_config(
        {},
        image_encoder=dict(type='mmt2ireid.OpenCLIPImageEncoder', model=cfg, image_size=picture_size(kind)),
        text_encoder=dict(type='mmt2ireid.OpenCLIPTextEncoder', model=cfg),
        img_neck=dict(type='mmt2ireid.GlobalTokenNeck', out_channels=16),
        txt_neck=dict(type='mmt2ireid.GlobalTokenNeck', out_channels=16),
    )


def words_model() -> dict:
    resnet = dict(type='mmpretrain.ResNet', depth=18, stem_channels=4, base_channels=4, out_indices=(3,))
    return dual_encoder_config(
        {},
        image_encoder=resnet,
        text_encoder=dict(type='mmt2ireid.BiLSTMTextEncoder', vocab_size=20, embed_dims=12, hidden_dims=10),
        img_neck=dict(type='mmt2ireid.LinearBNNeck', in_channels=32, out_channels=16),
        txt_neck=dict(type='mmt2ireid.LinearBNNeck', in_channels=20, out_channels=16, pool='max'),
    )


def write_bert_tokenizer(folder: Path) -> Path:
    place = folder / 'tokenizer'
    place.mkdir(parents=True, exist_ok=True)
    for name, text in tokenizer_files(CAPTIONS, VOCAB).items():
        (place / name).write_text(text)
    return place


def pictures(number: int, seed: int = 0) -> list[np.ndarray]:
    """Random uint8 RGB pictures of different sizes, one pixel and the model's own size among them."""
    generator = np.random.default_rng(seed)
    sizes = [(1, 1), SIZE, (50, 20), (64, 32), (7, 90)]
    return [generator.integers(0, 256, (*sizes[n % len(sizes)], 3), dtype=np.uint8) for n in range(number)]


_RANGES = [
    *[(32, 126)] * 6,
    (0, 255), (0x100, 0x24F), (0x370, 0x4FF), (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1E00, 0x1FFF),
    (0x2000, 0x2BFF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFEF), (0x1F300, 0x1FAFF),
    (0x10000, 0x10FFFF),
]  # fmt: skip
_TRAPS = (
    "'s", "'LL", "'\u017f", '&amp;', '&lt;', '&#39;', '&amp;amp;', '&EACUTE;', '<start_of_text>', '<END_OF_TEXT>',
    'a<end_of_text>b', '!<end_of_text>', '<\u017ftart_of_text>', '\u00e2\u20ac\u2122', '\u00c3\u00a9', 'jekyll',
    '\x1b[31m', '\u00a0', '\u3000', '\x85', '\x1c', '\x0b', '\ufb01', '\u0130', '\u1e9e', '\u03a3', '[MASK]', '##s',
    '\u2019', '\u201c', '\u2026', '\u200d', '\ufe0f', '\r\n', 'red ', 'a man in ', 't-shirt',
)  # fmt: skip


def strange_texts(number: int, seed: int = 0) -> list[str]:
    """Texts of all scripts, with all that tokenizers are known to treat in their own ways."""
    rng = random.Random(seed)
    texts = []
    while len(texts) < number:
        parts = []
        for _ in range(rng.randint(1, 14)):
            first, last = rng.choice(_RANGES)
            codes = [rng.randint(first, last) for _ in range(rng.randint(1, 6))]
            parts.append(''.join(chr(code) for code in codes if not 0xD800 <= code < 0xE000))
            parts.append(rng.choice(_TRAPS) if rng.random() < 0.2 else ' ' if rng.random() < 0.4 else '')
        text = ''.join(parts)
        if text.strip():
            texts.append(text)
    return texts


def copy_graphs(monkeypatch, folder: Path) -> None:
    """Lets exporting take the graphs of an exported model, which is faster."""
    meta = json.loads((folder / 'meta.json').read_text())

    def copy_graph(part):
        def take(*args):
            path = next(argument for argument in args if isinstance(argument, Path))
            shutil.copy(folder / path.name, path)
            return meta[part]

        return take

    monkeypatch.setattr('mmt2ireid.apis.export.exporting.export_images', copy_graph('image'))
    monkeypatch.setattr('mmt2ireid.apis.export.exporting.export_texts', copy_graph('text'))


def left_in(folder: Path) -> list[str]:
    """Names in a folder that are no part of a model that :func:`make_model` made."""
    return sorted(path.name for path in folder.iterdir() if path.name not in ('tokenizer', 'tiny.pth')
                  and not path.name.startswith('tiny_'))  # fmt: skip
