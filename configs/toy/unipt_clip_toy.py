# Twin of configs/unipt/clip-vitb16_cuhk_unipt.py: UniPT's fine-tuning from the toy CLIP, whose picture tower gives one token.
_base_ = [
    '../_base_/models/toy_clip_unipt.py',
    '../_base_/datasets/toy_clip.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]
