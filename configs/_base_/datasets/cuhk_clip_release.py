# CUHK-PEDES as IRRA's released code prepares it: images are resized bilinearly by Pillow, rectangles erased by torchvision's
# rule, one token of a caption is masked at least.
_base_ = './cuhk_clip_masked.py'

train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bilinear', backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmpretrain.RandomCrop', crop_size=(384, 128), padding=10),
    # CLIP's mean, which theirs fills in after normalization: (156, 147, 133) in RGB.
    dict(type='TorchvisionErasing', prob=0.5, area=(0.02, 0.4), fill_color=(133, 147, 156)),
    dict(type='Tokenize', tokenizer=_base_.masks),
    dict(type='MaskTokens', tokenizer=_base_.masks, prob=0.15, at_least_one=True),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(step, interpolation='bilinear', backend='pillow') if step['type'] == 'Resize' else step
    for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
