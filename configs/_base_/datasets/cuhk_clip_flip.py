# CUHK-PEDES with CLIP's byte pairs and UniPT's augmentation: flips alone.
_base_ = './cuhk_clip.py'

train_pipeline = [
    step for step in _base_.train_pipeline if step['type'] not in ('mmpretrain.RandomCrop', 'mmpretrain.RandomErasing')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
