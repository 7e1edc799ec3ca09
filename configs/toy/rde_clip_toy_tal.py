# Twin of configs/rde/vitb16_cuhk_tal.py on the toy CLIP.
_base_ = [
    '../_base_/models/toy_clip.py',
    '../_base_/datasets/toy_clip.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(
    heads=dict(tal=dict(type='TripletAlignmentHead', loss=dict(type='TALLoss', temperature=0.015, margin=0.1))))
