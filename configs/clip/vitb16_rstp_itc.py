# CLIP's ViT-B/16 fine-tuned by the contrastive loss on RSTPReid.
_base_ = [
    '../_base_/models/clip_vitb16.py',
    '../_base_/datasets/rstp_clip.py',
    '../_base_/schedules/clip_finetune.py',
    '../_base_/default_runtime.py',
]

# The scale starts at that of the loaded weights, 100 of OpenAI's, and may fall.
model = dict(
    heads=dict(
        contrastive=dict(
            type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=None, learn_scale=True))))
