# RDE's triplet alignment loss on CLIP's embeddings, CUHK-PEDES.
_base_ = [
    '../_base_/models/clip_vitb16.py',
    '../_base_/datasets/cuhk_clip.py',
    '../_base_/schedules/clip_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(
    heads=dict(tal=dict(type='TripletAlignmentHead', loss=dict(type='TALLoss', temperature=0.015, margin=0.1))))
