# Twin of configs/clip/vitb16_cuhk_itc.py: the toy CLIP fine-tuned by the contrastive loss.
_base_ = [
    '../_base_/models/toy_clip.py',
    '../_base_/datasets/toy_clip.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

# The scale that the twin was measured with, not that of its weights.
model = dict(
    heads=dict(
        contrastive=dict(
            type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=40.0, learn_scale=True))))
