"""Narrow models of IRRA and UniPT, and the authors' files of their weights."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from mmengine.config import DictAction
from published_models import in_half, irra_state, unipt_state

from mmt2ireid.apis import get_model
from mmt2ireid.apis.converters import IRRA, UNIPT, convert_checkpoint
from mmt2ireid.structures import MaskedText, PairInputs, PairTargets

ROOT = Path(__file__).resolve().parents[2]
PIXELS = dict(mean=[122.7709383, 116.7460125, 104.09373615], std=[68.5005327, 66.6321579, 70.32316305])
SIZE, END, MASK = (64, 32), 59, 57  # pictures; ids as in CLIP: the end token has the highest
IRRA_SIZES = dict(positions=9, vision=32, depth=2, text=16, text_depth=2, embed=24, vocab=60, context=12, classes=7)
IRRA_HEADS = (2, 2, 3)
IRRA_CONFIG = """# A narrow IRRA.
default_scope = 'mmt2ireid'
clip = dict(
    embed_dim=24, quick_gelu=True,
    vision_cfg=dict(image_size=64, layers=2, width=32, head_width=16, patch_size=16),
    text_cfg=dict(context_length=12, vocab_size=60, width=16, heads=2, layers=2))
model = dict(
    type='DualEncoder',
    data_preprocessor=dict(type='PairDataPreprocessor', pad_to=12),
    image_encoder=dict(type='OpenCLIPImageEncoder', model=clip, image_size=(64, 32)),
    text_encoder=dict(type='OpenCLIPTextEncoder', model=clip, keep_start=True),
    img_neck=dict(type='GlobalTokenNeck', out_channels=24),
    txt_neck=dict(type='GlobalTokenNeck', out_channels=24),
    heads=dict(
        sdm=dict(type='SimilarityDistributionHead', loss=dict(type='SDMLoss', temperature=0.02)),
        irr=dict(
            type='ImplicitReasoningHead', vocab_size=60, dim=24, num_layers=2, num_heads=3, all_places=True),
        identity=dict(type='IdentityHead', num_classes=7, in_channels=24, loss_weight=0.5)))
"""
UNIPT_SIZES = dict(grid=4, vision=24, depth=2, hidden=16, layers=2, inner=40, vocab=60, longest=14, common=20)
UNIPT_CONFIG = """# A narrow UniPT as its authors' code has it.
default_scope = 'mmt2ireid'
bert = dict(
    vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
    max_position_embeddings=14)
model = dict(
    type='DualEncoder',
    data_preprocessor=dict(type='PairDataPreprocessor', pad_to=14),
    image_encoder=dict(
        type='mmpretrain.VisionTransformer', img_size=(64, 32), patch_size=16, out_type='raw',
        arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=96)),
    text_encoder=dict(type='BertTextEncoder', config=bert),
    img_neck=dict(type='ConvMaxPoolNeck', in_channels=24, out_channels=20),
    txt_neck=dict(type='ConvMaxPoolNeck', in_channels=16, out_channels=20, mask_padding=False),
    heads=dict(
        contrastive=dict(type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=1.0)),
        mlm=dict(type='MLMHead', config=bert)))
"""


def write(folder, text):
    path = folder / 'narrow.py'
    path.write_text(text)
    return path


def save(folder, content, name='best.pth'):
    torch.save(content, folder / name)
    return folder / name


def double(state):
    """The values in double precision: what remains of a difference is one of mathematics."""
    return {key: value.double() if value.is_floating_point() else value for key, value in state.items()}


def loaded(config, out):
    """Our model with the converted weights, in double precision."""
    model = get_model(str(config))
    model.load_state_dict(torch.load(out, weights_only=True)['state_dict'])
    return model.double()


def pictures(size=SIZE, seed=1):
    return torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def captions(context=12, end=END, seed=2):
    """Ids (3, context) padded with zeros, from a start token to an end token, and which are real."""
    generator = torch.Generator().manual_seed(seed)
    ids, mask = torch.zeros(3, context, dtype=torch.int64), torch.zeros(3, context, dtype=torch.bool)
    for row, length in enumerate((context, 5, 8)):
        ids[row, :length] = torch.randint(3, MASK - 1, (length,), generator=generator)
        ids[row, 0], ids[row, length - 1], mask[row, :length] = end - 1, end, True
    return ids, mask


def batch(images, ids, mask, masked, positions):
    text = MaskedText(masked, positions, ids.flatten()[positions])
    nothing = torch.full((len(ids),), -1)
    return PairInputs(images, ids, mask, (1,) * len(ids), PairTargets(torch.tensor([0, 4, 6]), nothing, nothing, text))


def close(found, expected, tolerance=1e-9):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)
    assert expected.std() > 1e-3, 'the comparison would prove nothing'


def published_irra(folder):
    """The authors' file with everything their training saves, its weights, the config, the result."""
    state = in_half(irra_state(**IRRA_SIZES))
    scheduler = dict(milestones=(20, 50), base_lrs=[1e-5], last_epoch=3, _last_lr=[1e-5])
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))]).state_dict()
    args = argparse.Namespace(loss_names='sdm+mlm+id', img_size=(384, 128))
    content = dict(model=state, optimizer=optimizer, scheduler=scheduler, num_epoch=60, epoch=3, args=args)
    checkpoint, config, out = save(folder, content), write(folder, IRRA_CONFIG), folder / 'out' / 'irra.pth'
    return checkpoint, state, config, convert_checkpoint(IRRA, checkpoint, out, config=config), out


def published_unipt(folder):
    state = unipt_state(**UNIPT_SIZES)
    lightning = {'epoch': 15, 'pytorch-lightning_version': '1.1.4', 'hyper_parameters': {'config': {'seed': 0}}}
    checkpoint = save(folder, dict(lightning, state_dict=state), 'last.ckpt')
    config, out = write(folder, UNIPT_CONFIG), folder / 'unipt.pth'
    return checkpoint, state, config, convert_checkpoint(UNIPT, checkpoint, out, config=config), out


def documented(start):
    """Options of docs/published_checkpoints.md from those that begin somehow, as the tools read them."""
    text = (ROOT / 'docs' / 'published_checkpoints.md').read_text().replace('\\\n', ' ')
    line = text[text.index(start) :].splitlines()[0].split('`')[0]
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *line.split()]).cfg_options
