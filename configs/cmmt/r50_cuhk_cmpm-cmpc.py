# Table 1, "CMPM + CMPC" (Zhang and Lu, ECCV 2018), with identities, at CMMT's encoders and recipe.
_base_ = [
    '../_base_/models/r50_bilstm.py',
    '../_base_/datasets/cuhk_weak_words.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(
    heads=dict(
        cpm=dict(type='ProjectionMatchingHead', soft_labels='label', loss=dict(type='CPMLoss', bidirectional=True)),
        cmpc=dict(type='CMPCHead', num_classes=11003, in_channels=1024)))
