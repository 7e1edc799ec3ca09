"""Checkpoints of UniPT's authors (Shao et al., ICCV 2023): their pre-training."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.apis.converters.convert import Converter
from mmt2ireid.apis.converters.rules import Advice, Rule

_END = r'(weight|bias)'
_BLOCK = r'transformer\.blocks\.(\d+)'
_LAYER = r'image_encoder.layers.\1'
_PICTURE_LOSS = 'a part of their loss on masked pictures, used in their pre-training only'
_UNREAD = 'built, but read by none of their losses'
_WIDTH = (
    'the common width of the file is {0}: --cfg-options model.img_neck.out_channels={0} '
    'model.txt_neck.out_channels={0}, as in configs/unipt/vitb16_lupt_release.py'
)


def fit_positions(key: str, value: Tensor, model: nn.Module) -> Tensor:
    """Position embeddings as the authors' code has them at work.

    It keeps a square grid and interpolates it to the picture's patches in every pass: bilinearly, corner to corner.

    Args:
        key: ours.
        value: the file's entry.
        model: with the image encoder that will have it.

    Returns:
        For position embeddings on a square grid (1, 1 + h w, D) on the encoder's; others as they are.
    """
    new = getattr(model.image_encoder, 'patch_resolution', None)
    if key != 'image_encoder.pos_embed' or new is None or value.ndim != 3 or value.shape[1] < 2:
        return value
    side = math.isqrt(value.shape[1] - 1)
    if side * side != value.shape[1] - 1:
        return value
    grid = value[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2).float()
    grid = F.interpolate(grid, size=tuple(new), mode='bilinear', align_corners=True)
    return torch.cat([value[:, :1].float(), grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


UNIPT = Converter(
    name='UniPT',
    config='unipt/vitb16_lupt_release',
    # A Lightning checkpoint.
    wrappers=('state_dict', 'model'),
    adapt=fit_positions,
    rules=(
        Rule(r'transformer\.(cls_token|pos_embed)', r'image_encoder.\1'),
        Rule(rf'transformer\.patch_embed\.proj\.{_END}', r'image_encoder.patch_embed.projection.\1'),
        Rule(rf'{_BLOCK}\.norm([12])\.{_END}', rf'{_LAYER}.ln\2.\3'),
        Rule(rf'{_BLOCK}\.attn\.(qkv|proj)\.{_END}', rf'{_LAYER}.attn.\2.\3'),
        Rule(rf'{_BLOCK}\.mlp\.fc1\.{_END}', rf'{_LAYER}.ffn.layers.0.0.\2'),
        Rule(rf'{_BLOCK}\.mlp\.fc2\.{_END}', rf'{_LAYER}.ffn.layers.1.\2'),
        Rule(rf'transformer\.norm\.{_END}', r'image_encoder.ln1.\1'),
        Rule(r'transformer\.(?:decoder(?:_\w+)?|(?:fc|norm)_(?:mask|visual))\..+', reason=_PICTURE_LOSS),
        Rule(r'transformer\.(?:mask_token|decoder_pos_embed)', reason=_PICTURE_LOSS),
        Rule(r'clip\..+', reason='the frozen CLIP that sets the targets of their loss on masked pictures'),
        Rule(r'text_model\.embeddings\.position_ids', reason='the numbers 0, 1, 2 ..., which are no weights'),
        Rule(r'text_model\.pooler\..+', reason=_UNREAD),
        Rule(r'text_model\.((?:embeddings|encoder)\..+)', r'text_encoder.bert.\1'),
        Rule(rf'img_proj\.{_END}', r'img_neck.project.\1'),
        Rule(rf'txt_proj\.{_END}', r'txt_neck.project.\1'),
        Rule(r'mlm_score\.transform\.(.+)', r'heads.mlm.transform.\1'),
        Rule(rf'mlm_score\.decoder\.{_END}', r'heads.mlm.decoder.\1'),
        Rule(r'mlm_score\.bias', 'heads.mlm.decoder.bias'),
        Rule(r'(?:token_type_embeddings|pooler)\..+', reason=_UNREAD),
        Rule(r'(?:itm_score|mpp_score|rank_output)\..+', reason='a head of losses that UniPT does not have'),
        Rule(r'(?:train|val|dev|test)_\w+\..+', reason='a running metric of their trainer'),
    ),
    advice=(
        Advice(r'(?:img|txt)_neck\.project\..+', _WIDTH),
        Advice(
            r'image_encoder\.pos_embed',
            'the file has {1} positions, which must be the global one and those of a square grid, as the authors save '
            "them, or the encoder's own",
        ),
        Advice(
            r'(?:image_encoder|text_encoder)\..+',
            'the config must have the encoders of the file; their code pre-trains ViT-B/16 and BERT-base',
        ),
    ),
    foreign={
        'network': "LGUR's, an LSTM after a frozen BERT and a dictionary, which is another model than UniPT's; of "
        "UniPT's own fine-tuning the authors published neither code nor names",
    },
)
"""How the files of UniPT's pre-training become checkpoints of ``configs/unipt/*_lupt*.py``."""
