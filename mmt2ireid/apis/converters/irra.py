"""Checkpoints of IRRA's authors (Jiang and Ye, CVPR 2023)."""

from __future__ import annotations

from mmt2ireid.apis.converters.convert import Converter
from mmt2ireid.apis.converters.rules import Advice, Rule

_END = r'(weight|bias)'
_BLOCK = r'cross_modal_transformer\.resblocks\.(\d+)'
_LAYER = r'heads.irr.interaction.layers.\1'

IRRA = Converter(
    name='IRRA',
    config='irra/vitb16_cuhk_irra',
    # Their training saves {model, optimizer, scheduler, epoch ...}.
    wrappers=('model', 'state_dict'),
    rules=(
        # Both towers have OpenAI's names, as open_clip's have.
        Rule(r'base_model\.visual\.(.+)', r'image_encoder.visual.\1'),
        Rule(r'base_model\.((?:transformer|token_embedding|ln_final)\..+)', r'text_encoder.\1'),
        Rule(r'base_model\.(positional_embedding|text_projection)', r'text_encoder.\1'),
        Rule(r'base_model\.logit_scale', reason="CLIP's own temperature, which IRRA does not use"),
        Rule(rf'classifier\.{_END}', r'heads.identity.classifier.\1'),
        Rule(r'cross_attn\.(.+)', r'heads.irr.interaction.cross_attention.\1'),
        Rule(rf'ln_pre_t\.{_END}', r'heads.irr.interaction.norm_txt.\1'),
        Rule(rf'ln_pre_i\.{_END}', r'heads.irr.interaction.norm_img.\1'),
        Rule(rf'ln_post\.{_END}', r'heads.irr.interaction.norm.\1'),
        Rule(rf'{_BLOCK}\.ln_([12])\.{_END}', rf'{_LAYER}.norm\2.\3'),
        Rule(rf'{_BLOCK}\.attn\.(.+)', rf'{_LAYER}.self_attn.\2'),
        Rule(rf'{_BLOCK}\.mlp\.c_fc\.{_END}', rf'{_LAYER}.linear1.\2'),
        Rule(rf'{_BLOCK}\.mlp\.c_proj\.{_END}', rf'{_LAYER}.linear2.\2'),
        Rule(rf'mlm_head\.dense\.{_END}', r'heads.irr.transform.0.\1'),
        Rule(rf'mlm_head\.ln\.{_END}', r'heads.irr.transform.2.\1'),
        Rule(rf'mlm_head\.fc\.{_END}', r'heads.irr.decoder.\1'),
    ),
    advice=(
        Advice(
            r'heads\.identity\.classifier\..+',
            'the file was trained on {0} identities: give the config of its data set, or '
            '--cfg-options model.heads.identity.num_classes={0} here and wherever the result is used',
        ),
        Advice(
            r'image_encoder\.visual\.positional_embedding',
            'the file has {0} positions, one of them the global one: pictures of another size, or patches that '
            'overlap, which this encoder has not; the size is model.image_encoder.image_size',
        ),
    ),
)
"""How IRRA's files become checkpoints of ``configs/irra``."""
