# CUHK-PEDES with CLIP's byte pairs, 77 tokens with start and end, and IRRA's augmentation: flip, pad and crop, erase.
_base_ = './cuhk.py'

tokenizer = dict(_delete_=True, type='CLIPTokenizer', max_length=77)
pairs = dict(type='CLIPTokenizer', max_length=77)
augmentation = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmpretrain.RandomCrop', crop_size=(384, 128), padding=10),
    dict(type='mmpretrain.RandomErasing', erase_prob=0.5, min_area_ratio=0.02, max_area_ratio=0.4,
         fill_color=(104, 117, 123)),
]
train_pipeline = [
    *augmentation, dict(type='Tokenize', tokenizer=pairs), dict(type='PackPersonInputs')]
test_pipeline = [
    dict(step, tokenizer=pairs) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
