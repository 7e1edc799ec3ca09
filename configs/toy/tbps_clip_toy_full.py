# Twin of configs/tbps-clip/vitb16_cuhk_tbps_full.py on the toy CLIP; view 0 is changed as the pictures of all twins are.
_base_ = [
    '../_base_/models/toy_clip.py',
    '../_base_/datasets/toy_clip_views.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

# The scale is the twin's own, as in ./tbps_clip_toy.py.
model = dict(
    text_encoder=dict(attention_dropout=0.05),
    heads=dict(
        contrastive=dict(type='LabelContrastiveHead', logit_scale=1 / 0.07, soft_ratio=0.5, view=0),
        views=dict(
            type='TwoViewHead', in_channels=128, hidden_channels=32, out_channels=128, views=(1, 2), temperature=0.1,
            loss_weight=0.4)))
custom_hooks = [
    *_base_.custom_hooks, dict(type='HeadRampHook', head='contrastive', name='soft_ratio', epochs=1)]
